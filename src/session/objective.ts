// The loss over a fixed sample as a function of the weights: what analyses of its shape ask.
import { setImmediate } from 'node:timers/promises';
import type { Source } from '../data/source.js';
import type { FunctionSpec, Values } from '../graph/program.js';
import type { TensorSpec } from '../nn/layout.js';
import type { Network } from '../nn/network.js';
import { InternalError, required } from '../util/errors.js';
import {
  calibration,
  DIRECTION,
  lossOn,
  SUM,
  summing,
  type CurvatureParts,
  type Summed,
} from './curvature.js';
import { nameOf } from './evaluation.js';
import { OUTPUT } from './measure.js';
import { openSession, type Mode, type Session } from './session.js';
import { networkSlots, type State } from './slot.js';

/** Vectors are host arrays [P]. */
export interface Objective {
  /** P */
  readonly size: number;
  /** What w is cut into. */
  readonly tensors: readonly TensorSpec[];
  /** Those analysed. */
  readonly weights: Float32Array;
  /** The mean over the sample. */
  loss(w: Float32Array): Promise<number>;
  lossAndGradient(w: Float32Array): Promise<{ loss: number; gradient: Float32Array }>;
  /** H v at `weights`. */
  hessianProduct(v: Float32Array): Promise<Float32Array>;
  /** G v at `weights`, G the generalised Gauss-Newton matrix. */
  gaussNewtonProduct(v: Float32Array): Promise<Float32Array>;
  dispose(): void;
}

/**
 * How BatchNorm normalises. `evaluation`: by the running statistics of the run, whatever the weights; `batch`: by
 * each batch, of which the loss and its derivatives are then functions; `recalibrated`: by the mean of the batches'
 * statistics, measured anew at any weights and held fixed while they are differentiated.
 */
export type BatchNormMode = 'evaluation' | 'batch' | 'recalibrated';

/** The same as `asked` on such a network: without running statistics all of them are `evaluation`. */
export const batchNormOf = ({ statistics }: Network, asked: BatchNormMode): BatchNormMode =>
  statistics.size === 0 ? 'evaluation' : asked;

export interface ObjectiveParts extends Omit<CurvatureParts, 'mode'> {
  /** In batches, each a part of the sample by its share of it. */
  readonly source: Source;
  /** The weights and running statistics that are analysed. */
  readonly state: State;
  readonly batchNorm: BatchNormMode;
  /** What will be asked for: nothing else is traced. */
  readonly asked: readonly ('loss' | Summed)[];
  /** Ends a pass over the sample between two batches, with its reason. */
  readonly signal?: AbortSignal | undefined;
}

const LOSS = 'loss';
const CALIBRATE = 'calibrate';

export function openObjective(asked: ObjectiveParts, mode: Mode = 'compiled'): Objective {
  const { network, state } = asked;
  const batchNorm = batchNormOf(network, asked.batchNorm);
  const parts = { ...asked, batchNorm };
  const { size, tensors } = network.parameters;
  const weights = required(state.get('parameters'), 'the weights');
  const zeros = new Float32Array(size);
  const session = openSession(sessionSpec(parts), mode);
  session.writeState(
    new Map(session.slots.map(({ name }) => [name, state.get(name) ?? zeros] as const)),
  );
  const { calibrate, over } = passes(session, parts);
  let isAtWeights = false;
  const goTo = async (w: Float32Array): Promise<void> => {
    if (w === weights && isAtWeights) return;
    isAtWeights = false;
    session.write('parameters', w);
    if (batchNorm === 'recalibrated') await calibrate();
    isAtWeights = w === weights;
  };
  const sum = async (what: Summed): Promise<{ number: number; vector: Float32Array }> => {
    const number = await over(what);
    return { number, vector: session.read(SUM) };
  };
  const product = async (what: Summed, v: Float32Array): Promise<Float32Array> => {
    await goTo(weights);
    session.write(DIRECTION, v);
    return (await sum(what)).vector;
  };
  return {
    size,
    tensors,
    weights,
    loss: async (w) => {
      await goTo(w);
      return over(LOSS);
    },
    lossAndGradient: async (w) => {
      await goTo(w);
      const { number, vector } = await sum('gradient');
      return { loss: number, gradient: vector };
    },
    hessianProduct: (v) => product('hessian', v),
    gaussNewtonProduct: (v) => product('gaussNewton', v),
    dispose: () => {
      session.dispose();
    },
  };
}

function sessionSpec({ source, asked, batchNorm, ...own }: ObjectiveParts) {
  const parts = { ...own, mode: batchNorm === 'batch' ? 'batch' : 'evaluation' } as const;
  const { size } = own.network.parameters;
  const summed = asked.filter((what) => what !== LOSS);
  const vectors = [
    ...(summed.length > 0 ? [SUM] : []),
    ...(summed.some((what) => what !== 'gradient') ? [DIRECTION] : []),
  ];
  const forSizes = (name: string, make: (size: number) => FunctionSpec) =>
    source.sizes.map((one) => [nameOf(name, source, one), make(one)] as const);
  return {
    slots: networkSlots(own.network),
    scratch: Object.fromEntries(vectors.map((name) => [name, size])),
    held: source.held,
    functions: Object.fromEntries([
      ...summed.flatMap((what) => forSizes(what, (one) => summing(what, parts, source, one))),
      ...(asked.includes(LOSS) ? forSizes(LOSS, (one) => lossOn(parts, source, one)) : []),
      ...(batchNorm === 'recalibrated'
        ? forSizes(CALIBRATE, (one) => calibration(own, source, one))
        : []),
    ]),
  };
}

/** Passes over the sample, each the sum of what its batches put out. */
function passes(
  session: Session,
  { source, asked, signal }: Pick<ObjectiveParts, 'source' | 'asked' | 'signal'>,
) {
  const run = async (what: string, accumulates: boolean): Promise<number> => {
    let total = 0;
    let isFirst = true;
    for await (const { examples, inputs } of source.batches(0, 0)) {
      signal?.throwIfAborted();
      const fed: Values = {
        ...inputs,
        share: Float32Array.of(examples / source.examples),
        ...(accumulates && { keep: Float32Array.of(isFirst ? 0 : 1) }),
      };
      const { [OUTPUT]: numbers } = session.run(nameOf(what, source, examples), fed);
      total += required(numbers?.[0], 'a number');
      isFirst = false;
      // Lets signal handlers and timers run.
      await setImmediate();
    }
    return total;
  };
  return {
    calibrate: () => run(CALIBRATE, true),
    over: (what: 'loss' | Summed): Promise<number> => {
      if (!asked.includes(what)) throw new InternalError(`the objective was not asked for ${what}`);
      return run(what, what !== LOSS);
    },
  };
}
