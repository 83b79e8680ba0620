// How the sides of a benchmark run, in the order in which they do.
import type { EngineOptions } from '../tasks/engine.js';
import type { PytorchMode } from './bench-pytorch.js';

export const MODES: readonly EngineOptions['mode'][] = ['stock', 'eager', 'compiled'];
/** First the best of them that needs no compiler: the one to compare with runs right after ours. */
export const PYTORCH_MODES: readonly PytorchMode[] = ['channels_last', 'default', 'compile'];
