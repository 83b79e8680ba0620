// The analyses as a user sees them: a run with kept checkpoints, tables, figures, kills and mistakes.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folders.js';
import { until } from '../support/wait.js';
import { fsam, start } from './support/fsam.js';

const folder = temporaryFolder();
const SAMPLE = ['--samples', '48', '--threads', '1'];
const HESSIAN = [
  'analyze',
  'hessian',
  '--run',
  'run',
  '--top',
  '2',
  '--bottom',
  '1',
  '--vectors',
  '2',
  ...SAMPLE,
];

const read = (...path: string[]) => readFileSync(join(folder, ...path), 'utf8');
/** Lines of an unfinished analysis. */
const piecesIn = (out: string): string[] => {
  if (!existsSync(join(folder, out))) return [];
  const partial = readdirSync(join(folder, out)).find((name) => name.endsWith('.partial'));
  const path = join(folder, out, partial ?? '', 'pieces.jsonl');
  return partial !== undefined && existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
};
const rowsOf = (text: string) => {
  const [head = '', ...lines] = text.trimEnd().split('\n');
  const names = head.split(',');
  return lines.map((line) =>
    Object.fromEntries(line.split(',').map((field, i) => [names[i] ?? '', field])),
  );
};

beforeAll(async () => {
  const noise = ['--set', 'labelNoise.rate=0.4', '--set', 'checkpoint.keepEveryEpochs=2'];
  const train = ['train', '--config', 'smoke', '--epochs', '5', '--threads', '1', ...noise];
  const probes = ['--set', 'probes.every=2'];
  expect((await fsam(folder, [...train, ...probes, '--out', 'run'])).code).toBe(0);
}, 60_000);

it('keeps the checkpoints of every second epoch beside the last two', () => {
  // Four steps an epoch.
  expect(readdirSync(join(folder, 'run', 'checkpoints')).sort()).toEqual(
    [8, 16, 20].map((step) => `step-${String(step).padStart(8, '0')}.safetensors`),
  );
});

it('tells how many wrong labels were learnt, checkpoint by checkpoint', async () => {
  const told = await fsam(folder, ['analyze', 'memorization', '--run', 'run']);
  expect(told.code).toBe(0);
  expect(told.stdout).toMatch(/epoch 5, step 20:\n\d+ wrong labels, [\d.]+ % learnt, /);
  const rows = rowsOf(read('run', 'analysis', 'memorization.csv'));
  expect(rows.map(({ epoch }) => epoch)).toEqual(['2', '4', '5']);
  const last = rows.at(-1)!;
  const wrong = read('run', 'label-noise.csv')
    .trimEnd()
    .split('\n')
    .slice(1)
    .filter((line) => {
      const [, truth, label] = line.split(',');
      return truth !== label;
    });
  expect(Number(last['wrong_labels'])).toBe(wrong.length);
  expect(Number(last['wrong_labels']) + Number(last['right_labels'])).toBe(112);
  const shares = ['wrong_as_given', 'wrong_as_true', 'wrong_as_neither'].map((name) =>
    Number(last[name]),
  );
  expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(100, 2);
  // Of all images, those whose answer is the true label: what eval prints.
  const right = Number(last['right_accuracy']) * Number(last['right_labels']);
  const seen = Number(last['wrong_as_true']) * Number(last['wrong_labels']);
  const evaluated = await fsam(folder, ['eval', 'run', '--split', 'train']);
  const accuracy = /accuracy ([\d.]+) %/.exec(evaluated.stdout)?.[1];
  expect((right + seen) / 112).toBeCloseTo(Number(accuracy), 2);
  const tested = await fsam(folder, ['eval', 'run']);
  expect(tested.stdout).toContain(`accuracy ${last['test_accuracy']} %`);
  expect(existsSync(join(folder, 'run', 'analysis', 'memorization.png'))).toBe(true);
});

