// One training step and one evaluation step, as pure functions over a session's state.
import type { Split } from '../data/dataset.js';
import type { Source } from '../data/source.js';
import type { FunctionSpec, TensorTypes } from '../graph/program.js';
import type { Scalar, Tensor1D } from '../native/tensorflow.js';
import type { TensorType } from '../native/types.js';
import type { Network } from '../nn/network.js';
import { CLIMB_LENGTH } from '../optim/climb.js';
import {
  isTraining,
  measured,
  measuredEverywhere,
  OUTPUT,
  type TrainingMeasure,
} from './measure.js';
import { trainOn, type Learner } from './passes.js';
import { evaluatedSlots, vector, type Slot } from './slot.js';
import type { Task } from './task.js';

export interface TrainingParts extends Learner {
  readonly task: Task;
  /** What the step reads and leaves. */
  readonly slots: readonly Slot[];
}

/** The input by which a worker tells that it has been asked to stop. */
export const STOP = 'stop';

export const NUMBER: TensorType = { dtype: 'float32', shape: [] };
const SEED: TensorType = { dtype: 'int32', shape: [2] };

/** What a training batch of `size` examples is fed, and all that is drawn for it. */
export const drawnInputs = (
  { network, task }: { readonly network: Network; readonly task: Pick<Task, 'drawn'> },
  source: Pick<Source, 'inputs' | 'fed'>,
  size: number,
): TensorTypes => ({
  ...source.inputs(size),
  ...task.drawn(source.fed(size).size),
  ...(network.drawsRandom ? { seed: SEED } : {}),
});

/** Measured in steps of this kind. */
export const rowsOfKind = (
  { task, optimizer }: Pick<TrainingParts, 'task' | 'optimizer'>,
  kind: string,
): TrainingMeasure[] =>
  task.measures
    .filter(isTraining)
    .filter(({ needs }) => needs !== 'climb' || optimizer.kinds.byName[kind]?.climbs === true);

/**
 * Training on a batch of `size` examples by a step of this kind; puts out its measures, in their
 * order.
 */
export function trainingStep(
  parts: TrainingParts,
  source: Source,
  size: number,
  kind: string,
): FunctionSpec {
  const { optimizer, task, slots, workers = null } = parts;
  const rows = rowsOfKind(parts, kind);
  const scalars = Object.keys(optimizer.scalars(0, 0));
  const overwritten = optimizer.kinds.byName[kind]?.overwrites ?? [];
  const read = slots.map(({ name }) => name).filter((name) => !overwritten.includes(name));
  return {
    inputs: {
      ...drawnInputs(parts, source, size),
      ...Object.fromEntries(scalars.map((name) => [name, NUMBER])),
      ...(workers && { [STOP]: NUMBER }),
    },
    lent: source.lent,
    state: [...read, ...Object.keys(source.held)],
    overwritten,
    optional: optimizer.kinds.byName[kind]?.climbs === true ? [] : [CLIMB_LENGTH],
    body: (state, inputs) => {
      const batch = task.augmented(source.gather(state, inputs), inputs);
      const seed = inputs['seed'] as Tensor1D | undefined;
      const step = trainOn(parts, { batch, whole: size }, seed, state, inputs, kind);
      const following = slots.flatMap(({ name, follow }) =>
        follow === undefined ? [] : [[name, follow(vector(state, name), step.state)] as const],
      );
      return {
        state: { ...step.state, ...Object.fromEntries(following) },
        outputs: {
          [OUTPUT]: measuredEverywhere(rows, step, workers, inputs[STOP] as Scalar | undefined),
        },
      };
    },
  };
}

export interface EvaluationParts {
  readonly network: Network;
  readonly task: Task;
  readonly slots: readonly Slot[];
}

/**
 * Evaluation of a batch of `size` examples of a set, with the averaged weights where there are some;
 * puts out the set's measures, in their order.
 */
export function evaluationStep(
  { network, task, slots }: EvaluationParts,
  split: Split,
  source: Source,
  size: number,
): FunctionSpec {
  const { parameters, statistics } = evaluatedSlots(slots);
  const rows = task.evaluated(split);
  return {
    inputs: source.inputs(size),
    lent: source.lent,
    state: [parameters, statistics, ...Object.keys(source.held)],
    body: (state, inputs) => {
      const { input, targets } = task.plain(source.gather(state, inputs));
      const [w, s] = [vector(state, parameters), vector(state, statistics)];
      const { output } = network.forward(w, s, input, 'evaluation');
      const numbers = () => rows.map((row) => row.of(output, targets));
      return { outputs: { [OUTPUT]: measured(numbers) } };
    },
  };
}
