// All that training remembers, a row a vector. Engine, step and checkpoint read it here, so that a
// new vector cannot be left out of one of them.
import type { Network } from '../nn/network.js';
import type { TensorSpec } from '../nn/layout.js';
import type { Optimizer } from '../optim/optimizer.js';

/** One flat vector of the state of training. */
export interface Slot {
  /** In the state: `parameters`, `statistics`, `momentum`, ... */
  readonly name: string;
  /** Numbers in it. */
  readonly size: number;
  /** The tensors that a checkpoint has of it, end to end. */
  readonly tensors: readonly TensorSpec[];
  /** What it holds before the first step; an average begins as what it averages. */
  readonly start: 'initialised' | 'zero' | { readonly averageOf: 'parameters' | 'statistics' };
}

/**
 * The slots of a run: weights [P] and running statistics [S], the optimizer's vectors [P], and with a
 * weight average the moving averages of weights [P] and statistics [S].
 */
export function slotsOf(
  { parameters, statistics }: Network,
  { state }: Pick<Optimizer, 'state'>,
  averagesWeights: boolean,
): Slot[] {
  const network = { parameters, statistics };
  const averages = [
    ['averagedParameters', 'parameters'],
    ['averagedStatistics', 'statistics'],
  ] as const;
  return [
    ...(['parameters', 'statistics'] as const).map((name): Slot => {
      const { size, tensors } = network[name];
      return { name, size, tensors, start: 'initialised' };
    }),
    ...state.map((name): Slot => {
      const { size } = parameters;
      const whole = { name: `optimizer.${name}`, shape: [size], offset: 0 };
      return { name, size, tensors: [whole], start: 'zero' };
    }),
    ...(averagesWeights ? averages : []).map(([name, averageOf]): Slot => {
      const { size, tensors } = network[averageOf];
      const named = tensors.map((tensor) => ({ ...tensor, name: `average.${tensor.name}` }));
      return { name, size, tensors: named, start: { averageOf } };
    }),
  ];
}

/** The name of the slot that averages `of`, where there is one. */
export function averageOf(
  slots: readonly Slot[],
  of: 'parameters' | 'statistics',
): string | undefined {
  return slots.find(({ start }) => typeof start === 'object' && start.averageOf === of)?.name;
}