describe('analyze hessian', () => {
  it('killed in the midst it goes on, and comes to the same bytes', async () => {
    expect((await fsam(folder, [...HESSIAN, '--out', 'straight'])).code).toBe(0);
    const running = start(folder, [...HESSIAN, '--out', 'killed']);
    await until(() => piecesIn('killed').length > 8);
    running.process.kill('SIGKILL');
    await running.done;
    expect(existsSync(join(folder, 'killed', 'hessian.csv'))).toBe(false);
    // Asked otherwise it begins anew, and nothing is lost.
    const other = await fsam(folder, [...HESSIAN, '--out', 'killed', '--seed', '2']);
    expect(other.stderr).toMatch(
      /hessian-\w{8}\.partial: is an unfinished hessian of other options \(seed 1\)/,
    );
    expect(other.stderr).not.toMatch(/goes on after|WARN/);
    const resumed = await fsam(folder, [...HESSIAN, '--out', 'killed']);
    expect(resumed.code).toBe(0);
    expect(resumed.stderr).toMatch(/goes on after \d+ pieces of the same analysis/);
    for (const file of ['hessian.csv', 'hessian-traces.svg']) {
      expect(read('killed', file)).toBe(read('straight', file));
    }
    expect(readdirSync(join(folder, 'killed')).sort()).toEqual(
      readdirSync(join(folder, 'straight')).sort(),
    );
  });

  it('has what was asked for, of the sample and of its half', () => {
    const rows = rowsOf(read('straight', 'hessian.csv'));
    const values = rows.filter(({ quantity }) => quantity === 'eigenvalue');
    const names = ['top 1', 'top 2', 'bottom 1'];
    expect(values.map(({ samples, matrix, name }) => [samples, matrix, name])).toEqual(
      ['48', '24'].flatMap((samples) =>
        ['hessian', 'gauss-newton'].flatMap((matrix) =>
          names.map((name) => [samples, matrix, name]),
        ),
      ),
    );
    expect(rows.every((row) => row['batch_norm'] === 'evaluation')).toBe(true);
    expect(values.every(({ converged }) => converged === 'yes')).toBe(true);
    const of = (name: string) => Number(values.find((row) => row['name'] === name)?.['value']);
    expect(of('top 1')).toBeGreaterThan(of('top 2'));
    expect(of('top 2')).toBeGreaterThan(of('bottom 1'));
  });

  it('along a run has every checkpoint, and a figure', async () => {
    const args = [...HESSIAN, '--along-run', '--out', 'along', '--batch-norm', 'batch'];
    expect((await fsam(folder, args)).code).toBe(0);
    const epochs = rowsOf(read('along', 'hessian.csv')).map(({ epoch }) => epoch);
    expect([...new Set(epochs)]).toEqual(['2', '4', '5']);
    expect(read('along', 'hessian-along-run.svg')).toContain('>edge<');
  });
});

it('sharpness, landscape and spectrum', async () => {
  const analyses: (readonly string[])[] = [
    [
      'sharpness',
      '--rho',
      '0.1',
      '--adaptive-rho',
      '',
      '--steps',
      '10',
      '--draws',
      '3',
      '--m',
      '16',
    ],
    ['landscape', '--points', '3'],
    ['landscape', '--kind', 'path', '--to', 'run', '--points', '3', '--out', 'path'],
    ['spectrum', '--steps', '6'],
  ];
  for (const [name = '', ...rest] of analyses) {
    const out = ['--out', 'out'];
    const told = await fsam(folder, ['analyze', name, '--run', 'run', ...SAMPLE, ...out, ...rest]);
    expect([name, told.stderr, told.code]).toEqual([name, expect.anything(), 0]);
  }
  const [single, ...others] = rowsOf(read('out', 'sharpness.csv')).filter(
    ({ kind }) => kind === 'one-step',
  );
  expect([single, ...others].map((row) => [row?.['samples'], row?.['m']])).toEqual([
    ['48', ''],
    ['24', ''],
    ['48', '16'],
  ]);
  expect(Number(single?.['rise'])).toBeGreaterThan(0);
  const line = rowsOf(read('out', 'landscape-line.csv'));
  expect(line.map(({ a, batch_norm: how }) => [Number(a), how])).toEqual(
    [-1, 0, 1].map((a) => [a, 'recalibrated']),
  );
  // From the run to itself nothing changes.
  const path = rowsOf(read('path', 'landscape-path.csv')).map(({ loss }) => loss);
  expect(new Set(path).size).toBe(1);
  const nodes = rowsOf(read('out', 'spectrum.csv')).filter(
    (row) => row['kind'] === 'node' && row['run'] === '1',
  );
  const ofHessian = nodes.filter(({ matrix }) => matrix === 'hessian');
  expect(ofHessian).toHaveLength(6);
  expect(ofHessian.reduce((sum, { weight }) => sum + Number(weight), 0)).toBeCloseTo(1, 5);
});

