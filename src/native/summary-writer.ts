// TensorBoard event files, by TensorFlow's own writer.
import { tf } from './tensorflow.js';

export interface SummaryWriter {
  /** Adds a point to the curve `tag`. */
  scalar(tag: string, value: number, step: number): void;
  /** What was added is in the file when this returns. */
  flush(): void;
}

/** Begins a new event file in `folder`, which is made where needed. */
export function openSummaryWriter(folder: string): SummaryWriter {
  const writer = tf.node.summaryFileWriter(folder);
  return {
    scalar: (tag, value, step) => {
      writer.scalar(tag, value, step);
    },
    flush: () => {
      writer.flush();
    },
  };
}
