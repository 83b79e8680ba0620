// The whole configuration of an experiment on one page: every key, its type, range, default and
// help text.
import { z } from 'zod';
import { expandHome } from '../util/home.js';
import {
  NETWORK_NAME,
  NETWORK_NAMES_WANTED,
  parseNetworkName,
  PUBLISHED,
  publishedValues,
  type NetworkOption,
} from './networks.js';

const positive = z.number().positive();
const nonNegative = z.number().nonnegative();
const count = z.int().min(1);
const fraction = z.number().min(0).max(1);
const decay = z.number().min(0).lt(1);

const FOLDER_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
export const folderName = z.string().regex(FOLDER_NAME).meta({
  patternErrorMessage:
    'at most 100 letters, digits, ".", "_" and "-", the first a letter or a digit',
});

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

/** Of a file or a folder; `~` is the user's home. */
const filePath = z
  .string()
  .min(1)
  .check((payload) => {
    const expanded = expandHome(payload.value);
    if ('path' in expanded) payload.value = expanded.path;
    else payload.issues.push({ code: 'custom', message: expanded.wanted, input: payload.value });
  });

export const dataSchema = z.strictObject({
  name: z
    .enum(['cifar10', 'cifar100', 'idx', 'fashion-mnist-tiny', 'synthetic'])
    .describe('The data set; idx reads MNIST, Fashion-MNIST and their like.'),
  directory: filePath
    .default('data')
    .describe('Folder that holds the set, or the folder above it, or its .tar.gz.'),
  subset: z
    .strictObject({
      train: count.nullable().default(null).describe('Training images; null takes all.'),
      test: count.nullable().default(null).describe('Test images; null takes all.'),
    })
    .prefault({})
    .describe('Class-balanced subsets, drawn from the seed.'),
  validation: count
    .nullable()
    .default(null)
    .describe(
      'Images held out of the training set, class-balanced and drawn from the seed, before its subset is taken: the best epoch is chosen by them; null: none.',
    ),
  synthetic: z
    .strictObject({
      train: count.default(256).describe('Training images.'),
      test: count.default(64).describe('Test images.'),
      size: count.default(32).describe('Height and width of an image, in pixels.'),
      channels: z.literal([1, 3]).default(3).describe('1: grey, 3: colour.'),
      classes: z.int().min(2).max(1000).default(10).describe('Number of classes.'),
    })
    .prefault({})
    .describe('Size of the synthetic set; other sets leave it unread.'),
});

export const augmentationSchema = z.strictObject({
  flip: z.boolean().default(true).describe('Horizontal flip with probability one half.'),
  cropPadding: z
    .int()
    .min(0)
    .max(32)
    .default(4)
    .describe('Zeros on each side before the random crop to the original size; 0 crops nothing.'),
  cutout: z
    .int()
    .min(0)
    .default(16)
    .describe('Side of the square that Cutout fills with zeros, in pixels; 0 cuts nothing.'),
  cutoutProbability: fraction.default(0.5).describe('Share of the images that Cutout cuts.'),
});

/** Options of some families only, all null unless set: null is the network's published value. */
const familyOptions = {
  dropout: fraction
    .lt(1)
    .nullable()
    .default(null)
    .describe(`Share of activations dropped (${publishedValues('dropout')}).`),
  dropPath: fraction
    .lt(1)
    .nullable()
    .default(null)
    .describe(
      `Share of an image's residual branches dropped in the last layer (${publishedValues('dropPath')}).`,
    ),
  block: z
    .enum(['basic', 'bottleneck'])
    .nullable()
    .default(null)
    .describe(`Kind of residual block (${publishedValues('block')}).`),
  stageBlocks: z
    .enum(['code', 'paper'])
    .nullable()
    .default(null)
    .describe(
      `Blocks a stage: paper has (depth - 4) / 6; code has one more, as the F-SAM authors' code does (${publishedValues('stageBlocks')}).`,
    ),
  patch: count
    .nullable()
    .default(null)
    .describe(`Side of a patch, in pixels (${publishedValues('patch')}).`),
  layers: count
    .nullable()
    .default(null)
    .describe(`Transformer layers (${publishedValues('layers')}).`),
  heads: count
    .nullable()
    .default(null)
    .describe(`Attention heads, a divisor of width (${publishedValues('heads')}).`),
} satisfies Record<NetworkOption, z.ZodType>;

