// TensorBoard event files, by TensorFlow's own writer.
import { tf } from './tensorflow.js';

export interface SummaryWriter {
  /** Adds a point to the curve `tag`. */
  scalar(tag: string, value: number, step: number): void;
  /** What was added is in the file when this returns. */
  flush(): void;
}

/** What TensorFlow's own programs take, in numbers and milliseconds. */
const [QUEUE, FLUSH_INTERVAL] = [10, 120_000];

/** Begins a new event file in `folder`, which is made where needed; its name ends in `ending`. */
export function openSummaryWriter(folder: string, ending: string): SummaryWriter {
  const writer = tf.node.summaryFileWriter(folder, QUEUE, FLUSH_INTERVAL, ending);
  return {
    scalar: (tag, value, step) => {
      writer.scalar(tag, value, step);
    },
    flush: () => {
      writer.flush();
    },
  };
}
