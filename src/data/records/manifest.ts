// manifest.json beside shards of ours: what each holds, and what all were made of.
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomically } from '../../util/atomic-file.js';
import { UserError } from '../../util/errors.js';
import { laterVersion, parseJson } from '../../util/json.js';
import { readTextIfThere } from '../../util/text-file.js';

const shard = z.strictObject({
  file: z.string(),
  records: z.int(),
  bytes: z.int(),
  sha256: z.string(),
});

const manifestSchema = z.strictObject({
  note: z.string(),
  /** False while shards are still written. */
  complete: z.boolean(),
  format: z.enum(['tfrecord', 'webdataset']),
  /** Decides which record goes where. */
  seed: z.int(),
  classes: z.int(),
  /** Records and number of shards of each split. */
  splits: z.record(z.string(), z.strictObject({ records: z.int(), shards: z.int() })),
  /** Digest of the pictures' names, sizes and labels, from which a call that goes on tells the same set. */
  source: z.string(),
  shards: z.array(shard),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type ShardEntry = z.infer<typeof shard>;

export const MANIFEST_NAME = 'manifest.json';

/** Null where there is none. Errors: UserError where it is damaged, or not of ours. */
export async function readManifest(folder: string): Promise<Manifest | null> {
  const path = join(folder, MANIFEST_NAME);
  const text = await readTextIfThere(path);
  if (text === null) return null;
  try {
    return manifestSchema.parse(parseJson(text));
  } catch (error) {
    throw (
      laterVersion(path, error) ??
      new UserError(`${path}: is not a manifest of fsam's shards, or damaged; move it away`)
    );
  }
}

export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  await writeFileAtomically(join(folder, MANIFEST_NAME), `${JSON.stringify(manifest, null, 1)}\n`);
}

const NOTE = 'Shards of pictures that fsam wrote; fsam data verify compares them with this.';

/** Of shards that are still to be written. */
export const emptyManifest = (
  made: Pick<Manifest, 'format' | 'seed' | 'classes' | 'splits'>,
  source: string,
): Manifest => ({ note: NOTE, complete: false, ...made, source, shards: [] });

/** Errors: UserError where the manifest at `path` is of other shards than `wanted`. */
export function refuseAnother(path: string, found: Manifest, wanted: Manifest): void {
  for (const key of ['format', 'seed', 'classes', 'splits', 'source'] as const) {
    const [old, now] = [found[key], wanted[key]].map((value) => JSON.stringify(value));
    if (old === now) continue;
    throw new UserError(
      `${path}: is of other shards (${key} ${old ?? ''}, now ${now ?? ''}); name another folder with --to, or take the shards away`,
    );
  }
}