export const modelSchema = z
  .strictObject({
    name: z
      .string()
      .regex(NETWORK_NAME)
      .meta({ patternErrorMessage: NETWORK_NAMES_WANTED })
      .describe('The network; `fsam models` lists them.'),
    width: count
      .nullable()
      .default(null)
      .describe(
        `Channels of the first stage; null is the published network (${publishedValues('width')}).`,
      ),
    ...familyOptions,
    convolution: z
      .enum(['auto', 'direct'])
      .default('auto')
      .describe("auto: Winograd's algorithm where a CPU is quicker with it; direct: nowhere."),
    precision: z
      .enum(['float32', 'bfloat16'])
      .default('float32')
      .describe('What convolutions multiply; sums, and everything else, are float32 either way.'),
  })
  .check(onlyOptionsOfTheFamily);

/** An option that the network does not have would be silently without effect. */
function onlyOptionsOfTheFamily({
  value,
  issues,
}: z.core.ParsePayload<{ name: string } & Record<NetworkOption, unknown>>): void {
  const network = parseNetworkName(value.name);
  if (network === undefined) return;
  for (const option of Object.keys(familyOptions) as NetworkOption[]) {
    if (value[option] === null || option in PUBLISHED[network.family]) continue;
    const message = `wanted null: ${value.name} has no such option`;
    issues.push({ code: 'custom', message, input: value, path: [option] });
  }
}

export const optimizerSchema = z
  .strictObject({
    name: z
      .enum(['sgd', 'adamw', 'sam', 'asam', 'fsam', 'fasam'])
      .describe('sgd and adamw take one gradient a step; sam, asam, fsam and fasam climb first.'),
    base: z
      .enum(['sgd', 'adamw'])
      .default('sgd')
      .describe('What applies the gradient that sam, asam, fsam and fasam find.'),
    rho: nonNegative.default(0.2).describe('Length of the climb (sam, asam, fsam, fasam).'),
    adaptive: z
      .boolean()
      .default(false)
      .describe('Measure the climb relative to each weight (asam is sam with it, fasam is fsam).'),
    sigma: nonNegative
      .default(1)
      .describe('Share of the EMA gradient that is taken out of the climb (fsam, fasam).'),
    lambda: decay.default(0.6).describe('Decay of the EMA of gradients (fsam, fasam).'),
    emaOrder: z
      .enum(['code', 'paper'])
      .default('code')
      .describe(
        "code: the old EMA is subtracted, as the authors' code does; paper: the new one (fsam, fasam).",
      ),
    momentum: decay.default(0.9).describe('Momentum (sgd).'),
    nesterov: z.boolean().default(false).describe('Nesterov momentum (sgd).'),
    weightDecay: nonNegative
      .default(1e-3)
      .describe('Weight decay: added to the gradient by sgd, decoupled in adamw.'),
    beta1: decay.default(0.9).describe('Decay of the first moment (adamw).'),
    beta2: decay.default(0.999).describe('Decay of the second moment (adamw).'),
    epsilon: positive.default(1e-8).describe('Added to the root of the second moment (adamw).'),
    clipNorm: positive
      .nullable()
      .default(null)
      .describe('Largest L2 norm of the gradient that is descended along; null: any.'),
  })
  .refine(
    ({ nesterov, momentum }) => !nesterov || momentum > 0,
    rule(
      z.object({ nesterov: z.boolean(), momentum: decay }),
      ['nesterov'],
      () => 'false, or a momentum above 0',
    ),
  )
  .transform((written) => ({ ...written, ...withoutAlias(written) }));

/** Names of an optimizer with an adaptive climb; a configuration that is read has its own name. */
export const ADAPTIVE_NAMES = { asam: 'sam', fasam: 'fsam' } as const;

/** `sam` and `adaptive`, where `asam` was written. */
export function withoutAlias<N extends string, A>(written: {
  readonly name: N;
  readonly adaptive: A;
}): { name: Exclude<N, keyof typeof ADAPTIVE_NAMES>; adaptive: A | true } {
  type Own = Exclude<N, keyof typeof ADAPTIVE_NAMES>;
  const { name, adaptive } = written;
  return Object.hasOwn(ADAPTIVE_NAMES, name)
    ? { name: ADAPTIVE_NAMES[name as keyof typeof ADAPTIVE_NAMES] as Own, adaptive: true }
    : { name: name as Own, adaptive };
}

export const labelNoiseSchema = z
  .strictObject({
    rate: fraction.default(0).describe('Share of the training labels that are drawn; 0: no noise.'),
    kind: z
      .enum(['symmetric', 'asymmetric'])
      .default('symmetric')
      .describe(
        'symmetric: a label drawn from all classes; asymmetric: the class it is mistaken for.',
      ),
    exclusive: z
      .boolean()
      .default(false)
      .describe("Never draw the true label (symmetric); false may, as the authors' code does."),
    seed: z
      .int()
      .min(0)
      .max(4294967295)
      .nullable()
      .default(null)
      .describe("Draws the noise; null takes the run's seed."),
    file: filePath
      .nullable()
      .default(null)
      .describe('Labels to train on instead: a label-noise.csv, as runs with noise write it.'),
  })
  .refine(
    ({ rate, file }) => rate === 0 || file === null,
    rule(
      z.object({ rate: fraction, file: z.string().nullable() }),
      ['file'],
      () => 'null, or labelNoise.rate 0: the file has all labels',
    ),
  );

