// What `fsam analyze` refuses, leaves and says where a run, its data or its folders are not what they seem.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it, test } from 'vitest';
import { temporaryFolder } from '../support/folders.js';
import { fsam } from './support/fsam.js';
import { writeIdx } from './support/idx.js';

const folder = temporaryFolder();
const SAMPLE = ['--samples', '32', '--threads', '1'];
const analyze = (name: string, run: string, ...words: string[]) =>
  fsam(folder, ['analyze', name, '--run', run, ...SAMPLE, ...words]);
const read = (...path: string[]) => readFileSync(join(folder, ...path), 'utf8');

/** A data set of four classes; with `inverted` pixels another of the same labels. */
function writeSet(name: string, inverted: boolean): void {
  mkdirSync(join(folder, name));
  for (const [part, count] of [
    ['train', 64],
    ['t10k', 32],
  ] as const) {
    const labelOf = (i: number) => i % 4;
    writeIdx(join(folder, name, `${part}-images-idx3-ubyte`), [count, 8, 8], (i) => {
      const pixel = (i * 7 + 40 * labelOf(i >> 6)) % 251;
      return inverted ? 255 - pixel : pixel;
    });
    writeIdx(join(folder, name, `${part}-labels-idx1-ubyte`), [count], labelOf);
  }
}

beforeAll(async () => {
  writeSet('data', false);
  writeSet('others', true);
  const train = ['train', '--config', 'smoke', '--epochs', '2', '--threads', '1', '--set'];
  const settings = [
    'data.name=idx',
    '--set',
    'model.width=1',
    '--set',
    'checkpoint.keepEveryEpochs=1',
  ];
  for (const out of ['run', 'another']) {
    const told = await fsam(folder, [...train, ...settings, '--data-dir', 'data', '--out', out]);
    expect([told.stderr, told.code]).toEqual([expect.anything(), 0]);
  }
}, 60_000);

it('takes no other images than those of the run, though the labels are the same', async () => {
  const told = await analyze('landscape', 'run', '--points', '2', '--data-dir', 'others');
  expect(told.code).toBe(2);
  expect(told.stderr).toMatch(
    /others: holds other images than run\/checkpoints\/step-\d+\.safetensors was trained with/,
  );
  expect(existsSync(join(folder, 'run', 'analysis', 'landscape-line.csv'))).toBe(false);
});

it.each([
  [['hessian', 'run', '--tolerance', '0.9'], 'wanted a number above 0, and 0.01 at most'],
  [
    ['sharpness', 'run', '--kinds', 'one-step', '--restarts', '3'],
    '--restarts: got it with --kinds one-step, of which none climbs',
  ],
  [
    ['sharpness', 'run', '--kinds', 'worst-case', '--draws', '3'],
    '--draws: got it with --kinds worst-case, of which none is drawn',
  ],
  [['sharpness', 'run', '--parts', '3'], '--parts: got it with the whole sample alone, wanted --m'],
  [['sharpness', 'run', '--draws', '1'], '--draws: got 1, wanted 2 at least'],
  [
    ['landscape', 'run', '--kind', 'plane', '--points', '201'],
    '--points: got 201 with --kind plane, wanted 200 at most along an axis',
  ],
  [
    ['landscape', 'run', '--kind', 'path', '--to', 'another', '--one-axis', 'weights'],
    '--one-axis: got it with --kind path',
  ],
  [
    ['spectrum', 'run', '--out', 'run/checkpoints'],
    '--out run/checkpoints: lies among the checkpoints of the run',
  ],
  [
    ['spectrum', 'run', '--out', 'another/analysis/deep'],
    'another, whose analysis it would pass for',
  ],
] as const)('%j is a mistake, and nothing is written', async ([name, run, ...words], message) => {
  const before = readdirSync(folder, { recursive: true });
  const told = await analyze(name, run, ...words);
  expect([told.code, told.stderr]).toEqual([2, expect.stringContaining(message)]);
  expect(readdirSync(folder, { recursive: true })).toEqual(before);
});

it('takes a seed of 0, kinds that are named twice, and a checkpoint of a run behind a link', async () => {
  symlinkSync(join(folder, 'run'), join(folder, 'link'));
  const checkpoint = join(folder, 'run', 'checkpoints', 'step-00000004.safetensors');
  const words = [
    '--seed',
    '0',
    '--rho',
    '0.1',
    '--adaptive-rho',
    '',
    '--kinds',
    'one-step,one-step',
  ];
  const told = await analyze('sharpness', 'link', ...words, '--checkpoint', checkpoint);
  expect([told.stderr, told.code]).toEqual([expect.anything(), 0]);
  const report = await fsam(folder, ['report', 'run', 'another', '--out', 'report']);
  expect(report.code).toBe(0);
  // Of two epochs of two steps the last: no word of when.
  expect(read('report', 'table.md')).toMatch(/rise, one-step 0\.1 \([^|]* of seed 0\) /);
});

it('says in the report where an analysis is of an earlier checkpoint', async () => {
  const checkpoint = join(folder, 'run', 'checkpoints', 'step-00000002.safetensors');
  const words = ['--rho', '0.1', '--adaptive-rho', '', '--kinds', 'one-step'];
  expect((await analyze('sharpness', 'run', ...words, '--checkpoint', checkpoint)).code).toBe(0);
  expect((await fsam(folder, ['report', 'run', '--out', 'early'])).code).toBe(0);
  expect(read('early', 'table.md')).toMatch(
    /rise, one-step 0\.1 \([^|]* of seed 1\), after epoch 1, step 2 /,
  );
});

it('leaves no figure of the analysis whose table it replaces', async () => {
  const few = ['--vectors', '2', '--top', '1', '--bottom', '1', '--steps', '3', '--out', 'out'];
  expect((await analyze('hessian', 'run', ...few, '--along-run')).code).toBe(0);
  const figures = () => readdirSync(join(folder, 'out')).filter((name) => name.endsWith('.svg'));
  expect(figures()).toEqual(['hessian-along-run.svg', 'hessian-traces.svg']);
  expect((await analyze('hessian', 'run', ...few)).code).toBe(0);
  expect(figures()).toEqual(['hessian-traces.svg']);
});

test('a table that was cut in a line is told by the report', async () => {
  mkdirSync(join(folder, 'another', 'analysis'));
  const path = join(folder, 'another', 'analysis', 'hessian.csv');
  writeFileSync(path, read('out', 'hessian.csv').trimEnd().slice(0, -40));
  const told = await fsam(folder, ['report', 'another', '--out', 'cut']);
  expect(told.code).toBe(2);
  expect(told.stderr).toMatch(
    /hessian\.csv: has a row of \d+ fields, wanted a table of fsam analyze hessian/,
  );
});
