// The golden numbers, and the weights and images that they were computed with (test/golden/README.md).
import { readFileSync } from 'node:fs';
import { sizeOf } from '../../../src/native/types.js';
import type { Network } from '../../../src/nn/network.js';
import { required } from '../../../src/util/errors.js';
import { randomStream } from '../../../src/util/random.js';

/** Name, shape in PyTorch's layout, and what it is. */
export type GoldenTensor = readonly [
  name: string,
  shape: readonly number[],
  kind: 'weight' | 'bn_scale' | 'bn_offset' | 'bias' | 'token',
];

/** One network in models.json. */
export interface GoldenModel {
  readonly name: string;
  readonly classes: number;
  /** NCHW */
  readonly input: readonly [number, number, number, number];
  readonly parameters: number;
  readonly tensors: readonly GoldenTensor[];
  readonly eval_logits_row0: readonly number[];
  readonly eval_logits_l2: number;
  readonly train_logits_row0: readonly number[];
  readonly train_logits_l2: number;
  readonly train_loss: number;
  readonly grad_norm: number;
  readonly grad_norm_first: number;
  readonly grad_norm_last_weight: number;
  readonly first_bn_running_mean_after: readonly number[];
  readonly first_bn_running_var_after: readonly number[];
}

/** The network in vit.json. */
export interface GoldenVit extends Pick<
  GoldenModel,
  'classes' | 'input' | 'parameters' | 'tensors'
> {
  readonly options: Readonly<Record<string, number>>;
  readonly logits: readonly (readonly number[])[];
  readonly loss: number;
  readonly grad_norms: Readonly<Record<string, number>>;
}

/** One run in optimizers.json. */
export interface GoldenRun<Kind extends string = string> {
  readonly kind: Kind;
  readonly steps: readonly {
    readonly lr: number;
    readonly loss: number;
    readonly grad_norm: number;
    readonly perturbation_norm?: number;
    readonly perturbed_loss?: number;
    readonly perturbed_grad_norm?: number;
    readonly param_l2: number;
  }[];
  readonly final_eval_logits_row0: readonly number[];
  readonly final_first_conv_head: readonly number[];
  readonly final_last_bias: readonly number[];
  readonly first_bn_running_mean: readonly number[];
  readonly first_bn_running_var: readonly number[];
}

/** One run in distributed.json, of resnet18 with `width` channels. */
export interface GoldenDistributed {
  readonly width: number;
  readonly input: GoldenModel['input'];
  readonly classes: number;
  readonly tensors: GoldenModel['tensors'];
  readonly rho: number;
  readonly run: {
    readonly kind: string;
    readonly options: {
      readonly decay?: '2d';
      readonly nesterov?: true;
      readonly climb?: 'sam' | 'fsam';
      /** Examples of each worker; left out: one has all. */
      readonly workers?: readonly number[];
      readonly perturbation?: 'own' | 'synchronised';
      readonly ema?: 'shared' | 'local';
      readonly mean?: 'workers';
    };
    readonly steps: readonly {
      readonly lr: number;
      readonly loss: number;
      readonly grad_norm: number;
      readonly perturbed_loss?: number;
      readonly perturbed_grad_norm?: number;
      readonly param_l2: number;
      readonly momentum_l2: number;
    }[];
    readonly final_first_conv_head: readonly number[];
    readonly final_first_bn_weight: readonly number[];
    readonly final_first_bn_bias: readonly number[];
    readonly final_last_bias: readonly number[];
    /** Of BatchNorm, by the rule that makes one of what the workers have. */
    readonly statistics: Readonly<
      Partial<Record<'mean' | 'first_worker' | 'in_turn', GoldenStatistics>>
    >;
  };
}

interface GoldenStatistics {
  readonly first_bn_running_mean: readonly number[];
  readonly first_bn_running_var: readonly number[];
  readonly final_eval_logits_row0: readonly number[];
}

