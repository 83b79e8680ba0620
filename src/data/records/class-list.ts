// Lists beside the data: of the classes, in the order of their labels, and of the classes of pictures
// that stand in no class folders.
import { join } from 'node:path';
import { UserError } from '../../util/errors.js';
import { readText, readTextIfThere } from '../../util/text-file.js';

export interface ClassList {
  readonly path: string;
  /** Label i is the class `names[i]`. */
  readonly names: readonly string[];
}

/** fsam's own and everybody's; Kaggle's; that of TensorFlow's script. The first that is there counts. */
const CLASS_FILES = ['classes.txt', 'LOC_synset_mapping.txt', 'imagenet_lsvrc_2015_synsets.txt'];

const WNID = /^n\d{8}(?=\s|$)/;

/**
 * The list at `named`, or one that lies beside the data; null where there is none. A line is a class; of
 * lines that all begin with a WordNet number (n01440764) only that counts.
 *
 * Errors: UserError where the list is empty, or has a class twice.
 */
export async function readClassList(
  directory: string,
  named: string | null,
): Promise<ClassList | null> {
  if (named !== null) return parseClasses(named, await readText(named));
  for (const name of CLASS_FILES) {
    const path = join(directory, name);
    const text = await readTextIfThere(path);
    if (text !== null) return parseClasses(path, text);
  }
  return null;
}

function parseClasses(path: string, text: string): ClassList {
  const lines = linesOf(text);
  if (lines.length === 0) throw new UserError(`${path}: is empty; wanted a class a line`);
  const numbered = lines.every((line) => WNID.test(line));
  const names = lines.map((line) => (numbered ? line.slice(0, 'n01440764'.length) : line));
  const seen = new Set<string>();
  for (const [i, name] of names.entries()) {
    if (seen.has(name)) {
      throw new UserError(`${path}: line ${i + 1} has ${name} again; wanted each class once`);
    }
    seen.add(name);
  }
  return { path, names };
}

const linesOf = (text: string): string[] =>
  text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** The class of each picture of a split whose pictures stand in no class folders. */
export interface PictureList {
  readonly path: string;
  readonly lines: readonly string[];
  /** Null for a picture that is not listed; `key` as in `ScannedRecord`. */
  readonly classOf: (key: string) => string | null;
}

/** A synset a line, in the order of the pictures' numbers: TensorFlow's script. */
const BY_NUMBER = 'imagenet_2012_validation_synset_labels.txt';
/** `ImageId,PredictionString`, of which the first word is the synset: Kaggle. */
const BY_NAME = 'LOC_val_solution.csv';

/**
 * The list beside the data. The development kit's own (ILSVRC2012_validation_ground_truth.txt) counts
 * classes in an order that only its MATLAB file tells; it is not read.
 *
 * Errors: UserError where there is none.
 */
export async function readPictureList(directory: string, pictures: string): Promise<PictureList> {
  const byNumber = await readTextIfThere(join(directory, BY_NUMBER));
  if (byNumber !== null) {
    const names = linesOf(byNumber);
    const classOf = (key: string): string | null =>
      names[Number(/_(\d+)$/.exec(key)?.[1] ?? 0) - 1] ?? null;
    return { path: join(directory, BY_NUMBER), lines: names, classOf };
  }
  const byName = await readTextIfThere(join(directory, BY_NAME));
  if (byName !== null) {
    const lines = linesOf(byName);
    const rows = lines.map((line) => /^([^,]+),(\S+)/.exec(line) ?? []);
    const classes = new Map(rows.map(([, key = '', name = '']) => [key, name]));
    return { path: join(directory, BY_NAME), lines, classOf: (key) => classes.get(key) ?? null };
  }
  throw new UserError(
    `${pictures}: its pictures stand in no class folders, and ${directory} has no list of their classes; wanted val/CLASS/*.JPEG, or ${BY_NUMBER} or ${BY_NAME}`,
  );
}
