// summary.json: what a finished run came to. Its presence says that the run is finished.
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { writeFileAtomically } from '../util/atomic-file.js';
import { required, UserError } from '../util/errors.js';
import { errorCode, unreadable } from '../util/file-errors.js';
import { parseJson } from '../util/json.js';
import { bestRow, type BestBy } from './metrics.js';
import type { Progress } from './progress.js';
import type { Row } from './table.js';

const LAST = 10;

/**
 * Writes the file from the rows of metrics.csv, so that both tell the same. `last` and `best` are
 * rows of it as numbers (null where the field is empty); the best is the first with the best
 * accuracy in the column `by`.
 */
export async function writeSummary(
  path: string,
  rows: readonly Row[],
  by: BestBy,
  progress: Progress,
  parameters: number,
): Promise<void> {
  const tail = rows.slice(-LAST).map((row) => Number(row['test_accuracy']));
  const summary = {
    epochs: progress.epoch,
    steps: progress.step,
    parameters,
    last: numbersOf(required(rows.at(-1), 'the last row')),
    best: numbersOf(required(bestRow(rows, by), 'the best row')),
    best_by: by,
    mean_test_accuracy_of_last_10: tail.reduce((a, b) => a + b) / tail.length,
    total_seconds: progress.timing.totalSeconds,
  };
  await writeFileAtomically(path, `${JSON.stringify(summary, null, 2)}\n`);
}

const numbersOf = (row: Row) =>
  Object.fromEntries(
    Object.entries(row).map(([column, field]) => [column, field === '' ? null : Number(field)]),
  );

const summarySchema = z.object({
  epochs: z.int().min(1),
  parameters: z.int(),
  last: z.object({ test_accuracy: z.number() }),
  best: z.object({ test_accuracy: z.number(), validation_accuracy: z.number().optional() }),
  mean_test_accuracy_of_last_10: z.number(),
  total_seconds: z.number(),
});

/** The part of the file that sums up a run. Errors: UserError where it is missing or damaged. */
export const readSummary = (path: string): Promise<z.infer<typeof summarySchema>> =>
  readJson(path, summarySchema);

/** The way out where files of a finished run are damaged. */
export const RUN_ANEW = 'run it anew with fsam train --overwrite, or take its folder away';

/** A JSON file of a run. Errors: UserError where it is missing, or not what `schema` says. */
export async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  try {
    return schema.parse(parseJson(await readFile(path, 'utf8')));
  } catch (error) {
    if (errorCode(error) !== undefined) throw unreadable(path, error);
    throw new UserError(`${path}: is damaged, wanted what a run writes; ${RUN_ANEW}`);
  }
}
