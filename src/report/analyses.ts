// What `fsam analyze` found of runs, as far as it stands in their folders: a column a number.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runFolder } from '../experiment/folder.js';
import { readCsv } from '../util/csv.js';
import { UserError } from '../util/errors.js';

/** Numbers by title, in their order. */
export type Analyses = Readonly<Record<string, number>>;

type Row = Readonly<Record<string, string>>;

/** A table that is read: the columns that it has to have, and what of a row is told. */
interface Table {
  readonly columns: readonly string[];
  readonly told: (row: Row, examples: string) => Analyses;
}

/** What stands in one column has the same settings. */
const settingsOf = (
  { batch_norm: how = '', batch = '', split = '', samples = '', seed = '' }: Row,
  examples: string,
): string =>
  `BatchNorm ${how}${batch === '' ? '' : ` of ${batch}`}, ${samples} ${split} ${examples} of seed ${seed}`;

const TABLES: Readonly<Record<string, Table>> = {
  hessian: {
    columns: ['matrix', 'quantity', 'name', 'value', 'converged'],
    told: (row, examples) => {
      const { matrix = '', quantity, name, value, converged } = row;
      const called = matrix === 'hessian' ? 'H' : 'G';
      const of = `${called} (${settingsOf(row, examples)})`;
      if (quantity === 'trace') return { [`trace of ${of}`]: Number(value) };
      // What has not converged is no eigenvalue.
      const isTop = quantity === 'eigenvalue' && name === 'top 1' && converged === 'yes';
      return isTop ? { [`largest eigenvalue of ${of}`]: Number(value) } : {};
    },
  },
  sharpness: {
    columns: ['kind', 'adaptive', 'rho', 'steps', 'restarts', 'm', 'rise'],
    told: (row, examples) => {
      const { kind = '', adaptive, rho = '', steps = '', restarts = '', m, rise } = row;
      if (m !== '') return {};
      const climbs = steps === '' ? '' : `, ${Number(restarts) + 1} x ${steps} steps`;
      const what = `${kind}${adaptive === 'yes' ? ' adaptive' : ''} ${rho}${climbs}`;
      return { [`rise, ${what} (${settingsOf(row, examples)})`]: Number(rise) };
    },
  },
  memorization: {
    columns: ['wrong_as_given', 'wrong_as_true'],
    told: (row) => ({
      'wrong labels learnt (%)': Number(row['wrong_as_given']),
      'wrong labels seen through (%)': Number(row['wrong_as_true']),
    }),
  },
};

/** What begins every row. */
const POSITION = ['step', 'batch_norm', 'batch', 'split', 'samples', 'seed'];

/**
 * Of the last checkpoint that was analysed, over the whole sample; none where there is no analysis.
 *
 * @param examples of what a sample is: `images`, `windows`
 * Errors: UserError where a table cannot be read.
 */
export async function readAnalyses(folder: string, examples: string): Promise<Analyses> {
  const found: Record<string, number> = {};
  for (const [name, { columns, told }] of Object.entries(TABLES)) {
    const path = join(runFolder(folder).analysis, `${name}.csv`);
    if (!existsSync(path)) continue;
    const [header, ...lines] = await readCsv(path);
    const names = header?.fields ?? [];
    const missing = [...POSITION, ...columns].find((column) => !names.includes(column));
    if (missing !== undefined || lines.length === 0) {
      const got = missing === undefined ? 'no row' : `no column ${missing}`;
      throw new UserError(
        `${path}: has ${got}, wanted a table of fsam analyze ${name}; run it again, or remove the file`,
      );
    }
    const rows = lines.map(({ fields }): Row => {
      return Object.fromEntries(names.map((column, i) => [column, fields[i] ?? '']));
    });
    const last = rows.at(-1)?.['step'];
    const ofLast = rows.filter(({ step }) => step === last);
    const whole = ofLast[0]?.['samples'];
    for (const row of ofLast.filter(({ samples }) => samples === whole)) {
      Object.assign(found, told(row, examples));
    }
  }
  return found;
}
