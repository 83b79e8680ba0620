// An evaluation over a whole set, batch after batch, which may be ended early.
import type { Split } from '../data/dataset.js';
import type { HostBatch, Source } from '../data/source.js';
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
    }
  } finally {
    await parts.return?.();
  }
}

/** Not a generator: its `return` has to reach what gives the batches while one is awaited. */
export function evaluateInParts(
  session: Pick<Session, 'run'>,
  task: Pick<Task, 'evaluated'>,
  split: Split,
  source: Source,
): EvaluationInParts {
  const rows = task.evaluated(split);
  const sums = rows.map(() => 0);
  const batches = source.batches(0, 0);
  let isEnded = false;
  const add = ({ examples, inputs }: HostBatch): void => {
    const name = nameOf(evaluationOf(split), source, examples);
    const { [OUTPUT]: vector } = session.run(name, inputs);
    rows.forEach((_, i) => {
      sums[i] = (sums[i] ?? 0) + required(vector?.[i], 'a measure');
    });
  };
  const result = (): Evaluation => ({
    examples: source.examples,
    numbers: Object.fromEntries(
      rows.map((row, i) => [row.column, inUnit(row, sums[i] ?? 0, source.examples)] as const),
    ),
  });
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
