// What TensorFlow's and CUDA's libraries read from the environment when they load for a GPU. What the user has
// set stays. Each of these is read by TensorFlow 2.21, and named by `fsam doctor`.
//
// Not set, though recipes for older versions do:
// - TF_USE_CUDNN_BATCHNORM_SPATIAL_PERSISTENT=1: a faster batch normalisation of bfloat16, and of it alone, at which
//   TensorFlow's own models warn of worse accuracy. scripts/gpu-campaign.sh times it.
// - TF_SYNC_ON_FINISH=0: a run would return before what it was fed has been copied, and images that it is lent
//   (`lent`, src/graph/program.ts) are written over then.
// - TF_AUTOTUNE_THRESHOLD=2: cuDNN's kernels would be timed twice, for the same choice in most cases.
// - TF_ENABLE_WINOGRAD_NONFUSED=1: on by default.
// - TF_CUDNN_USE_FRONTEND, TF_ENABLE_AUTO_MIXED_PRECISION, TF_ADJUST_HUE_FUSED: no longer read.
import { delimiter } from 'node:path';
import { UserError } from '../util/errors.js';

interface Variable {
  readonly name: string;
  readonly value: string;
  readonly effect: string;
}

const ALWAYS: readonly Variable[] = [
  {
    name: 'TF_FORCE_GPU_ALLOW_GROWTH',
    value: 'true',
    effect: 'memory is taken as it is needed, not all at once',
  },
  {
    name: 'TF_GPU_THREAD_MODE',
    value: 'gpu_private',
    effect:
      'each GPU has threads of its own to start kernels, which never wait behind work for the host',
  },
  { name: 'TF_GPU_THREAD_COUNT', value: '2', effect: 'so many of them' },
];

/** Where the configuration says `deterministic: true`. */
const DETERMINISTIC: readonly Variable[] = [
  { name: 'TF_DETERMINISTIC_OPS', value: '1', effect: 'no sum depends on the order of threads' },
  { name: 'TF_CUDNN_DETERMINISTIC', value: '1', effect: "of cuDNN's kernels only such" },
  {
    name: 'TF_CUDNN_USE_AUTOTUNE',
    value: '0',
    effect: "cuDNN's kernels are chosen by rule, not by a race",
  },
];

/** How a GPU computes. */
export interface GpuOptions {
  /** Whether float32 is multiplied as TF32, with mantissas of 10 bits. */
  readonly tf32: boolean;
  /** Whether equal runs are to give equal bits. */
  readonly deterministic: boolean;
}

export const GPU_DEFAULTS: GpuOptions = { tf32: true, deterministic: false };

export interface Settled extends Variable {
  readonly by: 'fsam' | 'the environment';
}

/**
 * Sets what is not set.
 *
 * @throws UserError where the environment contradicts `deterministic`
 */
export function settleGpuEnvironment({ deterministic }: GpuOptions): Settled[] {
  const wanted = [...ALWAYS, ...(deterministic ? DETERMINISTIC : [])];
  return wanted.map((variable): Settled => {
    const { name, value } = variable;
    const told = process.env[name];
    if (told === undefined) {
      process.env[name] = value;
      return { ...variable, by: 'fsam' };
    }
    if (DETERMINISTIC.includes(variable) && told !== value) {
      throw new UserError(
        `${name}: got ${JSON.stringify(told)} with deterministic true, wanted ${value}; unset it, or set deterministic to false`,
      );
    }
    return { ...variable, value: told, by: 'the environment' };
  });
}

/** Programs of `folder` are found before others of their names. */
export function putFirstOnPath(folder: string): void {
  const path = process.env['PATH'] ?? '';
  if (path.split(delimiter)[0] !== folder) process.env['PATH'] = [folder, path].join(delimiter);
}

/** Of several workers of one machine, which all see its GPUs. */
export interface GpuShare {
  readonly worker: number;
  /** GPUs of each. */
  readonly devices: number;
}

/**
 * The GPUs of one worker, as CUDA_VISIBLE_DEVICES names them: the first have the first.
 *
 * @param visible that variable, as it is for all of them; undefined: every GPU
 * @throws UserError where it names too few
 */
export function dealtGpus(visible: string | undefined, { worker, devices }: GpuShare): string {
  const [begin, end] = [worker * devices, (worker + 1) * devices];
  if (visible === undefined) return Array.from({ length: devices }, (_, i) => begin + i).join(',');
  const named = visible.split(',').filter((name) => name !== '');
  if (named.length >= end) return named.slice(begin, end).join(',');
  throw new UserError(
    `CUDA_VISIBLE_DEVICES: got ${JSON.stringify(visible)}, wanted ${end} GPUs or more, ${devices} for each worker; start fewer, or use --device cpu`,
  );
}
