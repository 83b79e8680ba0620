// skipped.csv: the training images that could not be read and gave way to others, as they are found.
import type { SkippedImage } from '../data/dataset.js';
import { writeFileAtomically } from '../util/atomic-file.js';
import { counted } from '../util/counted.js';
import { csvText, readCsv } from '../util/csv.js';
import { UserError } from '../util/errors.js';

const COLUMNS = ['index', 'file', 'record', 'reason'];

/** By number in the training set, as in label-noise.csv. */
export type Skipped = ReadonlyMap<number, SkippedImage>;

/** What is found while a run goes on, and what was found before it was resumed. */
export class SkippedImages {
  readonly #path: string;
  readonly #found: () => Skipped;
  #known: Skipped;

  constructor(path: string, found: () => Skipped, known: Skipped = new Map()) {
    this.#path = path;
    this.#found = found;
    this.#known = known;
  }

  /** Writes the file anew where there are more than before, and tells `note` of the first of them. */
  async keep(note: (text: string) => void): Promise<void> {
    const fresh = [...this.#found()].filter(([index]) => !this.#known.has(index));
    const [first] = fresh;
    if (first === undefined) return;
    this.#known = new Map([...this.#known, ...fresh].sort(([a], [b]) => a - b));
    await this.write();
    const [, { file, record, reason }] = first;
    const others = fresh.length > 1 ? `, and ${fresh.length - 1} more` : '';
    const all = counted(this.#known.size, 'training image');
    note(`skipped ${file}: ${record} ${reason}${others}; ${all} so far, listed in ${this.#path}`);
  }

  async write(): Promise<void> {
    const rows = [...this.#known].map(([index, { file, record, reason }]) => [
      String(index),
      file,
      record,
      reason,
    ]);
    await writeFileAtomically(this.#path, csvText(COLUMNS, rows));
  }
}

/** Errors: UserError where it is not such a file. */
export async function readSkipped(path: string): Promise<Skipped> {
  const [header, ...lines] = await readCsv(path);
  if (header?.fields.join() !== COLUMNS.join()) {
    throw new UserError(
      `${path}:1: got ${JSON.stringify(header?.fields.join() ?? '')}, wanted the columns ${COLUMNS.join()}`,
    );
  }
  const known = lines.map(({ number, fields }): [number, SkippedImage] => {
    const [index = '', file = '', record = '', reason = ''] = fields;
    if (!/^\d+$/.test(index) || fields.length !== COLUMNS.length) {
      throw new UserError(
        `${path}:${number}: got ${JSON.stringify(fields.join())}, wanted ${COLUMNS.join()}`,
      );
    }
    return [Number(index), { file, record, reason }];
  });
  return new Map(known);
}
