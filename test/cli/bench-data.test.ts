// fsam bench --data-only as a command, on a few pictures.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folders.js';
import { writeProgram } from '../support/programs.js';
import { writeClassFolders } from './support/class-folders.js';
import { fsam } from './support/fsam.js';
import { SET } from './support/own-indexes.js';
import { writeShards } from './support/shards.js';

const folder = temporaryFolder();
const [folders, records, tars] = ['folders', 'records', 'tars'].map(
  (form) => `${SET}-bench-${form}`,
) as [string, string, string];

const CONFIG = `
name: pictures
epochs: 1
batchSize: 4
data: { name: imagenet, imageSize: 32, resizeTo: 40 }
model: { name: imagenet-resnet18, width: 2 }
optimizer: { name: fsam }
`;
const BENCH = ['bench', '--config', 'pictures.yaml', '--data-only', '--steps', '2'];
const ONCE = [...BENCH, '--warmup', '1'];

/** What stands in for Python answers, and keeps what it was asked. */
const STAND_IN = `
  const { appendFileSync, copyFileSync } = require('node:fs');
  const args = process.argv.slice(2);
  if (args[0] === '-c') process.exit(0);
  const asked = (name) => args[args.indexOf('--' + name) + 1];
  copyFileSync(asked('pictures'), 'asked.json');
  appendFileSync('asked.txt', [asked('modes'), asked('workers'), asked('batch'), asked('warmup')].join(' ') + '\\n');
  if (asked('modes') === 'pil' && asked('workers') === '2') { console.error('no memory'); process.exit(1); }
  console.log(JSON.stringify({ images_per_second: 0.5, torch: '2', torchvision: '3', pillow: '4' }));`;

/** [file, offset, length, top, left, height, width, flip] */
type Listed = readonly [string, number, number, number, number, number, number, boolean];

beforeAll(async () => {
  writeClassFolders(join(folder, folders));
  await writeShards(folder, folders, { tfrecord: records, webdataset: tars });
  writeFileSync(join(folder, 'pictures.yaml'), CONFIG);
  writeFileSync(join(folder, 'script.py'), '');
  writeProgram(join(folder, 'python'), STAND_IN, '/usr/bin/env node');
}, 300_000);

const read = (name: string) => readFileSync(join(folder, name), 'utf8');

describe('fsam bench --data-only', () => {
  it('times readers, the parts of a picture, and the step where it is asked for', async () => {
    const words = ['--data-dir', folders, '--workers', '1,2', '--with-step', '--json', 'all.json'];
    const { code, stdout, stderr } = await fsam(folder, [...ONCE, ...words]);
    expect(stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^parts: [\d.]+ ms an image$/),
      expect.stringMatching(/^fsam, 1 worker: [\d.]+ images\/s$/),
      expect.stringMatching(/^fsam, 2 workers: [\d.]+ images\/s$/),
      expect.stringMatching(/^step: [\d.]+ images\/s$/),
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/: training pictures to 32x32, 2 batches of 4 after 1 of warm-up$/m);
    expect(stdout).toMatch(/^fsam +[\d.]+ +[\d.]+$/m);
    expect(stdout).toMatch(/^fsam \/ what a step takes in +[\d.]+x +[\d.]+x$/m);
    expect(stdout).toMatch(/^A training step takes in [\d.]+ images\/s\.$/m);
    for (const part of ['read', 'decode', 'resize', 'take', 'all']) {
      expect(stdout).toMatch(new RegExp(`^${part} +\\d+\\.\\d{3} +\\d+\\.\\d %$`, 'm'));
    }
    const { rows } = JSON.parse(read('all.json')) as { rows: { name: string }[] };
    expect(rows.map(({ name }) => name)).toEqual([
      ...['parts', 'fsam, 1 worker', 'fsam, 2 workers', 'step'],
    ]);
  });

  it.each([folders, records, tars])(
    'hands torchvision the very pictures of %s, in turns, and tells of a mode that failed',
    async (directory) => {
      writeFileSync(join(folder, 'asked.txt'), '');
      const against = ['--against', 'script.py', '--python', join(folder, 'python')];
      const words = ['--data-dir', directory, '--workers', '1,2', '--rounds', '2', ...against];
      const { code, stdout, stderr } = await fsam(folder, [...ONCE, ...words]);
      expect([code, stderr.trimEnd().split('\n').at(-1)]).toEqual([
        1,
        'fsam: bench: torchvision pil, 2 workers did not run, see above',
      ]);
      expect(stderr).toContain('torchvision pil, 2 workers: exit code 1: no memory\n');
      expect(read('asked.txt').trimEnd().split('\n')).toEqual([
        ...['v2 1 4 1', 'pil 1 4 1', 'v2 2 4 1', 'pil 2 4 1'],
        ...['v2 1 4 1', 'pil 1 4 1', 'v2 2 4 1'],
      ]);
      expect(stdout).toMatch(/^torchvision v2 +0\.500 +0\.500$/m);
      expect(stdout).toMatch(/^torchvision pil +0\.500 +failed$/m);
      expect(stdout).toContain('torchvision 3, Pillow 4, PyTorch 2');

      const { side, pictures } = JSON.parse(read('asked.json')) as {
        side: number;
        pictures: Listed[];
      };
      expect([side, pictures.length]).toEqual([32, 12]);
      const originals = readdirSync(join(folder, folders, 'train'), { recursive: true })
        .map((name) => join(folder, folders, 'train', String(name)))
        .filter((name) => name.endsWith('.JPEG'))
        .map((name) => readFileSync(name).toString('base64'));
      for (const [file, offset, length, ...box] of pictures) {
        const bytes = readFileSync(file).subarray(offset, offset + length);
        expect(originals).toContain(bytes.toString('base64'));
        expect(box.map((value) => typeof value)).toEqual([...Array(4).fill('number'), 'boolean']);
      }
      // The pictures, boxes and flips of an epoch do not depend on the form.
      const boxes = pictures.map(([, , length, ...box]) => [length, ...box]);
      first ??= boxes;
      expect(boxes).toEqual(first);
    },
  );
  let first: unknown[] | undefined;

  it.each([
    [
      ['bench', '--config', 'smoke', '--data-only'],
      /^fsam: --data-only: got data\.name \S+, which lies on the device as a whole/,
    ],
    [[...BENCH, '--modes', 'eager'], /^fsam: --modes: got it beside --data-only, /],
    [
      ['bench', '--config', 'smoke', '--workers', '2'],
      /^fsam: --workers: got it without --data-only/,
    ],
    [[...BENCH, '--workers', '0,2'], /--workers.*wanted a whole number from 1 to 999/],
    [[...BENCH, '--data-dir', 'absent'], /^fsam: data\.directory absent: there is no such folder/],
  ])('%j is refused in one line', async (words, told) => {
    const { code, stdout, stderr } = await fsam(folder, words);
    expect(stderr).toMatch(told);
    expect([code, stdout, stderr.trimEnd().split('\n')]).toEqual([2, '', [stderr.trimEnd()]]);
  });
});
