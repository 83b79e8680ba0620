// fsam bench as a command: what it says while it runs, when a side fails, and when it is stopped.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { temporaryFolder } from '../support/folders.js';
import { writeProgram } from '../support/programs.js';
import { MINUTES } from '../support/wait.js';
import { fsam, start } from './support/fsam.js';

const SMOKE = ['bench', '--config', 'smoke', '--steps', '1', '--warmup', '1'];

/** A stand-in for Python with torch: a program that answers as scripts/bench_pytorch.py does. */
function standIn(folder: string, source: string): string[] {
  const python = join(folder, 'python');
  writeProgram(
    python,
    `const args = process.argv.slice(2);
     if (args[0] === '-c') process.exit(0);
     const asked = (name) => args[args.indexOf('--' + name) + 1];
     const answer = (object) => console.log(JSON.stringify(object));
     const timing = { milliseconds: [4], peak_memory_mb: 800, losses: [],
       parameters: Number(asked('parameters')), torch: '2', instructions: 'AVX2', threads: Number(asked('threads')), device: 'cpu' };
     ${source}`,
    '/usr/bin/env node',
  );
  writeFileSync(join(folder, 'script.py'), '');
  return ['--against', 'script.py', '--python', python];
}

it('says on stderr how each side ended, and names the one that failed', async () => {
  const folder = temporaryFolder();
  const python = standIn(
    folder,
    `asked('modes') === 'compile' ? answer({ failure: 'no C++ compiler' }) : answer(timing);`,
  );
  const { code, stdout, stderr } = await fsam(folder, [...SMOKE, ...python, '--json', 'all.json'], {
    TF_NUM_INTRAOP_THREADS: '1',
  });
  const figure = /^\d+\.\d ms a step$/;
  const said = stderr.trimEnd().split('\n');
  expect(said.map((line) => line.split(': ')[0])).toEqual([
    ...['fsam stock', 'fsam eager', 'fsam compiled'],
    ...['pytorch channels_last', 'pytorch default', 'pytorch compile', 'fsam'],
  ]);
  for (const line of said.slice(0, 5)) expect(line.split(': ')[1]).toMatch(figure);
  expect(said[5]).toBe('pytorch compile: no C++ compiler');
  expect(said[6]).toBe('fsam: bench: pytorch compile did not run, see above');
  expect(code).toBe(1);
  expect(stdout).toMatch(/^pytorch compile +no C\+\+ compiler$/m);
  expect(stdout).toContain('PyTorch 2, AVX2, 1 threads');
  const { rows } = JSON.parse(readFileSync(join(folder, 'all.json'), 'utf8')) as {
    rows: { outcome: { timing?: { parameters: number } } }[];
  };
  // The script was told what fsam's own network has.
  const counts = new Set(rows.flatMap(({ outcome }) => outcome.timing?.parameters ?? []));
  expect([...counts]).toHaveLength(1);
});

it('times every side once a round, and sums up the steps of all', async () => {
  const folder = temporaryFolder();
  const python = standIn(
    folder,
    `const { appendFileSync, readFileSync } = require('node:fs');
     appendFileSync('turns', 'x');
     const turn = readFileSync('turns', 'utf8').length;
     answer({ ...timing, milliseconds: [10 * turn], peak_memory_mb: turn === 2 ? 900 : 800 });`,
  );
  const asked = [...SMOKE, '--modes', 'compiled', '--against-modes', 'channels_last'];
  const { code, stdout, stderr } = await fsam(folder, [...asked, ...python, '--rounds', '3']);
  expect(code).toBe(0);
  const said = stderr.trimEnd().split('\n');
  const [own, theirs] = ['fsam compiled', 'pytorch channels_last'];
  expect(said.map((line) => line.split(': ')[0])).toEqual([own, theirs, own, theirs, own, theirs]);
  expect(stdout).toMatch(/in each of 3 rounds$/m);
  expect(stdout.match(/^fsam compiled/gm)).toHaveLength(1);
  expect(stdout).toMatch(/^pytorch channels_last +20\.0 +10\.0 +30\.0 +\S+ +900 /m);
});