describe('the way to another run', () => {
  const PATH = ['analyze', 'landscape', '--kind', 'path', '--run', 'run', ...SAMPLE];
  const train = (out: string, ...settings: string[]) =>
    fsam(folder, [
      ...['train', '--config', 'smoke', '--epochs', '1', '--threads', '1', '--out', out],
      ...['labelNoise.rate=0.4', ...settings].flatMap((one) => ['--set', one]),
    ]);

  it('ends at what that run is evaluated with', async () => {
    const averaged = ['optimizer.name=adamw', 'schedule.learningRate=0.01', 'weightAverage=0.9'];
    expect((await train('other', ...averaged)).code).toBe(0);
    const way = await fsam(folder, [...PATH, '--to', 'other', '--points', '2', '--out', 'way']);
    expect([way.stderr, way.code]).toEqual([expect.anything(), 0]);
    const around = ['analyze', 'landscape', '--run', 'other', ...SAMPLE, '--points', '3'];
    expect((await fsam(folder, [...around, '--out', 'around'])).code).toBe(0);
    const [, end] = rowsOf(read('way', 'landscape-path.csv'));
    const [, middle] = rowsOf(read('around', 'landscape-line.csv'));
    expect(Number(end?.['loss'])).toBeCloseTo(Number(middle?.['loss']), 5);
    const hessian = ['analyze', 'hessian', '--run', 'other', ...SAMPLE, '--vectors', '2'];
    const few = ['--top', '1', '--bottom', '1', '--steps', '3', '--out', 'other-out'];
    expect((await fsam(folder, [...hessian, ...few])).code).toBe(0);
    // AdamW steps along no gradient.
    expect(read('other-out', 'hessian.csv')).not.toContain('edge');
  });

  it('goes from a run to one that began with its weights', async () => {
    const weights = join('run', 'checkpoints', 'step-00000020.safetensors');
    expect((await train('tuned', `model.pretrained=${weights}`)).code).toBe(0);
    const way = await fsam(folder, [...PATH, '--to', 'tuned', '--points', '2', '--out', 'tuning']);
    expect([way.stderr, way.code]).toEqual([expect.anything(), 0]);
    expect(rowsOf(read('tuning', 'landscape-path.csv')).map(({ a }) => Number(a))).toEqual([0, 1]);
  });

  it('is refused to another network, and by statistics of one end', async () => {
    expect((await train('wide', 'model.width=5')).code).toBe(0);
    const wide = await fsam(folder, [...PATH, '--to', 'wide']);
    expect(wide.code).toBe(2);
    expect(wide.stderr).toContain('--to wide: is of another network (model.width 5, not 4)\n');
    const fixed = await fsam(folder, [...PATH, '--to', 'run', '--batch-norm', 'evaluation']);
    expect(fixed.code).toBe(2);
    expect(fixed.stderr).toContain('--batch-norm: got evaluation with --kind path');
  });

  it('goes with the run that --overwrite replaces', async () => {
    const around = ['analyze', 'landscape', '--run', 'wide', ...SAMPLE, '--points', '2'];
    expect((await fsam(folder, around)).code).toBe(0);
    writeFileSync(join(folder, 'wide', 'analysis', 'own.txt'), 'mine');
    const again = ['train', '--config', 'smoke', '--epochs', '1', '--out', 'wide', '--overwrite'];
    expect((await fsam(folder, again)).code).toBe(0);
    expect(readdirSync(join(folder, 'wide', 'analysis'))).toEqual(['own.txt']);
  });
});

