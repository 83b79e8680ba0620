// The curves of a run as TensorBoard event files, beside its metrics.csv.
import { openSummaryWriter } from '../native/summary-writer.js';
import type { MetricsRow } from './metrics.js';
import type { Row } from './table.js';

/** Where each column of metrics.csv is shown; the epoch is the axis. */
const TAGS: Readonly<Record<Exclude<keyof MetricsRow, 'epoch' | 'step'>, string>> = {
  learning_rate: 'learning_rate',
  train_loss: 'train/loss',
  train_accuracy: 'train/accuracy',
  train_accuracy_clean: 'train/accuracy_clean',
  perturbed_loss: 'perturbed/loss',
  perturbed_accuracy: 'perturbed/accuracy',
  validation_loss: 'validation/loss',
  validation_accuracy: 'validation/accuracy',
  test_loss: 'test/loss',
  test_accuracy: 'test/accuracy',
  best_test_accuracy: 'test/best_accuracy',
  gradient_norm: 'train/gradient_norm',
  perturbation_cosine: 'perturbed/cosine',
};

export interface Curves {
  /** Adds the points of a row of metrics.csv; they are in the file when this returns. */
  add(row: Row): void;
}

/** Tells our event files from those of others. */
const ENDING = '.fsam';

/**
 * Begins an event file with the rows that the run has so far, so that a resumed run, whose former
 * file is gone, has every epoch once.
 */
export function openCurves(folder: string, rows: readonly Row[]): Curves {
  const writer = openSummaryWriter(folder, ENDING);
  const add = (row: Row): void => {
    for (const [column, tag] of Object.entries(TAGS)) {
      const field = row[column];
      if (field !== undefined && field !== '')
        writer.scalar(tag, Number(field), Number(row['epoch']));
    }
  };
  rows.forEach(add);
  writer.flush();
  return {
    add: (row) => {
      add(row);
      writer.flush();
    },
  };
}
