// All that training remembers, a row a vector. Session, step and checkpoint read it here, so that a
// new vector cannot be left out of one of them.
import type { Tensors } from '../graph/program.js';
import { nameScope } from '../native/scope.js';
import { tf, type Tensor1D } from '../native/tensorflow.js';
import type { TensorSpec } from '../nn/layout.js';
import type { Network } from '../nn/network.js';
import type { Optimizer } from '../optim/optimizer.js';
import { scaled } from '../optim/vector.js';
import { required } from '../util/errors.js';

/** One flat vector of the state of training. */
export interface Slot {
  /** In the state: `parameters`, `statistics`, `momentum`, ... */
  readonly name: string;
  /** Numbers in it. */
  readonly size: number;
  /** The tensors that a checkpoint has of it, end to end. */
  readonly tensors: readonly TensorSpec[];
  /** What it holds before the first step; an average begins as what it averages. */
  readonly start: 'initialised' | 'zero' | { readonly averageOf: NetworkSlot };
  /**
   * Traced: its value after a step, where it follows what the step leaves in other slots. The
   * network's and the optimizer's own are what the step leaves.
   */
  readonly follow?: (old: Tensor1D, left: Tensors) => Tensor1D;
}

type NetworkSlot = 'parameters' | 'statistics';

/** The whole state: host copies of the vectors that live on the device, by slot. */
export type State = ReadonlyMap<string, Float32Array>;

/** What a network is without training: weights [P] and running statistics [S]. */
export const networkSlots = (network: Pick<Network, NetworkSlot>): Slot[] =>
  (['parameters', 'statistics'] as const).map((name) => {
    const { size, tensors } = network[name];
    return { name, size, tensors, start: 'initialised' };
  });

/**
 * The slots of a run: those of its network, the optimizer's vectors [P], and with a weight average
 * of that decay the moving averages of weights [P] and statistics [S].
 */
export function trainingSlots(
  network: Pick<Network, NetworkSlot>,
  { state }: Pick<Optimizer, 'state'>,
  weightAverage: number | null,
): Slot[] {
  const { size } = network.parameters;
  return [
    ...networkSlots(network),
    ...state.map((name): Slot => {
      const whole = { name: `optimizer.${name}`, shape: [size], offset: 0 };
      return { name, size, tensors: [whole], start: 'zero' };
    }),
    ...(weightAverage === null
      ? []
      : AVERAGES.map(([name, of]) => average(name, of, network, weightAverage))),
  ];
}

const AVERAGES = [
  ['averagedParameters', 'parameters'],
  ['averagedStatistics', 'statistics'],
] as const;

/** new = decay old + (1 - decay) value */
function average(
  name: string,
  averageOf: NetworkSlot,
  { [averageOf]: { size, tensors } }: Pick<Network, NetworkSlot>,
  decay: number,
): Slot {
  const named = tensors.map((tensor) => ({ ...tensor, name: `average.${tensor.name}` }));
  const follow: Slot['follow'] = (old, left) =>
    nameScope('weight_average', () =>
      tf.add(scaled(old, decay), scaled(vector(left, averageOf), 1 - decay)),
    );
  return { name, size, tensors: named, start: { averageOf }, follow };
}

/** A slot's value. */
export const vector = (state: Tensors, name: string): Tensor1D =>
  required(state[name], name) as Tensor1D;

/** The slot that averages `of`, where there is one; else its own. */
const evaluatedSlot = (slots: readonly Slot[], of: NetworkSlot): string =>
  slots.find(({ start }) => typeof start === 'object' && start.averageOf === of)?.name ?? of;

/** The slots that are evaluated of the network: the averages where there are some. */
export const evaluatedSlots = (
  slots: readonly Slot[],
): { readonly parameters: string; readonly statistics: string } => ({
  parameters: evaluatedSlot(slots, 'parameters'),
  statistics: evaluatedSlot(slots, 'statistics'),
});

/** Of a state, what is evaluated of the network, under the network's own names. */
export const evaluatedState = (slots: readonly Slot[], state: State): State =>
  new Map(
    Object.entries(evaluatedSlots(slots)).map(([name, slot]) => [
      name,
      required(state.get(slot), name),
    ]),
  );

/**
 * What every slot holds before the first step.
 *
 * @param drawn what the network starts from
 */
export function initialState(
  slots: readonly Slot[],
  drawn: Readonly<Record<NetworkSlot, Float32Array>>,
): State {
  const named: Readonly<Record<string, Float32Array>> = drawn;
  const initial = ({ name, size, start }: Slot): Float32Array => {
    if (start === 'zero') return new Float32Array(size);
    const source = start === 'initialised' ? name : start.averageOf;
    return required(named[source], `the initial ${source}`);
  };
  return new Map(slots.map((slot) => [slot.name, initial(slot)]));
}
