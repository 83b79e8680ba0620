// The whole configuration of an experiment on one page: every key, its type, range and default.
import { z } from 'zod';

const positive = z.number().positive();
const nonNegative = z.number().nonnegative();
const count = z.int().positive();
const fraction = z.number().min(0).max(1);
const decay = z.number().min(0).lt(1);

export const dataSchema = z.strictObject({
  name: z.enum(['cifar10', 'cifar100', 'idx', 'fashion-mnist-tiny', 'synthetic']),
  /** Folder that holds the set (or the folder above it), or its .tar.gz. */
  directory: z.string().min(1).default('data'),
  /** Class-balanced, seeded subsets; null takes all images. */
  subset: z
    .strictObject({ train: count.nullable().default(null), test: count.nullable().default(null) })
    .prefault({}),
  /** Only of the synthetic set. */
  synthetic: z
    .strictObject({
      train: count.default(256),
      test: count.default(64),
      size: count.default(32),
      channels: z.union([z.literal(1), z.literal(3)]).default(3),
      classes: z.int().min(2).max(1000).default(10),
    })
    .prefault({}),
});

export const augmentationSchema = z.strictObject({
  /** Horizontal flip with probability one half. */
  flip: z.boolean().default(true),
  /** Zero padding on each side before the random crop to the original size; 0 crops nothing. */
  cropPadding: z.int().min(0).max(32).default(4),
  /** Side of the square that Cutout fills with zeros; 0 cuts nothing. */
  cutout: z.int().min(0).default(16),
  cutoutProbability: fraction.default(0.5),
});

export const modelSchema = z.strictObject({
  name: z.enum(['resnet18']),
  /** Channels of the first stage; 64 is the published network. */
  width: count.default(64),
});

export const optimizerSchema = z.strictObject({
  name: z.enum(['sgd', 'adamw', 'sam', 'asam', 'fsam', 'fasam']),
  /** What applies the gradient that sam, asam, fsam and fasam find. */
  base: z.enum(['sgd', 'adamw']).default('sgd'),
  rho: nonNegative.default(0.2),
  sigma: nonNegative.default(1),
  lambda: decay.default(0.6),
  /** `code`: the authors' code (the old EMA is subtracted); `paper`: the printed order (the new one is). */
  emaOrder: z.enum(['code', 'paper']).default('code'),
  momentum: decay.default(0.9),
  nesterov: z.boolean().default(false),
  weightDecay: nonNegative.default(1e-3),
  beta1: decay.default(0.9),
  beta2: decay.default(0.999),
  epsilon: positive.default(1e-8),
  /** Largest L2 norm of the gradient that is descended along; null leaves it alone. */
  clipNorm: positive.nullable().default(null),
});

export const scheduleSchema = z.strictObject({
  name: z.enum(['cosine', 'step', 'constant']).default('cosine'),
  learningRate: positive.default(0.05),
  /** Epochs of linear warm-up from 0, per step. */
  warmupEpochs: nonNegative.default(0),
  /** Of `step`: epochs (from 0) at which the rate is multiplied by `factor`. */
  milestones: z.array(count).default([60, 120, 160]),
  factor: positive.default(0.2),
});

export const configSchema = z.strictObject({
  /** First folder under results/. */
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/),
  /** Second folder under results/; null builds one from the optimizer. */
  variant: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/)
    .nullable()
    .default(null),
  seed: z.int().min(0).max(4294967295).default(1),
  epochs: count.default(200),
  /** Stops after this many steps in all, schedule unchanged; null runs every epoch to its end. */
  maxSteps: count.nullable().default(null),
  batchSize: count.default(128),
  evaluationBatchSize: count.default(500),
  data: dataSchema,
  augmentation: augmentationSchema.prefault({}),
  model: modelSchema,
  optimizer: optimizerSchema,
  schedule: scheduleSchema.prefault({}),
  checkpoint: z.strictObject({ everyEpochs: count.default(1) }).prefault({}),
  device: z.enum(['auto', 'cpu', 'gpu']).default('auto'),
});

/** A complete, checked configuration: every default filled in. */
export type Config = z.infer<typeof configSchema>;
export type DataConfig = Config['data'];
export type AugmentationConfig = Config['augmentation'];
export type ModelConfig = Config['model'];
export type OptimizerConfig = Config['optimizer'];
export type ScheduleConfig = Config['schedule'];
