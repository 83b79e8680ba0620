// probes.csv: what the steps that are probed were made of, a row each.
import { existsSync } from 'node:fs';
import type { Config } from '../catalogue/schema.js';
import type { Numbers } from '../session/measure.js';
import { PROBES } from '../session/probes.js';
import { writeFileAtomically } from '../util/atomic-file.js';
import { csvText, readCsv } from '../util/csv.js';
import { UserError } from '../util/errors.js';
import type { Row } from './table.js';

/** Epochs and steps from 1; the rate of the step; the mean loss over what the full gradient is taken over. */
const POSITION = ['epoch', 'step', 'learning_rate', 'full_loss'] as const;

/** All that some run has; what a run or a step has not is empty. */
const COLUMNS: readonly string[] = [...POSITION, ...PROBES.map(({ column }) => column)];

/** Where a probe was taken. */
export interface ProbePosition {
  readonly epoch: number;
  readonly step: number;
  readonly learningRate: number;
  readonly fullLoss: number;
}

/** The rows of the run so far. They are written where progress is saved, and at an epoch's end. */
export class ProbeTable {
  readonly #path: string;
  readonly #rows: Row[];

  constructor(path: string, rows: readonly Row[] = []) {
    this.#path = path;
    this.#rows = [...rows];
  }

  add({ epoch, step, learningRate, fullLoss }: ProbePosition, numbers: Numbers): void {
    const all: Numbers = { learning_rate: learningRate, full_loss: fullLoss, ...numbers };
    const measured = Object.entries(all).map(
      ([name, value]) => [name, value.toPrecision(7)] as const,
    );
    const position: Row = { epoch: String(epoch), step: String(step) };
    this.#rows.push({ ...position, ...Object.fromEntries(measured) });
  }

  async write(): Promise<void> {
    const rows = this.#rows.map((row) => COLUMNS.map((column) => row[column] ?? ''));
    await writeFileAtomically(this.#path, csvText(COLUMNS, rows));
  }
}

/** Of a new run; null where it is not probed. */
export const probeTable = (path: string, { probes }: Pick<Config, 'probes'>): ProbeTable | null =>
  probes.every === null ? null : new ProbeTable(path);

/**
 * That of a run of which `steps` are done; rows past them are left out. A run that was not probed before begins it.
 *
 * Errors: UserError where the file is not what `ProbeTable` wrote.
 */
export async function restoreProbes(
  path: string,
  config: Pick<Config, 'probes'>,
  steps: number,
): Promise<ProbeTable | null> {
  if (config.probes.every === null || !existsSync(path)) return probeTable(path, config);
  const rows = await readProbes(path);
  return new ProbeTable(
    path,
    rows.filter(({ step }) => Number(step) <= steps),
  );
}

/** The rows of a probes.csv. Errors: UserError where it is none. */
export async function readProbes(path: string): Promise<readonly Row[]> {
  const [header, ...lines] = await readCsv(path);
  if (header?.fields.join() !== COLUMNS.join()) {
    throw new UserError(
      `${path}:1: got ${JSON.stringify(header?.fields.join() ?? '')}, wanted the columns ${COLUMNS.join()}`,
    );
  }
  return lines.map(({ number, fields }) => {
    const row = Object.fromEntries(COLUMNS.map((column, i) => [column, fields[i] ?? '']));
    const wrong = COLUMNS.find((column) => !Number.isFinite(Number(row[column])));
    const lacking = POSITION.find((column) => row[column] === '');
    if (fields.length === COLUMNS.length && wrong === undefined && lacking === undefined)
      return row;
    throw new UserError(
      `${path}:${number}: got ${JSON.stringify(fields.join())}, wanted ${COLUMNS.length} numbers`,
    );
  });
}
