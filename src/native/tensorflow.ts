// Loads tfjs-node-gpu, the only file that does, and gives it to the rest of the program typed. It is
// loaded on a call, never by an import: what it is to run on is settled before (device.ts).
import { createRequire } from 'node:module';
import util from 'node:util';
import type * as tfjs from '@tensorflow/tfjs-node-gpu';
import type { NodeJSKernelBackend as NativeBackend } from '@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend.js';
import { findAddon } from './addon.js';
import { InternalError, UserError } from '../util/errors.js';

export type {
  Scalar,
  Tensor,
  Tensor1D,
  Tensor2D,
  Tensor3D,
  Tensor4D,
} from '@tensorflow/tfjs-node-gpu';
export type { TFEOpAttr, TFJSBinding } from '@tensorflow/tfjs-node-gpu/dist/tfjs_binding.js';

const require = createRequire(import.meta.url);

interface Quiet {
  readonly mute: () => void;
  readonly unmute: () => void;
  /** Ends the process at once. */
  readonly leave: (code: number) => never;
}

function quietly<T>(quiet: Quiet | null, body: () => T): T {
  if (process.env['FSAM_VERBOSE'] !== undefined || quiet === null) return body();
  quiet.mute();
  try {
    return body();
  } finally {
    quiet.unmute();
  }
}

/** What process.exit ends with, once everything that listens for the exit has been told. */
function leaveQuietly({ leave }: Quiet): void {
  (process as { reallyExit?: (code: number) => never }).reallyExit = (code) => leave(code);
}

function load(quiet: Quiet | null): typeof tfjs {
  try {
    return quietly(quiet, () => require('@tensorflow/tfjs-node-gpu') as typeof tfjs);
  } catch (error) {
    const [reason] = String(error instanceof Error ? error.message : error).split('\n');
    throw new UserError(
      `TensorFlow does not load: ${reason ?? ''}; run bin/fsam, which sets it up, or node scripts/setup.mjs`,
    );
  }
}

/** The tfjs API, with the TensorFlow library under it; there from `openTensorFlow` on. */
export let tf = new Proxy({} as typeof tfjs, {
  get: () => {
    throw new InternalError('TensorFlow is used before openTensorFlow has loaded it');
  },
});

let isOpen = false;
/** Why it cannot be opened, once that was tried. */
let failure: { readonly error: unknown } | null = null;
const awaiting: (() => void)[] = [];

/** Runs `hook` when the library is there: now, or as soon as it is opened. */
export function onceOpen(hook: () => void): void {
  if (isOpen) hook();
  else awaiting.push(hook);
}

/**
 * Loads the library, once in a process.
 *
 * Errors: UserError where it does not load, or where our own ops do not start.
 */
export function openTensorFlow(): void {
  if (failure !== null) throw failure.error;
  if (isOpen) return;
  try {
    open();
  } catch (error) {
    failure = { error };
    throw error;
  }
}

function open(): void {
  // TensorFlow reads it when its library is loaded; what the user has set stays.
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '3';
  // Node 23 removed util.isNullOrUndefined, which tfjs-node 4.22 calls.
  const legacyUtil = util as { isNullOrUndefined?: (value: unknown) => boolean };
  legacyUtil.isNullOrUndefined ??= (value) => value === null || value === undefined;
  // Without it TensorFlow's greeting stands on stderr, and its threads may crash the process on its way out.
  const quiet = findAddon('quiet') as Quiet | null;
  tf = load(quiet);
  if (quiet !== null) leaveQuietly(quiet);
  isOpen = true;
  for (const hook of awaiting) hook();
}

/** tfjs-node's backend class: its methods turn kernels into calls of one binding. */
export const backendClass = (): typeof NativeBackend =>
  (
    require('@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend') as {
      NodeJSKernelBackend: typeof NativeBackend;
    }
  ).NodeJSKernelBackend;

/**
 * What this project uses of the backend, private members included (`createOutputTensor`,
 * `tensorMap`): the seam through which a graph is recorded and uint8 data is uploaded.
 */
export interface Backend extends Pick<
  NativeBackend,
  'binding' | 'executeSingleOutput' | 'executeMultipleOutputs'
> {
  createOutputTensor(metadata: { id: number; shape: number[]; dtype: number }): tfjs.Tensor;
  getInputTensorIds(tensors: readonly tfjs.TensorInfo[]): number[];
}

/**
 * The backend in charge at this moment: TensorFlow's own, or the recording one while a function is
 * traced.
 */
export function activeBackend(): Backend {
  return tf.backend() as unknown as Backend;
}

/** TensorFlow's own backend, whatever is active. */
export function eagerBackend(): Backend {
  return tf.engine().findBackend('tensorflow') as unknown as Backend;
}
