// A CSV file of a run, one row an epoch: written whole each time, read back to resume.
import { readFile } from 'node:fs/promises';
import { createObjectCsvStringifier } from 'csv-writer';
import { writeFileAtomically } from '../util/atomic-file.js';
import { UserError } from '../util/errors.js';
import { unreadable } from '../util/file-errors.js';

/** Fields by column, as they stand in the file. */
export type Row = Readonly<Record<string, string>>;

export class Table {
  readonly path: string;
  readonly #columns: readonly string[];
  #rows: readonly Row[];

  /** `rows`: those of the epochs 1, 2, .. in this order. */
  constructor(path: string, columns: readonly string[], rows: readonly Row[] = []) {
    this.path = path;
    this.#columns = columns;
    this.#rows = rows;
  }

  get rows(): readonly Row[] {
    return this.#rows;
  }

  /** Adds a row and writes the file anew: a reader sees all of it or all of the old one. */
  async add(row: Row): Promise<void> {
    this.#rows = [...this.#rows, row];
    await this.write();
  }

  async write(): Promise<void> {
    const header = this.#columns.map((column) => ({ id: column, title: column }));
    const csv = createObjectCsvStringifier({ header });
    const records = this.#rows.length === 0 ? '' : csv.stringifyRecords(this.#rows);
    await writeFileAtomically(this.path, `${csv.getHeaderString() ?? ''}${records}`);
  }
}

/**
 * The table at `path` with the rows of the first `epochs` epochs; those after them are left out. Null
 * takes all.
 *
 * Errors: UserError where the file is missing or is not what `Table` wrote.
 */
export async function readTable(
  path: string,
  columns: readonly string[],
  epochs: number | null,
): Promise<Table> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw unreadable(path, error);
  }
  const [header, ...lines] = text.split('\n').filter((line) => line !== '');
  if (header !== columns.join(',')) {
    throw new UserError(
      `${path}:1: got columns ${header ?? '(none)'}, wanted ${columns.join(',')}`,
    );
  }
  const rows = lines.slice(0, epochs ?? lines.length).map((line, i) => {
    const fields = line.split(',');
    if (fields.length !== columns.length || fields[0] !== String(i + 1)) {
      throw new UserError(
        `${path}:${i + 2}: wanted the ${columns.length} fields of epoch ${i + 1}`,
      );
    }
    return Object.fromEntries(columns.map((column, j) => [column, fields[j] ?? '']));
  });
  if (epochs !== null && rows.length < epochs) {
    throw new UserError(
      `${path}: has ${rows.length} rows, wanted one for each of ${epochs} epochs`,
    );
  }
  return new Table(path, columns, rows);
}