it('sharpness of all kinds', async () => {
  const args = ['analyze', 'sharpness', '--run', 'run', ...SAMPLE, '--draws', '2'];
  const few = ['--rho', '0.01', '--adaptive-rho', '', '--kinds', 'gaussian,one-step'];
  expect((await fsam(folder, [...args, ...few, '--out', 'kinds'])).code).toBe(0);
  const kinds = rowsOf(read('kinds', 'sharpness.csv')).map(({ kind }) => kind);
  expect(kinds).toEqual(['one-step', 'gaussian', 'one-step', 'gaussian']);
  const large = await fsam(folder, [...args, ...few, '--m', '49', '--out', 'large']);
  expect(large.code).toBe(2);
  expect(large.stderr).toContain('--m: got 49, wanted no more than the 48 images of the sample');
});

it.each([
  [['--out', ''], '--out: got an empty name, wanted a folder'],
  [['--out', 'run'], '--out run: is the folder of a run, whose files are its own'],
  [['--tolerance', '0'], 'wanted a number above 0, and'],
])('hessian %j is a mistake, and writes nothing', async (words, message) => {
  const before = readdirSync(folder);
  const told = await fsam(folder, ['analyze', 'hessian', '--run', 'run', ...SAMPLE, ...words]);
  expect([told.code, told.stderr]).toEqual([2, expect.stringContaining(message)]);
  expect(readdirSync(folder)).toEqual(before);
});

it("takes no figure that is somebody's, and says so before the work", async () => {
  mkdirSync(join(folder, 'taken'));
  writeFileSync(join(folder, 'taken', 'hessian-traces.png'), 'mine');
  const told = await fsam(folder, [...HESSIAN, '--out', 'taken']);
  expect(told.code).toBe(2);
  expect(told.stderr).toContain('hessian-traces.png: is not from fsam');
  expect(told.stderr).not.toContain('products');
});

it('stands in the report of the run', async () => {
  const told = await fsam(folder, ['report', 'run', '--out', 'report']);
  expect(told.code).toBe(0);
  const last = rowsOf(read('run', 'analysis', 'memorization.csv')).at(-1)!;
  const share = Number(last['wrong_as_given']).toPrecision(4);
  expect(read('report', 'index.html')).toContain('<h2>Analyses</h2>');
  const path = join(folder, 'run', 'analysis', 'sharpness.csv');
  writeFileSync(path, 'step\n');
  const broken = await fsam(folder, ['report', 'run', '--out', 'report']);
  expect(broken.code).toBe(2);
  expect(broken.stderr).toContain('sharpness.csv: has no column epoch');
  rmSync(path);
  // What was measured in another way stands in a column of its own.
  for (const steps of ['10', '12']) {
    const ascent = [
      '--kinds',
      'worst-case',
      '--rho',
      '0.1',
      '--adaptive-rho',
      '',
      '--steps',
      steps,
    ];
    const by = ['analyze', 'sharpness', '--run', 'run', ...SAMPLE, ...ascent];
    expect((await fsam(folder, [...by, '--batch-norm', 'batch', '--batch', '8'])).code).toBe(0);
    expect((await fsam(folder, ['report', 'run', '--out', 'report'])).code).toBe(0);
    expect(read('report', 'table.md')).toContain(
      `rise, worst-case 0.1, 1 x ${steps} steps (BatchNorm batch of 8, 48 train`,
    );
  }
  expect(read('report', 'table.md')).toMatch(new RegExp(`\\| ${share} \\(n = 1\\) +\\|`));
});

it('convergence of probed runs', async () => {
  const told = await fsam(folder, ['analyze', 'convergence', 'run', '--out', 'convergence']);
  expect(told.code).toBe(0);
  expect(told.stdout).toMatch(/slope -?[\d.]+ \(n = 1\), of log\(T\) \/ sqrt\(T\) -?[\d.]+/);
  expect(told.stdout).toMatch(/cosine of the average and the full gradient -?[\d.]+ \(n = 1\)/);
  const rows = rowsOf(read('convergence', 'convergence.csv'));
  const probes = rowsOf(read('run', 'probes.csv'));
  expect(rows.map(({ step }) => step)).toEqual(probes.map(({ step }) => step));
  const squares = probes.map((row) => Number(row['full_gradient_norm']) ** 2);
  const mean = squares.reduce((sum, one) => sum + one, 0) / squares.length;
  expect(Number(rows.at(-1)?.['mean_square'])).toBeCloseTo(mean, 5);
});