export const scheduleSchema = z.strictObject({
  name: z
    .enum(['cosine', 'step', 'constant'])
    .default('cosine')
    .describe('cosine: to 0 over all steps; step: times factor at the milestones.'),
  learningRate: positive.default(0.05).describe('The rate after warm-up.'),
  warmupEpochs: nonNegative.default(0).describe('Epochs of linear warm-up from 0, per step.'),
  milestones: z
    .array(count)
    .refine(isAscending, 'wanted the epochs in ascending order, each once')
    .default([60, 120, 160])
    .describe('Epochs (from 0) at which the rate is multiplied by factor (step).'),
  factor: positive.max(1).default(0.2).describe('What the rate is multiplied by (step).'),
});

export const configSchema = z
  .strictObject({
    name: folderName.describe('Name of the experiment: the first folder under results/.'),
    variant: folderName
      .nullable()
      .default(null)
      .describe('The second folder under results/; null builds one from the optimizer.'),
    seed: z.int().min(0).max(4294967295).default(1).describe('Everything drawn depends on it.'),
    epochs: count.default(200).describe('Passes over the training set.'),
    maxSteps: count
      .nullable()
      .default(null)
      .describe('Stops after this many steps in all, schedule unchanged; null: at the end.'),
    batchSize: count.default(128).describe('Images a training step.'),
    dropLast: z
      .boolean()
      .default(false)
      .describe(
        'Leave out the last batch of an epoch where it is short: its images, others in each epoch, wait for the next.',
      ),
    microBatches: count
      .default(1)
      .describe(
        'Parts a batch is cut into, one after the other: each climbs by itself (the m of m-sharpness), and their gradients are averaged.',
      ),
    evaluationBatchSize: count
      .default(500)
      .describe('Images an evaluation step; any gives the same.'),
    data: dataSchema.describe('What is learnt from.'),
    labelNoise: labelNoiseSchema.prefault({}).describe('Wrong training labels, on purpose.'),
    augmentation: augmentationSchema.prefault({}).describe('Changes to training images.'),
    labelSmoothing: decay
      .default(0)
      .describe('Share of the target that is spread evenly over all classes (training loss).'),
    model: modelSchema.describe('The network that is trained.'),
    optimizer: optimizerSchema.describe('How a step goes from gradients to new weights.'),
    schedule: scheduleSchema.prefault({}).describe('The learning rate over time.'),
    weightAverage: decay
      .nullable()
      .default(null)
      .describe('Decay of an EMA of the weights, which are then what is evaluated; null: none.'),
    checkpoint: z
      .strictObject({
        everyEpochs: count.default(1).describe('Epochs from one to the next.'),
        keepBest: z
          .boolean()
          .default(false)
          .describe(
            'Keep the best epoch, too, as best.safetensors: by data.validation, or by the test set where there is none.',
          ),
      })
      .prefault({})
      .describe('When the state of training is saved.'),
    logging: z
      .strictObject({
        tensorboard: z.boolean().default(false).describe('Write TensorBoard event files, too.'),
      })
      .prefault({})
      .describe('What is written beside the CSV files.'),
    device: z
      .enum(['auto', 'cpu', 'gpu'])
      .default('auto')
      .describe('auto takes the GPU where there is one.'),
  })
  .refine(
    ({ microBatches, batchSize }) => microBatches <= batchSize,
    rule(
      z.object({ batchSize: count, microBatches: count }),
      ['microBatches'],
      ({ batchSize }) => `at most the ${batchSize} images of a batch`,
    ),
  )
  .refine(
    ({ schedule, epochs }) => schedule.warmupEpochs < epochs,
    rule(
      z.object({ epochs: count, schedule: z.object({ warmupEpochs: nonNegative }) }),
      ['schedule', 'warmupEpochs'],
      ({ epochs }) => `less than the ${epochs} epochs of the run`,
    ),
  );

function isAscending(values: readonly number[]): boolean {
  return values.every((value, i) => i === 0 || value > (values[i - 1] ?? value));
}

/** A complete, checked configuration: every default filled in. */
export type Config = z.infer<typeof configSchema>;
export type DataConfig = Config['data'];
export type AugmentationConfig = Config['augmentation'];
export type ModelConfig = Config['model'];
export type OptimizerConfig = Config['optimizer'];
export type LabelNoiseConfig = Config['labelNoise'];
export type ScheduleConfig = Config['schedule'];
