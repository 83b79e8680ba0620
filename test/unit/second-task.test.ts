// A second task, made here of a row and what is traced, through all that is done with its numbers: its best epoch is
// that of the lowest loss, and nothing of it is a percentage.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { compareRuns } from '../../src/cli/compare-runs.js';
import { createReporter } from '../../src/cli/reporter.js';
import { runFolder } from '../../src/experiment/folder.js';
import { metricsTable } from '../../src/experiment/metrics.js';
import { runExperiment } from '../../src/experiment/run.js';
import { readSummary } from '../../src/experiment/summary.js';
import { isFigureName } from '../../src/report/figures.js';
import { writeReport } from '../../src/report/write.js';
import { columnOf, rowsOf } from '../support/csv.js';
import { messageOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';
import { fakeConfig, fakeRequest, type FakeOptions } from './experiment-fake-engine.js';
import { writeRun } from './report-support.js';

vi.mock('../../src/catalogue/tasks.js', async (original) => {
  const { TASKS, ...rest } = await original<typeof import('../../src/catalogue/tasks.js')>();
  const { train_loss } = TASKS.classification.training;
  const { gradient_norm } = TASKS.classification.steps;
  const regression = {
    reads: 'images',
    examples: 'images',
    training: { train_loss },
    evaluation: { loss: { unit: 'number', plural: 'losses' } },
    steps: { gradient_norm },
    best: { measure: 'loss', is: 'lowest' },
  } as const;
  return { ...rest, TASKS: { ...TASKS, regression } };
});
vi.mock('../../src/catalogue/data-sets.js', async (original) => {
  const { DATA_SETS, ...rest } =
    await original<typeof import('../../src/catalogue/data-sets.js')>();
  const synthetic = { ...DATA_SETS.synthetic, task: 'regression' };
  return { ...rest, DATA_SETS: { ...DATA_SETS, synthetic } };
});
vi.mock('../../src/tasks/tasks.js', async () => {
  const { taskOf } = await import('../../src/catalogue/task.js');
  const { LOSSES, measuresOf, STEPS } = await import('../../src/tasks/measures.js');
  const untraced = () => {
    throw new Error('nothing is traced here');
  };
  const { train_loss } = LOSSES;
  const { gradient_norm } = STEPS;
  return {
    createTask: (config: ReturnType<typeof fakeConfig>) =>
      measuresOf(
        taskOf(config),
        { training: { train_loss }, evaluation: { loss: untraced }, steps: { gradient_norm } },
        { climb: false, labelNoise: false, validation: config.data.validation !== null },
      ),
  };
});

const data = {
  name: 'synthetic',
  synthetic: { train: 24, test: 8, size: 4, classes: 4 },
  validation: 4,
};
const changes = { optimizer: { name: 'sgd' }, checkpoint: { keepBest: true } };
const validated = fakeConfig({ ...changes, data });
const byTest = fakeConfig({ ...changes, data: { ...data, validation: null } });
/** The validation set's is lowest after epoch 2, and the test set's after epoch 3. */
const loss = { validation: [3, 1, 2], test: [5, 4, 0.5] };
const root = temporaryFolder();

async function run(name: string, options: FakeOptions & { config: typeof validated }) {
  const lines: string[] = [];
  const output = { write: (text: string) => lines.push(text) > 0 };
  const request = fakeRequest(join(root, name), { loss, ...options });
  const reporter = createReporter({ quiet: false, maxSteps: null }, output, {
    ...output,
    isTTY: false,
  } as never);
  await runExperiment({ ...request, reporter });
  const folder = runFolder(join(root, name));
  return {
    lines,
    csv: readFileSync(folder.metrics, 'utf8'),
    summary: JSON.parse(readFileSync(folder.summary, 'utf8')) as Record<string, unknown>,
    read: await readSummary(folder.summary, options.config),
  };
}

const runs: Record<string, Awaited<ReturnType<typeof run>>> = {};
beforeAll(async () => {
  runs['validated'] = await run('runs/validated', { config: validated });
  runs['byTest'] = await run('by-test/one', { config: byTest });
});

test('the columns are its own, and needed are those of its best', () => {
  const { csv } = runs['validated']!;
  expect(rowsOf(csv)[0]!.join(',')).toBe(
    'epoch,step,learning_rate,train_loss,validation_loss,test_loss,best_test_loss,gradient_norm',
  );
  expect(metricsTable(byTest)).toMatchObject({
    optional: [],
    needed: ['epoch', 'step', 'train_loss', 'test_loss', 'best_test_loss'],
  });
});

describe('the best epoch has the lowest loss', () => {
  test('of the validation set', () => {
    const { csv, summary, read } = runs['validated']!;
    // Seven digits each, as losses have them.
    expect(columnOf(csv, 'best_test_loss')).toEqual(['5.000000', '4.000000', '4.000000']);
    expect(summary).toMatchObject({
      last: { epoch: 3, validation_loss: 2, test_loss: 0.5 },
      best: { epoch: 2, validation_loss: 1, test_loss: 4 },
      best_by: 'validation_loss',
      mean_test_loss_of_last_10: 9.5 / 3,
    });
    expect(read).toMatchObject({
      scores: { last: 0.5, best: 4, lastTen: 9.5 / 3 },
      bestValidation: 1,
    });
  });

  test('of the test set, where there is no other', () => {
    const { csv, summary, read, lines } = runs['byTest']!;
    expect(columnOf(csv, 'best_test_loss')).toEqual(['5.000000', '4.000000', '0.5000000']);
    expect(summary).toMatchObject({ best: { epoch: 3 }, best_by: 'test_loss' });
    expect(read.bestValidation).toBeNull();
    expect(lines.join('')).toContain('which makes its test loss too good');
  });
});

test('the console tells it by its name, without percent signs', () => {
  const text = runs['validated']!.lines.join('');
  expect(text).toMatch(/epoch 3\/3 .* validation 2\.0000 {2}test 0\.5000 {2}best 4\.0000 /);
  expect(text).toContain(
    'test loss 0.5000 after the last epoch, 4.0000 after epoch 2, the best by the validation set',
  );
  expect(text).not.toContain('%');
});

test('a report is of it: figures, tables and words', async () => {
  const { read } = await run('runs/other', { config: { ...validated, seed: 2 } });
  expect(read.scores.best).toBe(4);
  const folder = join(root, 'report');
  const { files } = await writeReport({
    paths: [join(root, 'runs')],
    title: 'fsam report: losses',
    folder,
    command: 'bin/fsam report',
  });
  const text = (name: string) => readFileSync(join(folder, name), 'utf8');
  const figures = files.flatMap((file) => /([^/]+)\.svg$/.exec(file)?.[1] ?? []);
  expect(figures).toEqual(['test-loss', 'validation-loss', 'train-loss']);
  expect(figures.every(isFigureName)).toBe(true);
  const [header, , row] = text('table.md').split('\n');
  expect(header).toBe('| point | n | seeds | last | best | mean of all 3 | validation at best |');
  expect(row).toBe(
    '| fake | 2 | 1 2 | 0.5000 ± 0.0000 | 4.0000 ± 0.0000 | 3.1667 ± 0.0000 | 1.0000 ± 0.0000 |',
  );
  expect(columnOf(text('summary.csv'), 'best_by_seed')).toEqual(['4.000000 4.000000']);
  const page = text('index.html');
  expect(page).toContain('<h2>Test loss</h2>');
  expect(page).toContain('Test losses; ±');
  expect(page).toContain('Best: the test loss at the epoch with the lowest validation loss.');
  expect(page).not.toMatch(/accurac/i);
});

describe('fsam compare', () => {
  const compare = async (first: string, second: string) => {
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    try {
      await compareRuns(join(root, first), join(root, second));
      return write.mock.calls.map(([text]) => String(text)).join('');
    } finally {
      write.mockRestore();
    }
  };

  test('shows its numbers', async () => {
    const text = await compare('runs/validated', 'by-test/one');
    expect(text).toContain('test loss, last        0.500  0.500  +0.000\n');
    expect(text).toContain('test loss, best        4.000  0.500  -3.500\n');
    expect(text).toContain('validation loss, last  2.000\n');
    expect(text).not.toMatch(/accuracy|%/);
  });

  test('of runs of unlike tasks is refused, as is a report', async () => {
    writeRun(join(root, 'mixed/classes'), { keys: { data: { name: 'cifar10' } } });
    await run('mixed/numbers', { config: validated });
    const wanted =
      `${join(root, 'mixed/numbers')}: is a run of the task regression, wanted classification as in ` +
      `${join(root, 'mixed/classes')}; name runs of one task`;
    expect(await messageOf(compare('mixed/classes', 'mixed/numbers'))).toBe(wanted);
    const report = { title: 'fsam report', folder: join(root, 'none'), command: '' };
    expect(await messageOf(writeReport({ ...report, paths: [join(root, 'mixed')] }))).toBe(wanted);
  });
});
