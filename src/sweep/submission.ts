// slurm/array-N.json: the points that the tasks of one Slurm array run, by the tasks' own numbers. A
// task needs this file and its point's folder, and nothing else: it stays what it was submitted as,
// however the sweep is changed or numbered meanwhile.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { configSchema } from '../catalogue/schema.js';
import { writeFileAtomically } from '../util/atomic-file.js';
import { UserError } from '../util/errors.js';
import { errorCode, unreadable } from '../util/file-errors.js';
import { laterVersion, parseJson } from '../util/json.js';
import { readText } from '../util/text-file.js';

const taskSchema = z.strictObject({
  /** Of the point: its run folder, under that of the sweep. */
  name: z.string(),
  config: configSchema,
  /** Whether it starts anew in a folder that holds another run. */
  overwrites: z.boolean(),
});
export type Task = z.infer<typeof taskSchema>;

const submissionSchema = z.strictObject({
  /** Version of this file. */
  version: z.literal(1),
  /** Slurm's id of the array; null until it has one. */
  array: z.string().nullable(),
  /** Whether Slurm had none of its tasks left at the last submission. */
  ended: z.boolean(),
  /** Threads of a task. */
  threads: z.int().min(1),
  /** The first one is task 1. */
  tasks: z.array(taskSchema).min(1),
});
export type Submission = Omit<z.infer<typeof submissionSchema>, 'version'>;

/** Where submissions of the sweep in `folder` are, with their scripts and the logs of their tasks. */
export const slurmFolder = (folder: string): string => join(folder, 'slurm');

/** Paths of a new submission and of its script. `folder`: that of the sweep. */
export async function freePaths(folder: string): Promise<{ array: string; script: string }> {
  const numbers = (await namesIn(folder)).map((name) =>
    Number(/^array-(\d+)\.(json|sh)$/.exec(name)?.[1] ?? 0),
  );
  const stem = join(slurmFolder(folder), `array-${Math.max(0, ...numbers) + 1}`);
  return { array: `${stem}.json`, script: `${stem}.sh` };
}

export async function writeSubmission(path: string, submission: Submission): Promise<void> {
  const text = JSON.stringify({ version: 1, ...submission }, null, 1);
  await writeFileAtomically(path, `${text}\n`);
}

/** Errors: UserError where there is none at `path`, or it is another file. */
export async function readSubmission(path: string): Promise<Submission> {
  const text = await readText(path);
  try {
    const { array, ended, threads, tasks } = submissionSchema.parse(parseJson(text));
    return { array, ended, threads, tasks };
  } catch (error) {
    throw (
      laterVersion(path, error) ??
      new UserError(
        `${path}: is not a submission of this version of fsam; when none of its tasks waits any more, move it away`,
      )
    );
  }
}

/** Those of the sweep in `folder` whose tasks may wait or run, by path. */
export async function openSubmissions(folder: string): Promise<ReadonlyMap<string, Submission>> {
  const names = (await namesIn(folder)).filter((name) => /^array-\d+\.json$/.test(name));
  const open = new Map<string, Submission>();
  for (const name of names.toSorted()) {
    const path = join(slurmFolder(folder), name);
    const submission = await readSubmission(path);
    if (!submission.ended) open.set(path, submission);
  }
  return open;
}

async function namesIn(folder: string): Promise<string[]> {
  const path = slurmFolder(folder);
  try {
    return await readdir(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return [];
    throw unreadable(path, error);
  }
}
