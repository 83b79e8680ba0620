// Configurations drawn from a seed, which between them use every key of the schema: each run, stopped
// in mid-epoch and resumed, gives the bytes of the straight one, and eval and report read it.
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { configuration, LABELS_FILE } from '../../scripts/configurations.mjs';
import { OPTIMIZER_TITLES } from '../../src/catalogue/optimizers.js';
import { configJsonSchema, type SchemaNode } from '../../src/config/jsonSchema.js';
import { configSchema, type Config } from '../../src/catalogue/schema.js';
import { valueAt } from '../../src/util/dotted.js';
import { withLabelNoise } from '../../src/data/label-noise.js';
import { writeNoisyLabels } from '../../src/data/label-noise-file.js';
import { ofImages } from '../../src/data/dataset.js';
import { loadDataset } from '../../src/data/load.js';
import { loadCheckpoint } from '../../src/experiment/checkpoint.js';
import { runFolder } from '../../src/experiment/folder.js';
import { openRun } from '../../src/experiment/open-run.js';
import { pointsOf } from '../../src/report/points.js';
import { readRuns } from '../../src/report/runs.js';
import { createEngine } from '../../src/tasks/engine.js';
import { temporaryFolder } from '../support/folders.js';
import { resultOf, tensorsOf } from '../unit/experiment-support.js';
import { sitting } from './support/sitting.js';

const SEED = 7;
const COUNT = 14;
const numbers = Array.from({ length: COUNT }, (_, i) => i);

/** The dotted names of all keys that have a value. */
function keysOf({ properties }: SchemaNode, path = ''): string[] {
  return Object.entries(properties ?? {}).flatMap(([name, node]) =>
    node.properties === undefined ? [`${path}${name}`] : keysOf(node, `${path}${name}.`),
  );
}

test('they leave out no key of the schema, and no optimizer', () => {
  const written = numbers.map((i) => configuration(i, SEED));
  const keys = keysOf(configJsonSchema()).filter((key) => key !== 'extends');
  expect(keys.length).toBeGreaterThan(50);
  const unused = keys.filter((key) => written.every((one) => valueAt(one, key) === undefined));
  expect(unused).toEqual([]);
  const names = new Set(written.map((one) => valueAt(one, 'optimizer.name')));
  expect(names).toEqual(new Set(OPTIMIZER_TITLES));
});

/** Configuration number `index`, with a file of labels in `folder` where it wants one. */
async function configOf(index: number, folder: string): Promise<Config> {
  const config = configSchema.parse(configuration(index, SEED));
  if (config.labelNoise.file !== LABELS_FILE) return config;
  const file = join(folder, 'labels.csv');
  const { train, classes } = ofImages(await loadDataset(config.data, config.seed));
  const wrong = train.labels.map((label, i) => (i % 3 === 0 ? (label + 1) % classes : label));
  await writeNoisyLabels(file, train.labels, wrong);
  return { ...config, labelNoise: { ...config.labelNoise, file } };
}

test.each(numbers)('configuration %i: stopped, resumed, evaluated, reported', async (index) => {
  const root = temporaryFolder();
  const config = await configOf(index, root);
  const [straight, stopped] = [join(root, 'straight'), join(root, 'stopped')];
  await sitting(config, straight, Infinity);
  for (const stopAfter of [3, Infinity]) await sitting(config, stopped, stopAfter);
  const result = await resultOf(stopped);
  expect(result).toEqual(await resultOf(straight));

  // What eval does: the last row of metrics.csv has the loss of the last checkpoint.
  const { checkpoint } = await openRun(stopped, null);
  const dataset = await withLabelNoise(await loadDataset(config.data, config.seed), config);
  const engine = createEngine(config, dataset, { mode: 'compiled' });
  await loadCheckpoint(checkpoint, engine);
  const { runs } = await readRuns([straight, stopped]);
  const last = runs[0]?.epochs.at(-1);
  expect(Number((await engine.evaluate('test')).numbers['test_loss']?.toPrecision(7))).toBe(
    last?.['test_loss'],
  );
  if (config.data.validation !== null) {
    expect(
      Number((await engine.evaluate('validation')).numbers['validation_loss']?.toPrecision(7)),
    ).toBe(last?.['validation_loss']);
  }
  engine.dispose();
  expect(runs.map(({ folder }) => basename(folder))).toEqual(['straight', 'stopped']);
  expect(runs[0]?.config).toEqual(runs[1]?.config);
  expect(pointsOf(runs.slice(1))).toHaveLength(1);
  if (config.checkpoint.keepBest) {
    const best = await openRun(stopped, 'best');
    expect(await tensorsOf(best.checkpoint)).toEqual(await tensorsOf(runFolder(straight).best));
  }
});
