// The curves of a run as TensorBoard event files, beside its metrics.csv.
import type { Best, MeasureRow } from '../catalogue/task.js';
import { openSummaryWriter } from '../native/summary-writer.js';
import type { Row } from './table.js';

export interface Curves {
  /** Adds the points of a row of metrics.csv; they are in the file when this returns. */
  add(row: Row): void;
}

/** Tells our event files from those of others. */
const ENDING = '.fsam';

/**
 * Begins an event file with the rows that the run has so far, so that a resumed run, whose former
 * file is gone, has every epoch once. The epoch is the axis.
 */
export function openCurves(
  folder: string,
  measures: readonly Pick<MeasureRow, 'column' | 'tag'>[],
  { soFar }: Best,
  rows: readonly Row[],
): Curves {
  const shown = [{ column: 'learning_rate', tag: 'learning_rate' }, soFar, ...measures];
  const writer = openSummaryWriter(folder, ENDING);
  const add = (row: Row): void => {
    for (const { column, tag } of shown) {
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
