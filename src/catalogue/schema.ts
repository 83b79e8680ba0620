// The schema of a whole configuration: its sections, put together from the keys of the catalogue's
// rows, and the rules over several keys.
import { z } from 'zod';
import { DATA_KEYS, isAugmentedAsAsked } from './data-sets.js';
import { asDone, fitsWhatIsLearnt } from './fits.js';
import { below, key, section, type Values } from './key.js';
import { LABEL_NOISE_KEYS } from './label-noises.js';
import { MODEL_KEYS, onlyOptionsOfTheFamily } from './network.js';
import { OPTIMIZER_KEYS, withoutAlias } from './optimizers.js';
import { SCHEDULE_KEYS } from './schedules.js';
import { count, decay, folderName, fraction, nonNegative, seed } from './values.js';

/**
 * A rule over several keys. It is checked where `keys` are right by themselves, even if others are
 * wrong, so that it is reported together with their mistakes. `wanted` ends the sentence "KEY: got
 * VALUE, wanted".
 */
function rule<T>(keys: z.ZodType<T>, path: string[], wanted: (value: T) => string) {
  return {
    path,
    error: (issue: { input?: unknown }) => `wanted ${wanted(keys.parse(issue.input))}`,
    when: ({ value }: { value: unknown }) => keys.safeParse(value).success,
  };
}

export const dataSchema = section(DATA_KEYS).refine(
  ({ name, imageSize, resizeTo }) => name !== 'imagenet' || imageSize <= resizeTo,
  rule(
    z.object({ imageSize: count, resizeTo: count }),
    ['resizeTo'],
    ({ imageSize }) => `at least data.imageSize, ${imageSize}: the centre of that is cropped`,
  ),
);

export const labelNoiseSchema = section(LABEL_NOISE_KEYS).refine(
  ({ rate, file }) => rate === 0 || file === null,
  rule(
    z.object({ rate: fraction, file: z.string().nullable() }),
    ['file'],
    () => 'null, or labelNoise.rate 0: the file has all labels',
  ),
);

export const augmentationSchema = section({
  flip: key(z.boolean().default(true), {
    role: 'result',
    help: 'Horizontal flip with probability one half.',
  }),
  cropPadding: key(z.int().min(0).max(32).default(4), {
    role: 'result',
    help: 'Zeros on each side before the random crop to the original size; 0 crops nothing.',
  }),
  cutout: key(z.int().min(0).default(16), {
    role: 'result',
    help: 'Side of the square that Cutout fills with zeros, in pixels; 0 cuts nothing.',
  }),
  cutoutProbability: key(fraction.default(0.5), {
    role: 'result',
    help: 'Share of the images that Cutout cuts.',
    read: (at) => at('augmentation.cutout') !== 0,
  }),
});

export const modelSchema = section(MODEL_KEYS).check(onlyOptionsOfTheFamily);

export const optimizerSchema = section(OPTIMIZER_KEYS)
  .refine(
    ({ nesterov, momentum }) => !nesterov || momentum > 0,
    rule(
      z.object({ nesterov: z.boolean(), momentum: decay }),
      ['nesterov'],
      () => 'false, or a momentum above 0',
    ),
  )
  .transform((written) => ({ ...written, ...withoutAlias(written) }));

export const scheduleSchema = section(SCHEDULE_KEYS);

const checkpointSchema = section({
  everyEpochs: key(count.default(1), { role: 'nothing', help: 'Epochs from one to the next.' }),
  keepEveryEpochs: key(count.nullable().default(null), {
    role: 'nothing',
    help: 'Epochs from one checkpoint that stays to the next, for analyses along a run; null: only the last two do.',
  }),
  keepBest: key(z.boolean().default(false), {
    role: 'nothing',
    help: 'Keep the best epoch, too, as best.safetensors: by data.validation, or by the test set where there is none.',
  }),
});

const probesSchema = section({
  every: key(count.nullable().default(null), {
    role: 'nothing',
    help: 'Look at every so many steps, into probes.csv; null: at none. The numbers of the run stay what they are.',
  }),
  samples: key(z.union([z.literal('all'), count]).default('all'), {
    role: 'nothing',
    help: 'Images over which the full gradient is taken then; all: every batch of the epoch; a number: at least so many, in whole batches, as with optimizer.fullGradient; its squared length then has the sampling variance of so few in it.',
    read: (at) => at('probes.every') !== null,
  }),
});

const loggingSchema = section({
  tensorboard: key(z.boolean().default(false), {
    role: 'nothing',
    help: 'Write TensorBoard event files, too.',
  }),
});

