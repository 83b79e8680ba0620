// A batch on the device.
import type { Tensor } from '../native/tensorflow.js';

/** What the output is held against, [B ...] each. */
export type Targets = Readonly<Record<string, Tensor>>;

/** A batch as the network takes it. */
export interface Batch {
  /** [B ...]: images [B H W C], tokens [B T]. */
  readonly input: Tensor;
  readonly targets: Targets;
}
