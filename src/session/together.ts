// What the workers of a run settle with each other beside their steps.
import type { FunctionSpec } from '../graph/program.js';
import { sumsOver, type Workers } from '../graph/workers.js';
import { tf, type Tensor1D } from '../native/tensorflow.js';
import { required } from '../util/errors.js';
import { OUTPUT } from './measure.js';
import type { Session } from './session.js';
import type { Slot } from './slot.js';

/** How many numbers are settled at once, by each. */
const NUMBERS = 8;

const SETTLE = 'settle';
const shareOf = (slot: string): string => `share_${slot}`;

export interface Together {
  /** Every worker's `own`, at most 8 whole numbers below 2^24, in the order of workers. All call it at the same time. */
  readonly settle: (own: readonly number[]) => readonly (readonly number[])[];
  /** Every worker takes the state of the first. */
  readonly shareState: () => void;
}

/** The functions that it calls. */
export const togetherFunctions = (
  slots: readonly Slot[],
  workers: Workers,
): Readonly<Record<string, FunctionSpec>> => ({
  [SETTLE]: {
    inputs: { table: { dtype: 'float32', shape: [NUMBERS * workers.count] } },
    state: [],
    body: (_, { table }) => ({ outputs: { [OUTPUT]: summed(table as Tensor1D, workers) } }),
  },
  ...Object.fromEntries(
    slots
      .filter(({ size }) => size > 0)
      .map(({ name, size }): [string, FunctionSpec] => [
        shareOf(name),
        {
          inputs: { values: { dtype: 'float32', shape: [size] } },
          state: [],
          overwritten: [name],
          body: (_, { values }) => {
            const sum = summed(values as Tensor1D, workers);
            return { state: { [name]: sum }, outputs: { [OUTPUT]: tf.slice(sum, 0, 1) } };
          },
        },
      ]),
  ),
});

const summed = (values: Tensor1D, workers: Workers): Tensor1D =>
  required(sumsOver(workers, [values])[0], 'a sum');

export const togetherIn = (session: Session, { index, count }: Workers): Together => ({
  settle: (own) => {
    const table = new Float32Array(NUMBERS * count);
    table.set(own, NUMBERS * index);
    const all = required(session.run(SETTLE, { table })[OUTPUT], 'the sums');
    return Array.from({ length: count }, (_, i) =>
      Array.from(all.subarray(NUMBERS * i, NUMBERS * i + own.length)),
    );
  },
  shareState: () => {
    for (const { name, size } of session.slots.filter((slot) => slot.size > 0)) {
      // Nothing is added to what the first has.
      const values = index === 0 ? session.read(name) : new Float32Array(size);
      session.run(shareOf(name), { values });
    }
  },
});
