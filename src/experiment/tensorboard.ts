// The curves of a run as TensorBoard event files, beside its metrics.csv.
import { openSummaryWriter } from '../native/summary-writer.js';
import type { Measure } from '../session/measure.js';
import { BEST } from '../tasks/classification.js';
import { BEST_TEST } from './metrics.js';
import type { Row } from './table.js';

/** Where the columns that are not a measure's are shown. */
const TAGS = { learning_rate: 'learning_rate', [BEST_TEST]: `test/best_${BEST.name}` };

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
  measures: readonly Measure[],
  rows: readonly Row[],
): Curves {
  const tags: readonly (readonly [string, string])[] = [
    ...Object.entries(TAGS),
    ...measures.map(({ column, tag }) => [column, tag] as const),
  ];
  const writer = openSummaryWriter(folder, ENDING);
  const add = (row: Row): void => {
    for (const [column, tag] of tags) {
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
