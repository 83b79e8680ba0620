// What is ours in a folder: a list beside the files, which says what fsam may overwrite and remove.
// Anything else that has the name of a file of ours is somebody's, and is refused by name.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomically } from './atomic-file.js';
import { UserError } from './errors.js';
import { unwritable } from './file-errors.js';
import { listFolder } from './folders.js';
import { laterVersion, parseJson } from './json.js';
import { readTextIfThere } from './text-file.js';

/** The list's own name. */
export const OWNED_LIST = '.fsam-files.json';

const listSchema = z.strictObject({
  /** For who opens the file. */
  note: z.string(),
  /** Names of files and folders beside this one. */
  files: z.array(z.string()),
});

/**
 * The names of what fsam wrote into `folder`; null where no list of them is there, as in folders of
 * earlier versions.
 *
 * Errors: UserError where the list is damaged or cannot be read.
 */
export async function ownedFiles(folder: string): Promise<ReadonlySet<string> | null> {
  const path = join(folder, OWNED_LIST);
  const text = await readTextIfThere(path);
  if (text === null) return null;
  try {
    return new Set(listSchema.parse(parseJson(text)).files);
  } catch (error) {
    throw (
      laterVersion(path, error) ??
      new UserError(
        `${path}: is damaged, wanted the list of what fsam wrote here; delete it, move files of your own away, and start anew in another folder`,
      )
    );
  }
}

/**
 * Errors: UserError that names the first of `names` that is in `folder` and not of ours.
 *
 * @param owned what is ours there
 */
export async function refuseStrangers(
  folder: string,
  names: readonly string[],
  owned: ReadonlySet<string>,
): Promise<void> {
  const present = new Set(await listFolder(folder));
  const stranger = names.find((name) => present.has(name) && !owned.has(name));
  if (stranger === undefined) return;
  throw new UserError(
    `${join(folder, stranger)}: is not from fsam, which would write a file of that name; move it away, or name another folder with --out`,
  );
}

/**
 * Notes that `names` in `folder` are ours, before they are written there.
 *
 * Errors: UserError where one of them is somebody else's, and nothing is noted then.
 *
 * @param known what is ours there without being in the list, as in folders of earlier versions
 */
export async function claimFiles(
  folder: string,
  names: readonly string[],
  known: ReadonlySet<string> = new Set(),
): Promise<void> {
  const listed = await ownedFiles(folder);
  const owned = new Set([...(listed ?? []), ...known]);
  await refuseStrangers(folder, names, owned);
  const files = [...new Set([...owned, ...names])].sort();
  if (listed !== null && files.length === listed.size) return;
  await writeList(folder, files);
}

/** Notes that `names` in `folder` are ours no longer: they are gone. */
export async function disownFiles(folder: string, names: readonly string[]): Promise<void> {
  const owned = await ownedFiles(folder);
  if (owned === null || !names.some((name) => owned.has(name))) return;
  await writeList(
    folder,
    [...owned].filter((name) => !names.includes(name)),
  );
}

/** Removes files of ours. */
export async function removeFiles(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const path = join(folder, name);
    try {
      await rm(path, { force: true });
    } catch (error) {
      throw unwritable(path, error);
    }
  }
  await disownFiles(folder, names);
}

async function writeList(folder: string, files: readonly string[]): Promise<void> {
  const note = 'What fsam wrote into this folder, and may overwrite and remove.';
  await writeFileAtomically(
    join(folder, OWNED_LIST),
    `${JSON.stringify({ note, files }, null, 1)}\n`,
  );
}
