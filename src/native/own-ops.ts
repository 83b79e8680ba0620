// The ops of our own for CPUs (src/native/ops/), made known to TensorFlow before any is called.
import { loadAddon } from './addon.js';
import { usesStockOps } from './stock-ops.js';
import { activeBackend, eagerBackend, onceOpen, type Tensor } from './tensorflow.js';
import { threadCount } from './threads.js';
import { required, UserError } from '../util/errors.js';
import { messageOf } from '../util/file-errors.js';

interface Addon {
  /** Makes the ops known to TensorFlow; gives the instruction set that they use. */
  readonly registerOps: (threads: number) => 'avx512' | 'avx2' | 'plain';
}

function registerOps(): ReturnType<Addon['registerOps']> {
  const { registerOps: register } = loadAddon('ops') as Addon;
  const threads = threadCount();
  try {
    return register(threads);
  } catch (error) {
    throw new UserError(
      `our convolutions do not start with ${threads} threads: ${messageOf(error)}; --threads N takes fewer`,
    );
  }
}

let registered: ReturnType<Addon['registerOps']> | undefined;
onceOpen(() => {
  registered = registerOps();
});

/** The best that the processor has, and that oneDNN may use: ONEDNN_MAX_CPU_ISA. */
export const instructionSet = (): string => required(registered, 'our own ops');

let isWithout = false;

/** Traces what `body` traces as for a GPU, which need not be there, or for XLA: with TensorFlow's ops alone. */
export function withoutOwnOps<T>(body: () => T): T {
  isWithout = true;
  try {
    return body();
  } finally {
    isWithout = false;
  }
}

/** Whether they are what computes at the moment: on a CPU, and not beside tfjs's own. */
export const usesOwnOps = (): boolean =>
  !usesStockOps() && !isWithout && !eagerBackend().binding.isUsingGpuDevice();

/** One of them with one output. */
export const callOwnOp = (op: string, inputs: Tensor[]): Tensor =>
  activeBackend().executeSingleOutput(op, [], inputs);
