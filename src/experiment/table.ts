// A CSV file of a run, one row an epoch: written whole each time, read back to resume.
import { writeFileAtomically } from '../util/atomic-file.js';
import { csvText, readCsv } from '../util/csv.js';
import { UserError } from '../util/errors.js';

/** Fields by column, as they stand in the file. */
export type Row = Readonly<Record<string, string>>;

export class Table {
  readonly path: string;
  readonly #columns: Columns;
  #rows: readonly Row[];

  /** `rows`: those of the epochs 1, 2, .. in this order. */
  constructor(path: string, columns: Columns, rows: readonly Row[] = []) {
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
    const { all } = this.#columns;
    const rows = this.#rows.map((row) => all.map((column) => row[column] ?? ''));
    await writeFileAtomically(this.path, csvText(all, rows));
  }
}

/** The columns of a table whose fields are numbers. */
export interface Columns {
  /** In their order. */
  readonly all: readonly string[];
  /** Those whose fields may be empty. */
  readonly optional: readonly string[];
  /**
   * Those that no reader does without. The others may be of a later version than the file's first
   * rows, or than all of it: they are empty there.
   */
  readonly needed: readonly string[];
}

/**
 * The table at `path` with the rows of the first `epochs` epochs; those after them are left out. Null
 * takes all.
 *
 * Errors: UserError where the file is missing, is not what `Table` wrote, or has a column of a later
 * version.
 */
export async function readTable(
  path: string,
  columns: Columns,
  epochs: number | null,
): Promise<Table> {
  const [header, ...lines] = await readCsv(path);
  const found = header?.fields ?? [];
  checkHeader(path, found, columns);
  // From its first number on, a column has one in each row.
  const begun = new Set(columns.needed);
  const rows = lines.slice(0, epochs ?? lines.length).map(({ number, fields }, i) => {
    if (fields.length !== found.length || fields[0] !== String(i + 1)) {
      throw new UserError(`${path}:${number}: wanted the ${found.length} fields of epoch ${i + 1}`);
    }
    const row = new Map(found.map((column, j) => [column, fields[j] ?? '']));
    for (const [column, field] of row) {
      const mayBeEmpty = columns.optional.includes(column) || !begun.has(column);
      if (field === '' ? mayBeEmpty : isNumber(field)) {
        if (field !== '') begun.add(column);
        continue;
      }
      throw new UserError(
        `${path}:${number}: ${column}: got ${JSON.stringify(field)}, wanted a number`,
      );
    }
    return Object.fromEntries(columns.all.map((column) => [column, row.get(column) ?? '']));
  });
  if (epochs !== null && rows.length < epochs) {
    throw new UserError(
      `${path}: has ${rows.length} rows, wanted one for each of ${epochs} epochs`,
    );
  }
  return new Table(path, columns, rows);
}

const isNumber = (text: string): boolean => text.trim() !== '' && Number.isFinite(Number(text));

function checkHeader(path: string, found: readonly string[], columns: Columns): void {
  const { all, needed } = columns;
  const wanted = `wanted ${all.join(',')}`;
  if (found[0] !== all[0]) {
    throw new UserError(`${path}:1: got columns ${found.join(',') || '(none)'}, ${wanted}`);
  }
  const unknown = found.find((column) => !all.includes(column));
  if (unknown !== undefined) {
    throw new UserError(
      `${path}:1: has the column ${unknown}, which this version or configuration does not write, ${wanted}`,
    );
  }
  const missing = needed.find((column) => !found.includes(column));
  if (missing !== undefined) {
    throw new UserError(`${path}:1: lacks the column ${missing}, ${wanted}`);
  }
}