it.each(['SIGINT', 'SIGTERM'] as const)(
  '%s: prints what it has and ends its child',
  async (signal) => {
    const folder = temporaryFolder();
    const pid = join(folder, 'pid');
    const python = standIn(
      folder,
      `if (asked('modes') === 'channels_last') answer(timing);
     else { require('node:fs').writeFileSync('pid', String(process.pid)); setInterval(() => {}, 1000); }`,
    );
    const bench = start(folder, [...SMOKE, '--modes', 'compiled', ...python]);
    await vi.waitUntil(() => existsSync(pid) && readFileSync(pid, 'utf8') !== '', MINUTES);
    bench.process.kill(signal);
    const { code, stdout, stderr } = await bench.done;
    expect(code).toBe(signal === 'SIGINT' ? 130 : 143);
    expect(stdout).toMatch(/^fsam compiled +\d/m);
    expect(stdout).toMatch(/^pytorch channels_last +4\.00/m);
    expect(stdout).not.toMatch(/^pytorch (default|compile)/m);
    expect(stderr).toContain(`interrupted by ${signal}; what was timed until then is above`);
    expect(existsSync(`/proc/${readFileSync(pid, 'utf8')}`)).toBe(false);
  },
);

it('SIGINT before a side has ended: no table, and no process left', async () => {
  const bench = start(temporaryFolder(), [...SMOKE, '--steps', '100000', '--modes', 'compiled']);
  await bench.until(/median of 100000 steps/);
  // Once the process that times has started.
  const children = `/proc/${bench.process.pid ?? 0}/task/${bench.process.pid ?? 0}/children`;
  const read = () => readFileSync(children, 'utf8').trim().split(' ').filter(Boolean);
  await vi.waitUntil(() => read().length > 0, MINUTES);
  const [worker] = read();
  bench.process.kill('SIGINT');
  const { code, stdout, stderr } = await bench.done;
  expect([code, stdout.includes('ms/step')]).toEqual([130, false]);
  expect(stderr).toContain('nothing was timed');
  expect(existsSync(`/proc/${worker ?? ''}`)).toBe(false);
});

it('names a Python without torch, times the rest, and exits with 1', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'script.py'), '');
  writeProgram(join(folder, 'python'), 'exit 3');
  const asked = [...SMOKE, '--modes', 'compiled', '--against', 'script.py'];
  const python = join(folder, 'python');
  const { code, stdout, stderr } = await fsam(folder, asked, { FSAM_PYTHON: python });
  expect(code).toBe(1);
  expect(stderr).toMatch(new RegExp(`^pytorch: ${python} has no torch; to get it: `));
  expect(stderr).toContain('fsam: bench: pytorch did not run, see above');
  expect(stdout).toMatch(/^fsam compiled +\d/m);
  const named = await fsam(folder, [...asked, '--python', python]);
  expect([named.code, named.stdout]).toEqual([2, '']);
});

it('--profile: the table of ops, and a trace that it writes over again but no other file', async () => {
  const folder = temporaryFolder();
  const asked = [...SMOKE, '--profile'];
  const { code, stdout, stderr } = await fsam(folder, asked);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toContain(
    'batch 32: mean of the faster half of 1 profiled steps after 1 of warm-up',
  );
  expect(stdout).toMatch(/^op +count +ms +share +bytes$/m);
  expect(stdout).toMatch(/^WinogradConv2D +\d+ +\d+\.\d\d +\d+\.\d % +\d+\.\d [kM]B$/m);
  expect(stdout).toMatch(/^outside any op +\d+\.\d\d +\d+\.\d %$/m);
  expect(stdout).toMatch(/^the step +\d+ +\d+\.\d\d +100\.0 %$/m);
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  const { fsam: about, traceEvents } = JSON.parse(read('trace.json')) as {
    fsam: { table: { rows: { op: string; count: number; milliseconds: number }[] } };
    traceEvents: { ph: string; name: string; dur: number }[];
  };
  for (const { op, count, milliseconds } of about.table.rows) {
    const events = traceEvents.filter(({ ph, name }) => ph === 'X' && name === op);
    expect(events).toHaveLength(count);
    // One step was profiled: it is both the table's and the trace's.
    expect(events.reduce((sum, { dur }) => sum + dur, 0) / 1000).toBeCloseTo(milliseconds, 6);
  }
  expect((await fsam(folder, asked)).code).toBe(0);

  // Of another program.
  writeFileSync(join(folder, 'mine.json'), '{"traceEvents":[]}');
  const refused = await fsam(folder, [...asked, 'mine.json']);
  expect(refused.stderr).toMatch(/^fsam: --profile mine\.json: is not from the same command.*\n$/);
  expect([refused.code, refused.stdout, read('mine.json')]).toEqual([2, '', '{"traceEvents":[]}']);
});

it('--profile: refuses a side that has none, in one line', async () => {
  const asked = [...SMOKE, '--profile', '--modes', 'stock', 'compiled'];
  const { code, stdout, stderr } = await fsam(temporaryFolder(), asked);
  expect(stderr).toMatch(/^fsam: --modes: got stock compiled beside --profile, .*\n$/);
  expect([code, stdout]).toEqual([2, '']);
});
