// fsam report and fsam compare as a user types them.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeRun } from '../unit/report-support.js';
import { temporaryFolder } from '../support/folders.js';
import { contentOf, fsam } from './support/fsam.js';

function twoRuns(): string {
  const folder = temporaryFolder();
  writeRun(join(folder, 'runs/sgd/seed-1'), { accuracy: [10, 30, 20] });
  writeRun(join(folder, 'runs/sam/seed-1'), {
    optimizer: { name: 'sam', rho: 0.1 },
    accuracy: [20, 25, 45],
  });
  return folder;
}

describe('fsam report', () => {
  it('prints the table and the files, beside the runs unless told otherwise', async () => {
    const folder = twoRuns();
    const { code, stdout, stderr } = await fsam(folder, ['report', 'runs']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^sgd +1 +1 +20\.00 +30\.00 +20\.00$/m);
    const files = stdout.split('\n').filter((line) => line.startsWith('runs/report/'));
    const listed = readdirSync(join(folder, 'runs/report')).filter((name) => !name.startsWith('.'));
    expect(files).toHaveLength(listed.length);
    expect(readFileSync(join(folder, 'runs/report/index.html'), 'utf8')).toContain(
      'bin/fsam report runs',
    );
    // Its own files are no runs, and the second report is the first.
    expect((await fsam(folder, ['report', 'runs'])).stdout).toBe(stdout);
  });

  it.each([
    [['nowhere'], /^fsam: nowhere: no such folder/],
    [['empty.d'], /^fsam: empty\.d: holds no run; wanted a run folder such as/],
    [['runs', 'runs/sgd'], /^fsam: --out: missing, wanted the folder/],
    [['runs', '--out', ''], /^fsam: --out: got an empty name/],
    [[], /^fsam: missing required argument/],
  ])('report %j: one line, exit code 2, nothing written', async (args, message) => {
    const folder = twoRuns();
    mkdirSync(join(folder, 'empty.d/report'), { recursive: true });
    const { code, stderr } = await fsam(folder, ['report', ...args]);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(existsSync(join(folder, 'runs/report'))).toBe(false);
  });

  it('refuses to overwrite an index.html of the user, and writes nothing', async () => {
    const folder = twoRuns();
    mkdirSync(join(folder, 'site'));
    writeFileSync(join(folder, 'site/index.html'), '<title>mine</title>');
    const { code, stderr } = await fsam(folder, ['report', 'runs', '--out', 'site']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^fsam: site\/index\.html: is not from fsam, which would write .*\n$/);
    expect(readdirSync(join(folder, 'site'))).toEqual(['index.html']);
    // A report of an earlier version, which kept no list, is known by its page.
    expect((await fsam(folder, ['report', 'runs'])).code).toBe(0);
    rmSync(join(folder, 'runs/report/.fsam-files.json'));
    writeFileSync(join(folder, 'runs/report/accuracy-by-gone.svg'), 'of an earlier report');
    expect((await fsam(folder, ['report', 'runs'])).code).toBe(0);
    expect(existsSync(join(folder, 'runs/report/accuracy-by-gone.svg'))).toBe(false);
  });

  it('leaves the files of a run alone where it writes beside them', async () => {
    const folder = temporaryFolder();
    expect((await fsam(folder, ['train', '--config', 'smoke', '--out', 'r', '--quiet'])).code).toBe(
      0,
    );
    const before = contentOf(join(folder, 'r'));
    for (let i = 0; i < 2; i++) {
      expect((await fsam(folder, ['report', 'r', '--out', 'r'])).code).toBe(0);
      const list = join(folder, 'r/.fsam-files.json');
      expect({ ...contentOf(join(folder, 'r')), [list]: '' }).toMatchObject({
        ...before,
        [list]: '',
      });
    }
  });

  it('leaves a damaged run out, names its torn row, and ends with 1', async () => {
    const folder = twoRuns();
    const path = join(folder, 'runs/sgd/seed-1/metrics.csv');
    writeFileSync(path, readFileSync(path, 'utf8').slice(0, -9));
    const { code, stdout, stderr } = await fsam(folder, ['report', 'runs']);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^\S+ +1 +1 +45\.00 /m);
    expect(stdout).not.toContain('20.00');
    const torn = 'runs/sgd/seed-1/metrics.csv:4: wanted the 13 fields of epoch 3';
    expect(stderr).toBe(`left out: ${torn}\nfsam: 1 damaged run left out (see above)\n`);
    const alone = await fsam(folder, ['report', 'runs/sgd', '--out', 'alone']);
    expect(alone).toMatchObject({ code: 2, stderr: `fsam: ${torn}\n` });
  });

  it('follows links to runs, and counts each run once', async () => {
    const folder = twoRuns();
    writeRun(join(folder, 'elsewhere/fsam'), { optimizer: { name: 'fsam' }, accuracy: [1, 2, 3] });
    symlinkSync('../elsewhere', join(folder, 'runs/link'));
    symlinkSync('..', join(folder, 'runs/circle'));
    symlinkSync('nowhere', join(folder, 'runs/broken'));
    const { code, stdout } = await fsam(folder, ['report', 'runs', 'runs/sgd', '--out', 'out']);
    expect(code).toBe(0);
    const table = stdout.slice(0, stdout.indexOf('\n\n')).split('\n');
    expect(table.filter((line) => /^(sgd|sam|fsam)\S* +1 +1 /.test(line))).toHaveLength(3);
  });

  it('reads tables as an editor may leave them: a byte order mark, lines that end in CRLF', async () => {
    const folder = twoRuns();
    const whole = await fsam(folder, ['report', 'runs']);
    for (const name of ['metrics.csv', 'timing.csv']) {
      const path = join(folder, 'runs/sgd/seed-1', name);
      writeFileSync(path, `\ufeff${readFileSync(path, 'utf8').replaceAll('\n', '\r\n')}`);
    }
    expect(await fsam(folder, ['report', 'runs'])).toEqual(whole);
  });

  it('refuses a column of a later version by name', async () => {
    const folder = twoRuns();
    const path = join(folder, 'runs/sgd/seed-1/metrics.csv');
    writeFileSync(
      path,
      readFileSync(path, 'utf8')
        .replace(/^(.*)$/gm, '$1,top5')
        .replace(/,top5\n$/, '\n'),
    );
    const { code, stderr } = await fsam(folder, ['report', 'runs/sgd', '--out', 'out']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/metrics\.csv:1: has the column top5, which this version/);
  });
});

