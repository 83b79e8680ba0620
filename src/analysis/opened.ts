// A trained run, opened to be analysed: its network, its checkpoints, and samples of its images.
import type { Config } from '../catalogue/schema.js';
import { isText, shapeOf, type Dataset } from '../data/dataset.js';
import { withLabelNoise } from '../data/label-noise.js';
import { networkInput } from '../data/resize.js';
import { sourceOf } from '../data/set-source.js';
import type { Source } from '../data/source.js';
import { pick } from '../data/subset.js';
import { pickWindows, windowsIn } from '../data/text/cut-text.js';
import { loadCheckpoint, type CheckpointRecord } from '../experiment/checkpoint.js';
import { buildModel } from '../models/models.js';
import type { Network } from '../nn/network.js';
import { createEngine } from '../tasks/engine.js';
import { createTask } from '../tasks/tasks.js';
import type { Task } from '../session/task.js';
import { evaluatedState, type State } from '../session/slot.js';
import { UserError } from '../util/errors.js';
import { errorCode, unreadable } from '../util/file-errors.js';
import { sha256OfFile } from '../util/file-hash.js';
import { randomStream } from '../util/random.js';

export interface Opened {
  readonly config: Config;
  readonly dataset: Dataset;
  readonly network: Network;
  readonly task: Task;
}

/** @param images as the run was begun with, before label noise */
export async function openAnalysed(config: Config, images: Dataset): Promise<Opened> {
  if (config.model.precision === 'bfloat16') {
    throw new UserError(
      'model.precision: got bfloat16, in which products with the curvature are off by percents; wanted a run in float32',
    );
  }
  const dataset = await withLabelNoise(images, config);
  const shape = shapeOf(dataset);
  return {
    config,
    dataset,
    network: buildModel(config.model, networkInput(config.data, shape)),
    task: createTask(config, { ...shape, labelNoise: false }),
  };
}

/** What a checkpoint has of the network: the averaged weights and statistics where there are some. */
export interface Analysed {
  readonly state: State;
  readonly record: CheckpointRecord;
}

export async function readAnalysed(
  { config, dataset }: Pick<Opened, 'config' | 'dataset'>,
  path: string,
): Promise<Analysed> {
  const engine = createEngine(config, dataset, { mode: 'eager', evaluates: [], trains: false });
  try {
    const record = await loadCheckpoint(path, engine);
    return { state: evaluatedState(engine.slots, engine.readState()), record };
  } finally {
    engine.dispose();
  }
}

/** Which images. */
export interface SampleOptions {
  readonly split: 'train' | 'test';
  /** All where there are fewer. */
  readonly samples: number;
  /** Images a batch. */
  readonly batch: number;
  readonly seed: number;
}

/** How many images a sample has. */
export const sampleSize = ({ dataset }: Opened, { split, samples }: SampleOptions): number =>
  Math.min(samples, placesIn(dataset, split));

/** The images number `from` to `to` of the sample's order, unaugmented, with the labels that the run learnt. */
export function sampleSource(
  { dataset }: Opened,
  { split, batch, seed }: SampleOptions,
  [from, to]: readonly [number, number],
): Source {
  const order = randomStream(seed, 'analysis-sample').permutation(placesIn(dataset, split));
  // In the order drawn: that of the files may go by class, and a batch's statistics with it.
  const picked = withTraining(dataset, split, order.slice(from, to));
  const shape = { ...shapeOf(picked), labelNoise: false };
  return sourceOf('train', shape, { size: batch, dropLast: false, shuffledBy: null }, picked);
}

/** Images that a split has, or windows of it side by side. */
const placesIn = (dataset: Dataset, split: SampleOptions['split']): number =>
  isText(dataset)
    ? windowsIn(dataset[split].tokens, dataset.context)
    : dataset[split].labels.length;

/** With these of a split to train on. */
const withTraining = (
  dataset: Dataset,
  split: SampleOptions['split'],
  indices: Int32Array,
): Dataset =>
  isText(dataset)
    ? { ...dataset, train: pickWindows(dataset[split], dataset.context, indices) }
    : { ...dataset, train: pick(dataset, split, indices) };

/** Of a checkpoint's bytes. Errors: UserError where it is gone. */
export async function hashOf(path: string): Promise<string> {
  try {
    return await sha256OfFile(path);
  } catch (error) {
    throw errorCode(error) === 'ENOENT'
      ? new UserError(`${path}: is gone, as a run under way keeps its newest alone; ask again`)
      : unreadable(path, error);
  }
}
