// sweep.json: the points of a sweep as it was last started. A point that runs here needs this file
// and its own folder, and nothing else.
import { join } from 'node:path';
import { z } from 'zod';
import { configSchema } from '../catalogue/schema.js';
import { writeFileAtomically } from '../util/atomic-file.js';
import { UserError } from '../util/errors.js';
import { makeFolders } from '../util/folders.js';
import { laterVersion, parseJson } from '../util/json.js';
import { acquireLock, type Lock } from '../util/lock.js';
import { readTextIfThere } from '../util/text-file.js';
import type { Point } from './points.js';

const pointSchema = z.strictObject({
  number: z.int().min(1),
  name: z.string(),
  values: z.record(z.string(), z.unknown()),
  /** Files of earlier versions have none. */
  choices: z.record(z.string(), z.string()).default({}),
  config: z.union([configSchema, z.strictObject({ mistakes: z.string() })]),
});

const planSchema = z.strictObject({
  /** Version of this file. */
  version: z.literal(1),
  name: z.string(),
  /** What `--config` named. */
  source: z.string(),
  /** Threads of a point's process, on which the last bits of its numbers depend. */
  threads: z.int().min(1),
  /** Where the sweep began: relative paths of its points are relative to it. Files of earlier versions have none. */
  workingFolder: z.string().nullable().default(null),
  /** Of an earlier version. */
  arrays: z.array(z.string()).optional(),
  points: z.array(pointSchema),
});

export type SweepPlan = Omit<z.infer<typeof planSchema>, 'version' | 'arrays' | 'points'> & {
  readonly points: readonly Point[];
};

const planPath = (folder: string): string => join(folder, 'sweep.json');

/** Held by who writes the plan, and runs or submits its points. */
export const lockSweep = (folder: string): Promise<Lock> =>
  acquireLock(join(folder, '.fsam-sweep-lock'));

export async function writePlan(folder: string, plan: SweepPlan): Promise<void> {
  await makeFolders(folder);
  await writeFileAtomically(
    planPath(folder),
    `${JSON.stringify({ version: 1, ...plan }, null, 1)}\n`,
  );
}

/** Null where the folder has no plan. Errors: UserError where it is not one. */
export async function readPlan(folder: string): Promise<SweepPlan | null> {
  const path = planPath(folder);
  const text = await readTextIfThere(path);
  if (text === null) return null;
  try {
    return planSchema.parse(parseJson(text));
  } catch (error) {
    throw (
      laterVersion(path, error) ??
      new UserError(
        `${path}: is not the plan of a sweep of this version; move it away, or name another folder with --out`,
      )
    );
  }
}
