// probes.csv: what the steps that are probed were made of, a row each.
import { existsSync } from 'node:fs';
import type { Config } from '../catalogue/schema.js';
import type { Numbers } from '../session/measure.js';
import { PROBES } from '../session/probes.js';
import { writeFileAtomically } from '../util/atomic-file.js';
import { counted } from '../util/counted.js';
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
 * That of a run of which `steps` are done; rows past them are left out. One that is gone begins anew.
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

/**
 * The rows of a run's probes.csv, one for every step that was due a probe.
 *
 * @param steps that the run has done
 *
 * Errors: UserError where one is missing or is one too many, so that no mean over them is one over the run.
 */
export async function readEveryProbe(
  path: string,
  { probes: { every } }: Pick<Config, 'probes'>,
  steps: number,
): Promise<readonly Row[]> {
  const rows = await readProbes(path);
  const wayOut = 'leave the run out, or train it anew with probes from its beginning to its end';
  if (every === null) {
    throw new UserError(
      `${path}: got ${counted(rows.length, 'row')}, wanted none, as the run began without probes.every; ${wayOut}`,
    );
  }
  const due = Math.ceil(steps / every);
  const wrong = rows.findIndex(({ step }, i) => i >= due || Number(step) !== 1 + i * every);
  if (wrong < 0 && rows.length === due) return rows;
  const [at, got] =
    wrong < 0 ? [rows.length, 'no row'] : [wrong, `step ${rows[wrong]?.['step'] ?? ''}`];
  const wanted = at < due ? `that of step ${1 + at * every}` : 'none';
  throw new UserError(
    `${path}:${at + 2}: got ${got}, wanted ${wanted}: a row every ${counted(every, 'step')} of ${steps.toLocaleString('en')}, as probes.every says; ${wayOut}`,
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
