// Writing CSV, and reading it as editors and spreadsheets leave it: with a byte order mark, or lines that end
// in CRLF.
import { parse } from 'csv-parse/sync';
import { createArrayCsvStringifier } from 'csv-writer';
import { UserError } from './errors.js';
import { messageOf } from './file-errors.js';
import { readText } from './text-file.js';

interface CsvLine {
  /** In the file, from 1. */
  readonly number: number;
  readonly fields: readonly string[];
}

/**
 * The lines of the CSV file at `path` that are not empty, the header first.
 *
 * Errors: UserError where it cannot be read, or a quote is not closed.
 */
export async function readCsv(path: string): Promise<CsvLine[]> {
  const text = await readText(path);
  try {
    const options = { bom: true, info: true, relax_column_count: true, skip_empty_lines: true };
    const rows = parse(text, options) as unknown as Parsed[];
    return rows.map(({ record, info }) => ({ number: info.lines, fields: record }));
  } catch (error) {
    throw new UserError(`${path}: is not CSV (${messageOf(error)}); wanted commas between fields`);
  }
}

/** What csv-parse gives with `info`, which its types leave out. */
interface Parsed {
  readonly record: string[];
  readonly info: { readonly lines: number };
}

/** The text of a CSV file, which ends with its last line. */
export function csvText(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const writer = createArrayCsvStringifier({ header: columns });
  const head = writer.getHeaderString() ?? '';
  return rows.length === 0 ? head : `${head}${writer.stringifyRecords(rows)}`;
}