export const read = (file: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../golden/${file}`, import.meta.url), 'utf8'));

export const goldenModels = (): GoldenModel[] =>
  (read('models.json') as { cases: GoldenModel[] }).cases;

export function goldenModel(name: string, classes: number): GoldenModel {
  const found = goldenModels().find((model) => model.name === name && model.classes === classes);
  return required(found, `${name} with ${classes} classes in models.json`);
}

export const goldenVit = (): GoldenVit => read('vit.json') as GoldenVit;

type OfOptimizers =
  'sgd' | 'sam' | 'asam' | 'fsam' | 'fasam' | 'adamw' | 'sam-adamw' | 'fsam-adamw';

export const goldenRuns = (): GoldenRun<OfOptimizers>[] =>
  (read('optimizers.json') as { runs: GoldenRun<OfOptimizers>[] }).runs;

/** Relatives of SAM, on the same network and batches. */
export const goldenFamily = (): GoldenRun[] =>
  (read('sam-family.json') as { runs: GoldenRun[] }).runs;

interface DistributedFile extends Pick<GoldenDistributed, 'classes' | 'tensors' | 'rho'> {
  readonly model: { readonly width: number };
  readonly batch: number;
  readonly side: number;
  readonly runs: readonly GoldenDistributed['run'][];
}

export function goldenDistributed(): GoldenDistributed[] {
  const { model, batch, side, runs, ...rest } = read('distributed.json') as DistributedFile;
  const input = [batch, 3, side, side] as const;
  return runs.map((run) => ({ ...rest, width: model.width, input, run }));
}

/** Element `i` of tensor `k`: from -0.5 to 0.5. */
function uniform(k: number, i: number): number {
  let x = (Math.imul(i, 2654435761) + Math.imul(k, 0x9e3779b9)) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32 - 0.5;
}

/** factor u + base in each place of tensor `k`, in PyTorch's order. */
export const fill = (k: number, size: number, factor: number, base = 0): Float32Array =>
  Float32Array.from({ length: size }, (_, i) => base + factor * uniform(k, i));

/** Values in PyTorch's order [d0 d1 ..] in the order of the axes `order`. */
function permuted(
  values: Float32Array,
  shape: readonly number[],
  order: readonly number[],
): Float32Array {
  const stride = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const extents = order.map((axis) => shape[axis] as number);
  const strides = order.map((axis) => stride[axis] as number);
  const result = new Float32Array(values.length);
  let next = 0;
  const visit = (axis: number, start: number): void => {
    const [extent, step] = [extents[axis] as number, strides[axis] as number];
    for (let i = 0; i < extent; i++) {
      const place = start + i * step;
      if (axis < order.length - 1) visit(axis + 1, place);
      else result[next++] = values[place] as number;
    }
  };
  visit(0, 0);
  return result;
}

/** Where each axis of our layout is in PyTorch's: OIHW -> HWIO, [out in] -> [in out]. */
function axes(shape: readonly number[]): readonly number[] {
  if (shape.length === 4) return [2, 3, 1, 0];
  return shape.length === 2 ? [1, 0] : shape.map((_, axis) => axis);
}

/** A shape of PyTorch's in our layout. */
export const ourShape = (shape: readonly number[]): number[] =>
  axes(shape).map((axis) => shape[axis] as number);

/** Values of a parameter in PyTorch's order in ours. */
export const inOurLayout = (values: Float32Array, shape: readonly number[]): Float32Array =>
  permuted(values, shape, axes(shape));

/** Parameter `k`, in PyTorch's order. */
export function goldenValues([, shape, kind]: GoldenTensor, k: number): Float32Array {
  const size = sizeOf(shape);
  switch (kind) {
    case 'weight': {
      const bound = Math.sqrt((shape.length === 4 ? 6 : 3) / sizeOf(shape.slice(1)));
      return fill(k, size, 2 * bound);
    }
    case 'bn_scale':
      return fill(k, size, 0.2, 1);
    case 'bn_offset':
    case 'bias':
    case 'token':
      return fill(k, size, 0.2);
    default:
      return kind satisfies never;
  }
}

/** w [P] of the golden network, in our layout. */
export const goldenParameters = ({ tensors }: Pick<GoldenModel, 'tensors'>): Float32Array =>
  concatenated(
    tensors.map((tensor, k) => {
      const [, shape, kind] = tensor;
      const values = goldenValues(tensor, k);
      return kind === 'weight' ? inOurLayout(values, shape) : values;
    }),
  );

/** The weights for attempt 0; for others each one is moved to its neighbour, up or down at random. */
export function movedByRounding(weights: Float32Array, attempt: number): Float32Array {
  if (attempt === 0) return weights;
  const stream = randomStream(attempt, 'synthetic');
  return weights.map((weight) => weight * (1 + (stream.uniform() < 0.5 ? -1 : 1) * 2 ** -23));
}

/** Running means and variances [S]: a pair for each BatchNorm in the order of `tensors`. */
export const goldenStatistics = ({ tensors }: Pick<GoldenModel, 'tensors'>): Float32Array =>
  concatenated(
    tensors
      .filter(([, , kind]) => kind === 'bn_scale')
      .flatMap(([, [channels = 0]], j) => [
        fill(1000 + 2 * j, channels, 0.2),
        fill(1001 + 2 * j, channels, 0.4, 1),
      ]),
  );

/** Images [N H W C] of tensor `k`; `shape` is NCHW. */
export const goldenImages = (
  k: number,
  shape: readonly [number, number, number, number],
): Float32Array => permuted(fill(k, sizeOf(shape), 2), shape, [0, 2, 3, 1]);

/** Labels [batch] of step `step` of an optimizer run. */
export const goldenLabels = (step: number, batch: number, classes = 10): Int32Array =>
  Int32Array.from({ length: batch }, (_, i) =>
    Math.floor((uniform(30000 + step, i) + 0.5) * classes),
  );

/** Tokens [batch context+1] of step `step` of gpt.json, of so many different ones. */
export const goldenTokens = (
  step: number,
  batch: number,
  context: number,
  different: number,
): Int32Array =>
  Int32Array.from({ length: batch * (context + 1) }, (_, i) =>
    Math.floor((uniform(70000 + step, i) + 0.5) * different),
  );

export function concatenated(pieces: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.length;
  }
  return whole;
}

/** The piece of a parameter or statistics vector that belongs to tensor `name`. */
export function piece(
  layout: Network['parameters'],
  vector: Float32Array,
  name: string,
): Float32Array {
  const tensor = required(
    layout.tensors.find((one) => one.name === name),
    name,
  );
  return vector.subarray(tensor.offset, tensor.offset + sizeOf(tensor.shape));
}
