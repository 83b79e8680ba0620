// From run folders to points, tables, figures and the page.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { configSchema } from '../../src/catalogue/schema.js';
import { compareOptimizers } from '../../src/report/comparisons.js';
import { figuresOf } from '../../src/report/figures.js';
import { renderPage } from '../../src/report/page.js';
import { copyNotes, pointsOf } from '../../src/report/points.js';
import { publishedFor } from '../../src/report/published.js';
import { readProgress, readRuns } from '../../src/report/runs.js';
import { summaryCsv, timeCsv } from '../../src/report/summary.js';
import { scoreCells, comparisonCells, latexTable, markdownTable } from '../../src/report/table.js';
import { writeReport } from '../../src/report/write.js';
import { acquireLock } from '../../src/util/lock.js';
import { configFrom } from '../support/configs.js';
import { columnOf } from '../support/csv.js';
import { messageOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';
import { writeRun, type RunOptions } from './report-support.js';

const root = temporaryFolder();
let folders = 0;
/** A folder with these runs under it. */
function runs(...all: readonly RunOptions[]): string {
  const folder = join(root, `sweep-${++folders}`);
  all.forEach((options, i) => writeRun(join(folder, `run${i}`), options));
  return folder;
}
const points = async (...all: readonly RunOptions[]) =>
  pointsOf((await readRuns([runs(...all)])).runs);
const sam = (rho: number) => ({ name: 'sam', rho });

describe('points', () => {
  test('runs that differ in the seed are one; rho is no key of sgd; optimizers have their order', async () => {
    const found = await points(
      { optimizer: { name: 'fsam', rho: 0.1 }, seed: 1 },
      { optimizer: sam(0.2), seed: 2 },
      { optimizer: { name: 'sgd', rho: 0.7 }, seed: 1 },
      { optimizer: sam(0.1), seed: 1 },
      { optimizer: { name: 'sgd', rho: 0.3 }, seed: 2 },
      { optimizer: sam(0.2), seed: 1 },
    );
    const told = found.map((point) => [point.label, point.runs.map(({ config }) => config.seed)]);
    expect(told).toEqual([
      ['sgd', [1, 2]],
      ['sam-rho0.1', [1]],
      ['sam-rho0.2', [1, 2]],
      ['fsam-rho0.1', [1]],
    ]);
  });

  test('numbers are in their order, other keys before the optimizer', async () => {
    // How noise is drawn tells nothing apart where there is none.
    const noise = (rate: number) => ({
      keys: { labelNoise: { rate, ...(rate === 0 ? { seed: 4, kind: 'asymmetric' } : {}) } },
    });
    const found = await points(
      { ...noise(0.8), optimizer: sam(0.1) },
      { ...noise(0), optimizer: sam(0.1) },
      noise(0.8),
      noise(0.2),
    );
    expect(found.map(({ label }) => label)).toEqual([
      'noise0-sam',
      'noise0.2-sgd',
      'noise0.8-sgd',
      'noise0.8-sam',
    ]);
  });

  test('names, and keys that change no number, set no runs apart; the device that was used does', async () => {
    const named = (name: string, seed: number, keys = {}, device = 'CPU') => ({
      seed,
      device,
      keys: { name, ...keys },
    });
    const found = await points(
      named('first', 1),
      named('first', 2, { evaluationBatchSize: 8 }),
      named('second', 3, { device: 'cpu' }),
      named('second', 4, { variant: 'x', logging: { tensorboard: true } }),
    );
    expect(found.map(({ label, runs: own }) => [label, own.length])).toEqual([
      ['first, second', 4],
    ]);
    expect(compareOptimizers(found, 'last')).toEqual([]);
    const two = await points(named('a', 1), named('a', 2, {}, 'NVIDIA H100 80GB HBM3'));
    expect(two.map(({ label }) => label)).toEqual(['cpu', 'gpu']);
  });

  test('asam is one optimizer, whichever way it was written', async () => {
    const found = await points(
      { optimizer: { name: 'asam', rho: 1 }, seed: 1 },
      { optimizer: { name: 'sam', adaptive: true, rho: 1 }, seed: 2 },
      { optimizer: { name: 'sam', rho: 1 }, seed: 1 },
      { optimizer: { name: 'fasam', rho: 1 }, seed: 1 },
    );
    expect(found.map(({ label, runs: own }) => [label, own.length])).toEqual([
      ['sam', 1],
      ['asam', 2],
      ['fasam', 1],
    ]);
    const [, ...rows] = comparisonCells(compareOptimizers(found, 'last'));
    expect(rows[0]?.[0]).toBe('asam - sam (without seed 2 of asam)');
  });

  test('folders of idx files are two data sets, wherever other sets lie', async () => {
    const data = (name: string, directory: string, seed: number) => ({
      seed,
      keys: { data: { name, directory } },
    });
    const idx = await points(
      data('idx', 'mnist', 1),
      data('idx', './mnist/', 2),
      data('idx', 'f', 3),
    );
    expect(idx.map(({ label, runs: own }) => [label, own.length])).toEqual([
      ['f', 1],
      ['mnist', 2],
    ]);
    expect(await points(data('cifar10', 'a', 1), data('cifar10', 'b', 2))).toHaveLength(1);
  });

  test('labels that become one by cleaning stay two, in every figure', async () => {
    const noise = (file: string, rho: number) => ({
      keys: { labelNoise: { file } },
      optimizer: sam(rho),
      accuracy: [rho, 40],
    });
    const [a, b] = ['noise/a b.csv', 'noise/a_b.csv'];
    const found = await points(noise(a, 0.1), noise(a, 0.2), noise(b, 0.1), noise(b, 0.2));
    const labels = found.map(({ label }) => label);
    expect(new Set(labels).size).toBe(4);
    expect(labels[0]).toBe('labelNoise.file="noise/a b.csv", optimizer.rho=0.1');
    const against = figuresOf(found).find(({ name }) => name === 'accuracy-by-rho');
    expect(JSON.stringify(against?.spec)).toContain(String.raw`\"noise/a_b.csv\"`);
  });

  test('figures of keys that end alike have files of their own', async () => {
    const sizes = (train: number, drawn: number) => ({
      keys: { data: { name: 'synthetic', subset: { train }, synthetic: { train: drawn } } },
    });
    const found = await points(sizes(40, 50), sizes(40, 60), sizes(48, 50), sizes(48, 60));
    const files = figuresOf(found).map(({ name }) => name);
    expect(files).toContain('accuracy-by-data.subset.train');
    expect(new Set(files).size).toBe(files.length);
  });

  test('runs with pretrained weights are told apart by their content, not by its path', async () => {
    const began = (pretrained: string, path: string, seed: number): RunOptions => ({
      ...{ pretrained, seed },
      keys: { model: { name: 'resnet18', width: 4, pretrained: path } },
    });
    const [one, two] = ['1'.repeat(64), '2'.repeat(64)];
    const same = await points(began(one, 'a.safetensors', 1), began(one, 'b.safetensors', 2));
    expect(same.map((point) => point.runs.length)).toEqual([2]);
    const others = await points(began(one, 'a.safetensors', 1), began(two, 'a.safetensors', 2));
    expect(others.map(({ values }) => values.get('model.pretrained'))).toEqual([
      'a.safetensors',
      'a.safetensors (sha256 222222222222)',
    ]);
  });

  test('the same run twice counts once, and is named', async () => {
    const [point] = await points({ seed: 3 }, { seed: 3, keys: { name: 'copy' } }, { seed: 1 });
    expect(point?.runs.map(({ config }) => config.seed)).toEqual([1, 3]);
    expect(copyNotes(point ? [point] : []).map((note) => note.replaceAll(root, ''))).toEqual([
      expect.stringMatching(/^\/sweep-\d+\/run1: the same run as \/sweep-\d+\/run0, counted once$/),
    ]);
  });

  test('the same run with other numbers is refused', async () => {
    await expect(points({ seed: 3 }, { seed: 3, accuracy: [10, 30, 21] })).rejects.toThrow(
      /run1: is the same run as .*run0 \(configuration and seed\), with other numbers; name one/,
    );
  });
});

test('summary.csv, worked out by hand', async () => {
  const found = await points(
    { seed: 1, accuracy: [10, 30, 20] },
    { seed: 2, accuracy: [10, 22, 26] },
    { optimizer: sam(0.1), accuracy: [50].concat([40, 60]) },
  );
  expect(summaryCsv(found).split('\n')).toEqual([
    'point,optimizer.name,n,seeds,last_mean,last_std,last_median,last_min,last_max,last_by_seed,' +
      'best_mean,best_std,best_median,best_min,best_max,best_by_seed,' +
      'last10_mean,last10_std,last10_median,last10_min,last10_max,last10_by_seed,seeds_missing',
    // sqrt(18) = 4.243, sqrt(8) = 2.828; (10+30+20)/3 = 20, (10+22+26)/3 = 19.333
    'sgd,sgd,2,1 2,23.000,4.243,23.000,20.000,26.000,20.000 26.000,' +
      '28.000,2.828,28.000,26.000,30.000,30.000 26.000,19.667,0.471,19.667,19.333,20.000,20.000 19.333,',
    'sam,sam,1,1,60.000,,60.000,60.000,60.000,60.000,60.000,,60.000,60.000,60.000,60.000,' +
      '50.000,,50.000,50.000,50.000,50.000,2',
    '',
  ]);
  // Equal numbers of images at 100, 300 and 300 a second: 3 / (1/100 + 1/300 + 1/300) = 180.
  expect(timeCsv(found).split('\n')[1]).toBe('sgd,2,1234,6.0,12.0,180.0');
});

describe('comparisons', () => {
  test('are of optimizers at otherwise equal keys; sgd is beside every rho', async () => {
    const found = await points(
      {},
      { optimizer: sam(0.1) },
      { optimizer: sam(0.2) },
      { optimizer: { name: 'fsam', rho: 0.2 } },
    );
    const pairs = compareOptimizers(found, 'last').map(({ first, second }) => [
      first.label,
      second.label,
    ]);
    expect(pairs).toEqual([
      ['sam-rho0.1', 'sgd'],
      ['sam-rho0.2', 'sgd'],
      ['fsam-rho0.2', 'sgd'],
      ['fsam-rho0.2', 'sam-rho0.2'],
    ]);
  });

  const seeds = (optimizer: RunOptions['optimizer'], ...values: [number, number][]) =>
    values.map(([seed, last]) => ({ ...(optimizer && { optimizer }), seed, accuracy: [last] }));

  test('a lost seed does not turn the sign: they are paired over the others, and it is named', async () => {
    // Every seed is 1 better with sam, and the last one, which sgd lost, is bad with both.
    const found = await points(
      ...seeds({ name: 'sgd' }, [1, 80], [2, 81], [3, 82], [4, 83]),
      ...seeds(sam(0.1), [1, 81], [2, 82.5], [3, 82.5], [4, 84], [5, 60]),
    );
    const [comparison] = compareOptimizers(found, 'last');
    expect(comparison?.difference).toBeCloseTo(1, 12);
    expect(comparison).toMatchObject({ n: [4, 4], leftOut: [[5], []], test: { kind: 'paired' } });
    const [, row] = comparisonCells(compareOptimizers(found, 'last'));
    expect(row?.slice(0, 4)).toEqual(['sam - sgd (without seed 5 of sam)', '+1.00', '4', 'paired']);
    const page = renderPage({
      title: '',
      points: found,
      comparisons: compareOptimizers(found, 'last'),
      figures: [],
      unfinished: [],
      damaged: [],
      command: '',
    });
    expect(page).toContain('sgd lacks 5.');
    expect(page).toContain('sam - sgd (without seed 5 of sam)');
    expect(columnOf(summaryCsv(found), 'seeds_missing')).toEqual(['5', '']);
  });

  test('are two samples where next to no seed is common', async () => {
    const found = await points(
      ...seeds({ name: 'sgd' }, [1, 80], [2, 82]),
      ...seeds(sam(0.1), [2, 84], [3, 86], [4, 88]),
    );
    // Means 86 and 81; all runs count.
    expect(compareOptimizers(found, 'last')[0]).toMatchObject({
      n: [3, 2],
      leftOut: [[], []],
      difference: 5,
      test: { kind: 'Welch' },
    });
  });

  test('are paired over common seeds, with no error bar for one', async () => {
    const found = await points(
      ...seeds({ name: 'sgd' }, [1, 80], [2, 81], [3, 83]),
      ...seeds({ name: 'sam' }, [1, 81], [2, 83], [3, 84]),
      ...seeds({ name: 'asam' }, [1, 81], [2, 83]),
      ...seeds({ name: 'fsam' }, [1, 84]),
    );
    const cells = comparisonCells(compareOptimizers(found, 'last'));
    const told = new Map(cells.map(([names, ...rest]) => [names, rest]));
    // Differences 1 2 1: mean 4/3, standard error 1/3, t 4; p of t = 4 with 2 degrees is 0.0572.
    expect(told.get('sam - sgd')?.slice(0, 6)).toEqual([
      '+1.33',
      '3',
      'paired',
      '4.00',
      '2',
      '0.0572',
    ]);
    expect(told.get('asam - sgd (without seed 3 of sgd)')?.slice(1, 3)).toEqual(['2', 'paired']);
    expect(told.get('fsam - sgd (without seeds 2, 3 of sgd)')).toEqual([
      '+4.00',
      '1',
      'n = 1: no error bar',
      '',
      '',
      '',
      '',
      '',
    ]);
  });
});

test('what goes with the optimizers is named beside their difference', async () => {
  const rate = (learningRate: number) => ({ keys: { schedule: { learningRate } } });
  const found = await points(rate(0.1), { ...rate(0.05), optimizer: sam(0.1) });
  const [, [names] = []] = comparisonCells(compareOptimizers(found, 'last'));
  expect(names).toBe('sam - sgd (also: schedule.learningRate 0.05, 0.1)');
});

test('optimizers are not compared where something else differs, though no label tells it', async () => {
  const smoothed = (labelSmoothing: number) => ({ keys: { labelSmoothing } });
  const found = await points(smoothed(0), { ...smoothed(0.1), optimizer: sam(0.1) });
  expect(compareOptimizers(found, 'last')).toEqual([]);
});

test('tables: +- only with several seeds, characters of the formats escaped', async () => {
  const cells = scoreCells(
    await points(
      { seed: 1, accuracy: [20] },
      { seed: 2, accuracy: [26] },
      { optimizer: sam(0.1), accuracy: [60] },
    ),
  );
  expect(markdownTable(cells).split('\n')).toEqual([
    '| point | n | seeds | last (%) | best (%) | mean of all 1 (%) |',
    '| :-- | --: | --: | --: | --: | --: |',
    '| sgd | 2 | 1 2 | 23.00 ± 4.24 | 23.00 ± 4.24 | 23.00 ± 4.24 |',
    '| sam | 1 | 1 | 60.00 | 60.00 | 60.00 |',
  ]);
  const latex = latexTable([
    ['a_b', 'x (%)'],
    ['c & d', '1 ± 2 < 3'],
  ]).split('\n');
  expect(latex).toContain('  a\\_b & x (\\%) \\\\');
  expect(latex).toContain('  c \\& d & 1 $\\pm$ 2 $<$ 3 \\\\');
});

describe('published values', () => {
  const load = (...assignments: string[]) => configFrom('cifar100-resnet18', ...assignments);

  test('stand beside the runs that repeat them', () => {
    expect(publishedFor(load('model.width=64', 'model.convolution=direct'))).not.toBeNull();
    expect(publishedFor(load())).toMatchObject({ last: 81.19, best: 81.38 });
    expect(publishedFor(load('optimizer.lambda=0.95', 'seed=7'))).toMatchObject({ last: 81.32 });
    expect(publishedFor(load('optimizer.name=sam', 'optimizer.lambda=0.1'))).toMatchObject({
      last: 80.78,
    });
  });

  test.each([
    'optimizer.name=sgd',
    'optimizer.rho=0.1',
    'optimizer.sigma=0.5',
    'model.width=16',
    'data.subset={train: 10000}',
    'labelNoise.rate=0.2',
    'epochs=100',
    'microBatches=2',
    'maxSteps=10',
    'augmentation.flip=false',
    'augmentation.cutoutProbability=0',
    'schedule.warmupEpochs=50',
    'schedule.name=step',
    'model.precision=bfloat16',
    'optimizer.emaOrder=paper',
    'optimizer.clipNorm=1',
    'data.name=cifar10',
    'model.name=resnet34',
  ])('and beside no other: %s', (assignment) => {
    expect(publishedFor(load(assignment))).toBeNull();
  });
});

describe('what cannot be read is one line', () => {
  const damage = async (file: string, change: (text: string) => string): Promise<string> => {
    const folder = runs({});
    const path = join(folder, 'run0', file);
    writeFileSync(path, change(readFileSync(path, 'utf8')));
    return (await messageOf(readRuns([folder]))).replace(root, '');
  };

  test.each<[string, string, (text: string) => string, RegExp]>([
    [
      'a torn row',
      'metrics.csv',
      (text) => text.slice(0, -20),
      /metrics\.csv:4: wanted the 13 fields of epoch 3/,
    ],
    [
      'a missing row',
      'metrics.csv',
      (text) => text.split('\n').slice(0, 3).join('\n'),
      /metrics\.csv: has 2 rows, wanted one for each of 3 epochs/,
    ],
    [
      'other columns',
      'metrics.csv',
      (text) => text.replace('step', 'stop'),
      /metrics\.csv:1: has the column stop, which/,
    ],
    [
      'a word',
      'metrics.csv',
      (text) => text.replace(',0.05,', ',fast,'),
      /metrics\.csv:2: learning_rate: got "fast", wanted a number/,
    ],
    [
      'a field that is gone',
      'metrics.csv',
      (text) => text.replace(',30,', ',,'),
      /metrics\.csv:3: test_accuracy: got "", wanted a number/,
    ],
    [
      'a column that is gone',
      'metrics.csv',
      (text) =>
        text
          .split('\n')
          .map((line) => line.replace(/,[^,]*(,[^,]*,[^,]*)$/, '$1'))
          .join('\n'),
      /metrics\.csv:1: lacks the column best_test_accuracy/,
    ],
    [
      'a word among the times',
      'timing.csv',
      (text) => text.replace(',300,', ',fast,'),
      /timing\.csv:3: images_per_second: got "fast", wanted a number/,
    ],
    [
      'a line number below an empty line',
      'metrics.csv',
      (text) => text.replace('\n', '\n\n').replace(',0.05,', ',fast,'),
      /metrics\.csv:3: learning_rate: got "fast", wanted a number/,
    ],
    [
      'a summary of other rows',
      'summary.json',
      (text) => text.replace('"last":{"test_accuracy":20}', '"last":{"test_accuracy":91}'),
      /summary\.json: has a last test accuracy of 91, and .*metrics\.csv one of 20/,
    ],
    [
      'a summary of no rows',
      'summary.json',
      (text) => text.replace('"epochs":3', '"epochs":0'),
      /summary\.json: is damaged/,
    ],
    ['a cut summary', 'summary.json', (text) => text.slice(0, 30), /summary\.json: is damaged/],
    [
      'another configuration',
      'config.yaml',
      (text) => text.replace('sgd', 'sgdd'),
      /config\.yaml:\d+: optimizer\.name: got "sgdd"/,
    ],
  ])('%s', async (_, file, change, message) => {
    const told = await damage(file, change);
    expect(told).toMatch(message);
    expect(told).not.toContain('\n');
  });

  test('no folder, no run', async () => {
    await expect(readRuns([join(root, 'nowhere')])).rejects.toThrow(/nowhere: no such folder/);
    const file = join(root, 'summary.json');
    writeFileSync(file, '{}');
    await expect(readRuns([file])).rejects.toThrow(`${file}: is a file, wanted a folder`);
    await expect(readRuns([temporaryFolder()])).rejects.toThrow(/holds no run/);
  });
});

test('a run folder that lost its configuration or its environment is damaged, not overlooked', async () => {
  const all = join(root, 'damaged');
  writeRun(join(all, 'good'));
  for (const lost of ['config.yaml', 'environment.json']) {
    const folder = writeRun(join(all, `without-${lost}`), { seed: 2 });
    const note = 'What fsam wrote';
    const files = ['config.yaml', 'environment.json', 'metrics.csv', 'summary.json', 'timing.csv'];
    writeFileSync(join(folder, '.fsam-files.json'), JSON.stringify({ note, files }));
    rmSync(join(folder, lost));
  }
  // Its run was cleared away, or had not begun.
  mkdirSync(join(all, 'bare'));
  writeFileSync(
    join(all, 'bare/.fsam-files.json'),
    JSON.stringify({ note: '', files: ['config.yaml', 'environment.json', 'metrics.csv'] }),
  );
  const { runs, damaged } = await readRuns([all]);
  expect(runs.map(({ folder }) => folder)).toEqual([join(all, 'good')]);
  expect(damaged).toHaveLength(2);
  expect(damaged[0]).toContain('without-config.yaml/config.yaml: is missing');
  expect(damaged[1]).toContain('without-environment.json/environment.json: ');
});

test('a run under way: left out of tables by name, and readable as far as it is', async () => {
  const folder = runs({ seed: 1 }, { seed: 2, finished: false });
  const found = await readRuns([folder]);
  expect(found.runs).toHaveLength(1);
  expect(found.unfinished).toEqual([join(folder, 'run1')]);
  expect(
    (await readProgress(join(folder, 'run1'))).epochs.map(({ test_accuracy: value }) => value),
  ).toEqual([10, 30, 20]);
  await expect(readProgress(folder)).rejects.toThrow(/is not a run folder/);
});

test('a report: every file, figures as text and pictures, a page that asks for nothing', async () => {
  const noisy = { keys: { labelNoise: { rate: 0.4 } }, clean: [12, 34, 31] };
  const path = runs(
    ...[1, 2].flatMap((seed) => [
      { seed, ...noisy },
      { seed, ...noisy, optimizer: sam(0.05), accuracy: [20, 30, 40 + seed] },
      { seed, ...noisy, optimizer: sam(0.1), accuracy: [20, 32, 42 + seed] },
      { seed, ...noisy, optimizer: { name: 'fsam', rho: 0.1 }, accuracy: [21, 33, 43] },
      { seed, ...noisy, optimizer: { name: 'fsam', rho: 0.05 }, accuracy: [22, 34, 44] },
    ]),
    { seed: 9, finished: false },
  );
  const folder = join(root, 'out');
  const request = { paths: [path], title: 'a <report>', folder, command: 'bin/fsam report' };
  const { files, unfinished } = await writeReport(request);
  const figures = ['accuracy-by-rho', 'memorisation', 'test-accuracy', 'train-loss'];
  const all = ['index.html', 'summary.csv', 'table.md', 'table.tex', 'time.csv'];
  expect(readdirSync(folder).sort()).toEqual(
    [
      '.fsam-files.json',
      ...all,
      ...figures.flatMap((name) => [`${name}.png`, `${name}.svg`]),
    ].sort(),
  );
  expect(files).toHaveLength(all.length + 2 * figures.length);
  expect(unfinished).toHaveLength(1);

  // One report at a time.
  const lock = await acquireLock(join(folder, '.fsam-report-lock'));
  await expect(writeReport(request)).rejects.toThrow(/report-lock: in use by process \d+ on /);
  await lock.release();

  // A second report has what it has, and leaves alone what others put there.
  const before = join(root, 'validated');
  writeRun(before, { keys: { data: { name: 'synthetic', validation: 8 } }, validation: [9, 8, 7] });
  await writeReport({ ...request, paths: [before] });
  expect(readdirSync(folder)).toContain('validation-accuracy.svg');
  writeFileSync(join(folder, 'notes.txt'), 'mine');
  await writeReport(request);
  expect(readdirSync(folder)).toContain('notes.txt');
  expect(readdirSync(folder)).not.toContain('validation-accuracy.svg');

  const svg = readFileSync(join(folder, 'accuracy-by-rho.svg'), 'utf8');
  for (const word of ['sgd', 'sam', 'fsam', 'rho', 'test accuracy (%)']) {
    expect(svg).toContain(`>${word}<`);
  }
  const png = readFileSync(join(folder, 'accuracy-by-rho.png'));
  expect(png.subarray(1, 4).toString()).toBe('PNG');
  expect(png.readUInt32BE(16)).toBeGreaterThan(900);

  const page = readFileSync(join(folder, 'index.html'), 'utf8');
  expect(page).toContain('<title>a &lt;report&gt;</title>');
  expect(page).toContain('a &lt;fast&gt; one');
  expect(page.match(/<svg/g)).toHaveLength(figures.length);
  expect(page).not.toMatch(/<script|<link|<img|src=|url\(/);
  expect(page).toContain('1 run not finished, left out');

  await writeReport(request);
  expect(readFileSync(join(folder, 'accuracy-by-rho.png')).equals(png)).toBe(true);
  expect(readFileSync(join(folder, 'index.html'), 'utf8')).toBe(page);

  // A damaged run is missed by name on the page, too.
  writeFileSync(join(path, 'run0/summary.json'), '{');
  expect((await writeReport(request)).damaged).toHaveLength(1);
  expect(readFileSync(join(folder, 'index.html'), 'utf8')).toMatch(
    /1 damaged run left out:<\/strong> [^\n]*run0\/summary\.json: is damaged/,
  );
});

test('configSchema has the recipe that published values are for', () => {
  const { schedule, optimizer } = configSchema.parse({
    name: 'x',
    data: { name: 'cifar100' },
    model: { name: 'resnet18' },
    optimizer: { name: 'sam' },
  });
  expect([schedule.learningRate, optimizer.rho, optimizer.weightDecay]).toEqual([0.05, 0.2, 1e-3]);
});

test('keys that follow from the network or the optimizer are columns, and not in the names', async () => {
  const wide = { keys: { model: { name: 'vgg11-bn', width: 8 }, batchSize: 64 } };
  const found = await points(
    {},
    { optimizer: { name: 'fsam', rho: 0.1 } },
    wide,
    { ...wide, optimizer: { name: 'fsam', rho: 0.1, lambda: 0.9 } },
    { ...wide, optimizer: { name: 'fsam', rho: 0.2, lambda: 0.9 } },
  );
  expect(found.map(({ label }) => label)).toEqual([
    'resnet18-sgd',
    'resnet18-fsam-rho0.1',
    'vgg11-bn-sgd',
    'vgg11-bn-fsam-rho0.1',
    'vgg11-bn-fsam-rho0.2',
  ]);
  expect(summaryCsv(found).split('\n')[4]).toMatch(
    /^vgg11-bn-fsam-rho0\.1,64,vgg11-bn,8,fsam,0\.1,0\.9,1,1,/,
  );
});
