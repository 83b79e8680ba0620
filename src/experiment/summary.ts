// summary.json: what a finished run came to. Its presence says that the run is finished.
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { writeFileAtomically } from '../util/atomic-file.js';
import { required, UserError } from '../util/errors.js';
import { errorCode, unreadable } from '../util/file-errors.js';
import { parseJson } from '../util/json.js';
import { bestOf, type Best, type OfTask } from '../catalogue/task.js';
import { bestRow } from './metrics.js';
import type { Progress } from './progress.js';
import type { Row } from './table.js';

const LAST = 10;

/**
 * Writes the file from the rows of metrics.csv, so that both tell the same. `last` and `best` are
 * rows of it as numbers (null where the field is empty).
 */
export async function writeSummary(
  path: string,
  rows: readonly Row[],
  best: Best,
  progress: Progress,
  parameters: number,
): Promise<void> {
  const tail = rows.slice(-LAST).map((row) => Number(row[best.test.column]));
  const summary = {
    epochs: progress.epoch,
    steps: progress.step,
    parameters,
    last: numbersOf(required(rows.at(-1), 'the last row')),
    best: numbersOf(required(bestRow(rows, best), 'the best row')),
    best_by: best.by.column,
    [meanOfLast(best)]: tail.reduce((a, b) => a + b) / tail.length,
    total_seconds: progress.timing.totalSeconds,
  };
  await writeFileAtomically(path, `${JSON.stringify(summary, null, 2)}\n`);
}

const numbersOf = (row: Row) =>
  Object.fromEntries(
    Object.entries(row).map(([column, field]) => [column, field === '' ? null : Number(field)]),
  );

const meanOfLast = ({ test }: Best): string => `mean_${test.column}_of_last_${LAST}`;

/** What a run is judged by, of the test set; in its unit. */
export interface Scores {
  /** After the last epoch. */
  readonly last: number;
  /** At the best epoch: by the validation set where there is one, else by the test set itself. */
  readonly best: number;
  /** Mean over the last ten epochs. */
  readonly lastTen: number;
}

/** The part of the file that sums up a run. */
export interface Summary {
  readonly scores: Scores;
  /** What the best epoch was chosen by, where images were held out; null where there are none. */
  readonly bestValidation: number | null;
  readonly epochs: number;
  readonly parameters: number;
  readonly seconds: number;
}

/** Of a run of such a configuration. Errors: UserError where the file is missing or damaged. */
export async function readSummary(path: string, config: OfTask): Promise<Summary> {
  const best = bestOf(config);
  const { by, test } = best;
  const mean = meanOfLast(best);
  const schema = z
    .object({
      epochs: z.int().min(1),
      parameters: z.int(),
      last: numbersAt(test.column),
      best: numbersAt(test.column, by.column),
      total_seconds: z.number(),
    })
    .and(numbersAt(mean));
  const written = await readJson(path, schema);
  return {
    scores: {
      last: required(written.last[test.column], test.column),
      best: required(written.best[test.column], test.column),
      lastTen: required(written[mean], mean),
    },
    bestValidation: by.split === 'validation' ? required(written.best[by.column], by.column) : null,
    epochs: written.epochs,
    parameters: written.parameters,
    seconds: written.total_seconds,
  };
}

const numbersAt = (...columns: readonly string[]) =>
  z.object(Object.fromEntries(columns.map((column) => [column, z.number()])));

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