it.each([
  [['hessian'], "required option '--run <folder>' not specified"],
  [['hessian', '--run', 'nowhere'], 'nowhere: there is no such folder'],
  [['hessian', '--run', 'run', '--samples', '0'], 'wanted a whole number from 1 to 9,999,999'],
  [['hessian', '--run', 'run', '--vectors', '1'], '--vectors: got 1, wanted 2 at least'],
  [['sharpness', '--run', 'run', '--rho', '0.1,x'], 'wanted numbers above 0, such as 0.05,0.1'],
  [['sharpness', '--run', 'run', '--rho', '1e19'], 'wanted numbers above 0, such as 0.05,0.1'],
  [
    ['sharpness', '--run', 'run', '--rho', '', '--adaptive-rho', ''],
    '--rho, --adaptive-rho: got no length, wanted one at least',
  ],
  [['landscape', '--run', 'run', '--kind', 'path'], '--to: missing, wanted the folder of the run'],
  [['landscape', '--run', 'run', '--to', 'run'], '--to: got run with --kind line'],
  [
    ['hessian', '--run', 'run', '--batch-norm', 'running'],
    'Allowed choices are evaluation, batch, recalibrated',
  ],
  [
    ['hessian', '--run', 'run', '--checkpoint', 'best', '--along-run'],
    "option '--checkpoint <file>' cannot be used with option '--along-run'",
  ],
  [['memorization', '--run', 'run', '--checkpoint', 'best'], "unknown option '--checkpoint'"],
  [
    ['hessian', '--run', 'run', '--checkpoint', 'run'],
    '--checkpoint run: is no file; wanted best, or the path of a checkpoint',
  ],
  [
    ['hessian', '--run', 'run', '--top', '9', '--steps', '10'],
    '--top, --bottom: got 9 and 2, wanted no more together than --steps, 10',
  ],
  [['hessian', '--run', 'run', '--samples', '1'], '--samples: got 1 image, wanted 2 at least'],
  [['sharpness', '--run', 'run', '--steps', '9'], '--steps: got 9, wanted 10 at least'],
  [['sharpness', '--run', 'run', '--draws', '1'], '--draws: got 1, wanted 2 at least'],
  [
    ['landscape', '--run', 'run', '--kind', 'path', '--to', 'run', '--range', '2'],
    '--range: got it with --kind path',
  ],
  [['hessian', '--run', 'run', '--out', 'other/analysis'], 'lies in the folder of another run'],
  [
    ['hessian', '--run', 'run', '--checkpoint', 'other/checkpoints/step-00000004.safetensors'],
    'is not of run, wanted one of run/checkpoints, or best',
  ],
  [
    ['sharpness', '--run', 'run', '--kinds', 'worst'],
    '--kinds: got worst, wanted some of one-step, worst-case',
  ],
])('%j is a mistake', async (args, message) => {
  const told = await fsam(folder, ['analyze', ...args]);
  expect(told.code).toBe(2);
  expect(told.stderr).toContain(message);
  // Nothing is left to go on with.
  expect(readdirSync(join(folder, 'run', 'analysis')).join()).not.toContain('.partial');
});

it('a run without label noise has nothing memorised, one without probes no convergence', async () => {
  const train = ['train', '--config', 'smoke', '--epochs', '1', '--out', 'clean'];
  expect((await fsam(folder, train)).code).toBe(0);
  const memorized = await fsam(folder, ['analyze', 'memorization', '--run', 'clean']);
  expect(memorized.code).toBe(2);
  expect(memorized.stderr).toContain('was trained on the labels of its set, got labelNoise.rate 0');
  const converged = await fsam(folder, ['analyze', 'convergence', 'clean']);
  expect(converged.code).toBe(2);
  expect(converged.stderr).toContain('has a probes.csv; train with probes.every');
});
