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
  readonly told: (row: Row, of: Told) => Analyses;
}

/** The run that is told of. */
interface Told {
  /** Of what a sample is: `images`, `windows`. */
  readonly examples: string;
  /** What it ended with: an analysis of an earlier checkpoint says so. */
  readonly lastStep: number | null;
}

/** What stands in one column was measured of the same, in the same way. */
const settingsOf = (
  { batch_norm: how = '', batch = '', split = '', samples = '', seed = '' }: Row,
  { examples }: Told,
): string =>
  `BatchNorm ${how}${batch === '' ? '' : ` of ${batch}`}, ${samples} ${split} ${examples} of seed ${seed}`;

/** Of which checkpoint, where that is not the last. */
const whenOf = ({ epoch = '', step = '' }: Row, { lastStep }: Told): string =>
  Number(step) === lastStep ? '' : `, after epoch ${epoch}, step ${step}`;

const TABLES: Readonly<Record<string, Table>> = {
  hessian: {
    columns: ['matrix', 'quantity', 'name', 'value', 'converged'],
    told: (row, run) => {
      const { matrix = '', quantity, name, value, converged } = row;
      const called = matrix === 'hessian' ? 'H' : 'G';
      const of = `${called} (${settingsOf(row, run)})`;
      if (quantity === 'trace') return { [`trace of ${of}`]: Number(value) };
      // What has not converged is no eigenvalue.
      const isTop = quantity === 'eigenvalue' && name === 'top 1' && converged === 'yes';
      return isTop ? { [`largest eigenvalue of ${of}`]: Number(value) } : {};
    },
  },
  sharpness: {
    columns: ['kind', 'adaptive', 'rho', 'steps', 'restarts', 'm', 'rise'],
    told: (row, run) => {
      const { kind = '', adaptive, rho = '', steps = '', restarts = '', m, rise } = row;
      if (m !== '') return {};
      const climbs = steps === '' ? '' : `, ${Number(restarts) + 1} x ${steps} steps`;
      const what = `${kind}${adaptive === 'yes' ? ' adaptive' : ''} ${rho}${climbs}`;
      return { [`rise, ${what} (${settingsOf(row, run)})`]: Number(rise) };
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
const POSITION = ['epoch', 'step', 'batch_norm', 'batch', 'split', 'samples', 'seed'];

/**
 * Of the last checkpoint that was analysed, over the whole sample; none where there is no analysis.
 *
 * Errors: UserError where a table cannot be read.
 */
export async function readAnalyses(folder: string, run: Told): Promise<Analyses> {
  const found: Record<string, number> = {};
  for (const [name, { columns, told }] of Object.entries(TABLES)) {
    const path = join(runFolder(folder).analysis, `${name}.csv`);
    if (!existsSync(path)) continue;
    const [header, ...lines] = await readCsv(path);
    const names = header?.fields ?? [];
    const missing = [...POSITION, ...columns].find((column) => !names.includes(column));
    const uneven = lines.find(({ fields }) => fields.length !== names.length);
    if (missing !== undefined || lines.length === 0 || uneven !== undefined) {
      const of = uneven === undefined ? 'no row' : `a row of ${uneven.fields.length} fields`;
      const got = missing === undefined ? of : `no column ${missing}`;
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
      for (const [title, value] of Object.entries(told(row, run))) {
        found[`${title}${whenOf(row, run)}`] = value;
      }
    }
  }
  return found;
}