describe('fsam compare', () => {
  it('shows differences, numbers and curves', async () => {
    const folder = twoRuns();
    const { code, stdout } = await fsam(folder, ['compare', 'runs/sgd/seed-1', 'runs/sam/seed-1']);
    expect(code).toBe(0);
    expect(stdout).toContain('  optimizer.name: sgd -> sam\n');
    expect(stdout).toMatch(/^test accuracy, last \(%\) +20\.000 +45\.000 +\+25\.000$/m);
    expect(stdout).toMatch(/^test accuracy, best \(%\) +30\.000 +45\.000 +\+15\.000$/m);
    const chart =
      stdout.split('test accuracy (%), epochs 1 to 3\n')[1]?.split('\n').slice(0, 9) ?? [];
    // The first run begins at the bottom, its lowest dot the first of the line; the second ends at the top.
    expect(chart[0]).toMatch(/^45\.000 \|.*[^\u2800]\u2800*$/u);
    expect(chart[8]).toMatch(/^10\.000 \|[^\u2800]/u);
  });

  it('names another number of workers, and another device', async () => {
    const folder = twoRuns();
    const path = join(folder, 'runs/sam/seed-1/environment.json');
    const environment = JSON.parse(readFileSync(path, 'utf8')) as object;
    writeFileSync(path, JSON.stringify({ ...environment, device: 'NVIDIA A2', workers: 2 }));
    const { stdout } = await fsam(folder, ['compare', 'runs/sgd/seed-1', 'runs/sam/seed-1']);
    expect(stdout).toMatch(/^ {2}device: \S.* -> gpu$/m);
    expect(stdout).toContain('  workers: 1 -> 2\n');
  });

  it('shows what is small as what it is', async () => {
    const folder = twoRuns();
    for (const [name, loss] of [
      ['sgd', '0.0001230'],
      ['sam', '0.0001210'],
    ] as const) {
      const path = join(folder, `runs/${name}/seed-1/metrics.csv`);
      writeFileSync(path, readFileSync(path, 'utf8').replaceAll(/,(2|1\.9|1\.8),/g, `,${loss},`));
    }
    const { stdout } = await fsam(folder, ['compare', 'runs/sgd/seed-1', 'runs/sam/seed-1']);
    expect(stdout).toMatch(/^train loss, last +0\.000123 +0\.000121 +-0\.000002$/m);
  });

  it('refuses what is no run, and a run without an epoch', async () => {
    const folder = twoRuns();
    const none = await fsam(folder, ['compare', 'runs', 'runs/sgd/seed-1']);
    expect(none.stderr).toMatch(/^fsam: runs: is not a run folder/);
    const path = join(folder, 'runs/sam/seed-1/metrics.csv');
    writeFileSync(path, `${readFileSync(path, 'utf8').split('\n')[0] ?? ''}\n`);
    const begun = await fsam(folder, ['compare', 'runs/sgd/seed-1', 'runs/sam/seed-1']);
    expect(begun.stderr).toMatch(/^fsam: runs\/sam\/seed-1: has no finished epoch yet/);
  });
});
