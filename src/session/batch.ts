// A batch on the device.
import type { Tensor1D, Tensor4D } from '../native/tensorflow.js';

/** What the output is held against, [B ...] each. */
export type Targets = Readonly<Record<string, Tensor1D>>;

/** A batch as the network takes it. */
export interface Batch {
  /** [B H W C] */
  readonly input: Tensor4D;
  readonly targets: Targets;
}