export const configSchema = section({
  name: key(folderName, {
    role: 'name',
    help: 'Name of the experiment: the first folder under results/.',
  }),
  variant: key(folderName.nullable().default(null), {
    role: 'name',
    help: 'The second folder under results/; null builds one from the optimizer.',
  }),
  seed: key(seed.default(1), { role: 'seed', help: 'Everything drawn depends on it.' }),
  epochs: key(count.default(200), { role: 'result', help: 'Passes over the training set.' }),
  maxSteps: key(count.nullable().default(null), {
    role: 'result',
    help: 'Stops after this many steps in all, schedule unchanged; null: at the end.',
  }),
  batchSize: key(count.default(128), {
    role: 'result',
    help: 'Images a training step, or windows of a text.',
  }),
  dropLast: key(z.boolean().default(false), {
    role: 'result',
    help: 'Leave out the last batch of an epoch where it is short: its examples, others in each epoch, wait for the next.',
  }),
  microBatches: key(count.default(1), {
    role: 'result',
    help: 'Parts a batch is cut into, one after the other: each climbs by itself (the m of m-sharpness), and their gradients are averaged.',
    folder: 'unless default',
    folderWord: (parts) => `m${parts}`,
  }),
  devices: key(count.default(1), {
    role: 'result',
    help: 'Devices that a batch is cut among, side by side, before each cuts its share into microBatches; on the CPU they share its cores.',
    folder: 'unless default',
    folderWord: (devices) => `d${devices}`,
  }),
  evaluationBatchSize: key(count.default(500), {
    role: 'nothing',
    help: 'Images an evaluation step; any gives the same.',
  }),
  data: below(dataSchema, 'What is learnt from.'),
  labelNoise: below(labelNoiseSchema.prefault({}), 'Wrong training labels, on purpose.'),
  augmentation: {
    ...below(
      augmentationSchema.prefault({}),
      'Changes to training images (none of imagenet, which has its own, and of texts).',
    ),
    read: (at: Values) => isAugmentedAsAsked(at('data.name')),
  },
  labelSmoothing: key(decay.default(0), {
    role: 'result',
    help: 'Share of the target that is spread evenly over all classes (training loss).',
  }),
  model: below(modelSchema, 'The network that is trained.'),
  optimizer: below(optimizerSchema, 'How a step goes from gradients to new weights.'),
  schedule: below(scheduleSchema.prefault({}), 'The learning rate over time.'),
  weightAverage: key(decay.nullable().default(null), {
    role: 'result',
    help: 'Decay of an EMA of the weights, which are then what is evaluated; null: none.',
  }),
  checkpoint: below(checkpointSchema.prefault({}), 'When the state of training is saved.'),
  logging: below(loggingSchema.prefault({}), 'What is written beside the CSV files.'),
  probes: below(
    probesSchema.prefault({}),
    'What gradients are made of: their noise, and how near the moving average comes to the full gradient.',
  ),
  device: key(z.enum(['auto', 'cpu', 'gpu']).default('auto'), {
    role: 'device',
    help: 'auto takes the GPU where there is one.',
  }),
  tf32: key(z.boolean().default(true), {
    role: 'rounding',
    help: 'Whether a GPU multiplies float32 as TF32, several times as fast, with 10 bits of each number; no effect on a CPU.',
  }),
  deterministic: key(z.boolean().default(false), {
    role: 'rounding',
    help: 'Whether equal runs give equal bits on a GPU, too, which is slower; on a CPU they always do.',
  }),
  xla: key(z.enum(['off', 'on']).default('off'), {
    role: 'rounding',
    help: 'on: XLA compiles each step as a whole, which takes a while when it is first run; on one device, in one process.',
  }),
})
  .refine(
    ({ devices, xla }) => xla === 'off' || devices === 1,
    rule(
      z.object({ devices: count, xla: z.string() }),
      ['xla'],
      ({ devices }) => `off with devices ${devices}: a step that XLA compiles is on one`,
    ),
  )
  .refine(
    ({ devices, batchSize }) => devices <= batchSize,
    rule(
      z.object({ batchSize: count, devices: count }),
      ['devices'],
      ({ batchSize }) => `at most the ${batchSize} examples of a batch`,
    ),
  )
  .refine(
    ({ microBatches, devices, batchSize }) =>
      devices > batchSize || microBatches <= Math.floor(batchSize / devices),
    rule(
      z.object({ batchSize: count, microBatches: count, devices: count }),
      ['microBatches'],
      ({ batchSize, devices }) =>
        devices === 1
          ? `at most the ${batchSize} examples of a batch`
          : `at most the ${Math.floor(batchSize / devices)} examples that a device has of a batch`,
    ),
  )
  .refine(
    ({ schedule, epochs }) => schedule.warmupEpochs < epochs,
    rule(
      z.object({ epochs: count, schedule: z.object({ warmupEpochs: nonNegative }) }),
      ['schedule', 'warmupEpochs'],
      ({ epochs }) => `less than the ${epochs} epochs of the run`,
    ),
  )
  .check(fitsWhatIsLearnt)
  .transform(asDone);

/** A complete, checked configuration: every default filled in. */
export type Config = z.infer<typeof configSchema>;
export type DataConfig = Config['data'];
export type AugmentationConfig = Config['augmentation'];
export type ModelConfig = Config['model'];
export type OptimizerConfig = Config['optimizer'];
export type LabelNoiseConfig = Config['labelNoise'];
export type ScheduleConfig = Config['schedule'];
