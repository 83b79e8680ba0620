// An evaluation over a whole set, batch after batch, which may be ended early.
import { setImmediate } from 'node:timers/promises';
import type { Split } from '../data/dataset.js';
import type { HostBatch, Source } from '../data/source.js';
import type { FunctionSpec } from '../graph/program.js';
import { sumsOver, type Workers } from '../graph/workers.js';
import type { Tensor1D } from '../native/tensorflow.js';
import type { TensorType } from '../native/types.js';
import { required } from '../util/errors.js';
import { inUnit, OUTPUT, type Numbers } from './measure.js';
import type { Session } from './session.js';
import type { Task } from './task.js';

/** What an evaluation measures, by column: over the whole set, in the unit of each measure. */
export interface Evaluation {
  readonly examples: number;
  readonly numbers: Numbers;
}

/** An evaluation under way. Null where it was ended early. */
export type EvaluationInParts = AsyncIterator<undefined, Evaluation | null>;

export const evaluationOf = (split: Split): string => `evaluate_${split}`;

/** The name of the function for a batch of `size` examples: `_last` for a short last one. */
export const nameOf = (what: string, { sizes }: Pick<Source, 'sizes'>, size: number): string =>
  size === sizes[0] ? what : `${what}_last`;

export async function toEnd(parts: EvaluationInParts): Promise<Evaluation> {
  try {
    for (;;) {
      const { done, value } = await parts.next();
      if (done === true) return required(value ?? undefined, 'the evaluation');
      // Lets signal handlers run.
      await setImmediate();
    }
  } finally {
    await parts.return?.();
  }
}

/** Adds the numbers of all batches up over the workers, each of which has those of its turns. */
export const gatheringOf = (split: Split): string => `gather_${split}`;

/** All measures of all batches, batch by batch. */
const tableType = (rows: number, source: Pick<Source, 'examples' | 'sizes'>): TensorType => ({
  dtype: 'float32',
  shape: [rows * batchesOf(source)],
});

const batchesOf = ({ examples, sizes: [full = 1] }: Pick<Source, 'examples' | 'sizes'>): number =>
  Math.ceil(examples / full);

export const gathering = (
  task: Pick<Task, 'evaluated'>,
  split: Split,
  source: Source,
  workers: Workers,
): FunctionSpec => ({
  inputs: { table: tableType(task.evaluated(split).length, source) },
  state: [],
  body: (_, { table }) => {
    const [sums] = sumsOver(workers, [required(table, 'the table') as Tensor1D]);
    return { outputs: { [OUTPUT]: required(sums, 'sums') } };
  },
});

/**
 * Not a generator: its `return` has to reach what gives the batches while one is awaited.
 *
 * @param source of the batches whose turn it is
 */
export function evaluateInParts(
  session: Pick<Session, 'run'>,
  task: Pick<Task, 'evaluated'>,
  split: Split,
  source: Source,
  workers: Workers | null = null,
): EvaluationInParts {
  const rows = task.evaluated(split);
  const batches = source.batches(0, 0);
  const table = new Float32Array(rows.length * batchesOf(source));
  let turn = workers?.index ?? 0;
  let isEnded = false;
  const add = ({ examples, inputs }: HostBatch): void => {
    const name = nameOf(evaluationOf(split), source, examples);
    const { [OUTPUT]: vector } = session.run(name, inputs);
    table.set(required(vector, 'the measures'), turn * rows.length);
    turn += workers?.count ?? 1;
  };
  const result = (): Evaluation => {
    const all =
      workers === null
        ? table
        : required(session.run(gatheringOf(split), { table })[OUTPUT], 'the sums');
    // In the order of batches, whoever had them.
    const totals = rows.map((_, i) => {
      let sum = 0;
      for (let at = i; at < all.length; at += rows.length) sum += required(all[at], 'a measure');
      return sum;
    });
    return {
      examples: source.examples,
      numbers: Object.fromEntries(
        rows.map((row, i) => [row.column, inUnit(row, totals[i] ?? 0, source.examples)] as const),
      ),
    };
  };
  return {
    async next() {
      const { done, value } = await batches.next();
      // It may have been ended meanwhile.
      if (isEnded) return { done: true, value: null };
      if (done === true) return { done, value: result() };
      add(value);
      return { done: false, value: undefined };
    },
    async return() {
      isEnded = true;
      await batches.return();
      return { done: true, value: null };
    },
  };
}
