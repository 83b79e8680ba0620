// What `fsam analyze` found of runs, as far as it stands in their folders: a column a number.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runFolder } from '../experiment/folder.js';
import { readCsv } from '../util/csv.js';

/** Numbers by title, in their order. */
export type Analyses = Readonly<Record<string, number>>;

type Row = Readonly<Record<string, string>>;

/** The tables that are read, and what of a row is told. */
const TABLES: Readonly<Record<string, (row: Row) => Analyses>> = {
  hessian: ({ matrix = '', quantity, name, value }) => {
    const called = matrix === 'hessian' ? 'H' : 'G';
    if (quantity === 'trace') return { [`trace of ${called}`]: Number(value) };
    const isTop = quantity === 'eigenvalue' && name === 'top 1';
    return isTop ? { [`largest eigenvalue of ${called}`]: Number(value) } : {};
  },
  sharpness: ({ kind = '', adaptive, rho = '', m, rise }) =>
    m === ''
      ? { [`rise, ${kind}${adaptive === 'yes' ? ' adaptive' : ''} ${rho}`]: Number(rise) }
      : {},
  memorization: (row) => ({
    'wrong labels learnt (%)': Number(row['wrong_as_given']),
    'wrong labels seen through (%)': Number(row['wrong_as_true']),
  }),
};

/**
 * Of the last checkpoint that was analysed, over the whole sample; none where there is no analysis.
 *
 * Errors: UserError where a table cannot be read.
 */
export async function readAnalyses(folder: string): Promise<Analyses> {
  const found: Record<string, number> = {};
  for (const [name, told] of Object.entries(TABLES)) {
    const path = join(runFolder(folder).analysis, `${name}.csv`);
    if (!existsSync(path)) continue;
    const [header, ...lines] = await readCsv(path);
    const names = header?.fields ?? [];
    const rows = lines.map(({ fields }): Row => {
      return Object.fromEntries(names.map((column, i) => [column, fields[i] ?? '']));
    });
    const last = rows.at(-1)?.['step'];
    const ofLast = rows.filter(({ step }) => step === last);
    const whole = ofLast[0]?.['samples'];
    for (const row of ofLast.filter(({ samples }) => samples === whole)) {
      Object.assign(found, told(row));
    }
  }
  return found;
}
