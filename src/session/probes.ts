// What a step's gradient is made of, measured beside training: the full gradient and the batch's noise, the
// moving average, and where the step climbs.
//
// A probe computes what the coming step will compute, on the same batch and draws, and changes nothing: a run
// has the same numbers with probes and without.
import type { Source } from '../data/source.js';
import type { FunctionSpec, Tensors } from '../graph/program.js';
import { tf, type Scalar, type Tensor1D } from '../native/tensorflow.js';
import { EMA } from '../optim/ema.js';
import { cosine, norm } from '../optim/vector.js';
import { required } from '../util/errors.js';
import { meanOf, measured, OUTPUT, type Found, type Part } from './measure.js';
import { trainOn, wholly } from './passes.js';
import { vector } from './slot.js';
import { trainingStep, type TrainingParts } from './step.js';

/** The slot of the full gradient [P] that probes look at, and what adds it up. */
export const PROBED = 'probedGradient';
export const PROBE_ACCUMULATE = 'accumulate_probed';

type ClimbNumber = (d: Tensor1D, g: Tensor1D) => Scalar;

/** Vectors [P]; a row asks only for those that its steps have. */
interface Looked {
  /** The gradient of the batch. */
  readonly g: Tensor1D;
  /** The full gradient. */
  readonly f: Tensor1D;
  /** The moving average of gradients before the step, an estimate of f. */
  readonly m: Tensor1D;
  /**
   * A number of the climb, from its direction and the gradient at w of what climbs: the batch, or where its parts climb by
   * themselves each of them, of which it is the mean by their shares of the batch.
   */
  readonly ofClimb: (number: ClimbNumber) => Scalar;
}

interface ProbeRow {
  readonly column: string;
  readonly needs: 'all' | 'average' | 'climb' | 'both';
  readonly of: (vectors: Looked) => Scalar;
}

const squared = (x: Tensor1D): Scalar => tf.square(norm(x));

/** In the order of their columns. */
export const PROBES: readonly ProbeRow[] = [
  { column: 'gradient_norm', needs: 'all', of: ({ g }) => norm(g) },
  { column: 'full_gradient_norm', needs: 'all', of: ({ f }) => norm(f) },
  { column: 'average_norm', needs: 'average', of: ({ m }) => norm(m) },
  { column: 'direction_norm', needs: 'climb', of: ({ ofClimb }) => ofClimb(norm) },
  // |g - f|^2 / (|g - f|^2 + |f|^2)
  {
    column: 'noise_share',
    needs: 'all',
    of: ({ g, f }) => {
      const noise = squared(tf.sub<Tensor1D>(g, f));
      return tf.divNoNan<Scalar>(noise, tf.add(noise, squared(f)));
    },
  },
  { column: 'cosine_gradient_full', needs: 'all', of: ({ g, f }) => cosine(g, f) },
  { column: 'cosine_average_full', needs: 'average', of: ({ m, f }) => cosine(m, f) },
  { column: 'cosine_average_gradient', needs: 'average', of: ({ m, g }) => cosine(m, g) },
  // |m - f| / |f|
  {
    column: 'average_error',
    needs: 'average',
    of: ({ m, f }) => tf.divNoNan<Scalar>(norm(tf.sub<Tensor1D>(m, f)), norm(f)),
  },
  { column: 'cosine_direction_gradient', needs: 'climb', of: ({ ofClimb }) => ofClimb(cosine) },
  {
    column: 'cosine_direction_full',
    needs: 'climb',
    of: ({ ofClimb, f }) => ofClimb((d) => cosine(d, f)),
  },
  {
    column: 'cosine_direction_average',
    needs: 'both',
    of: ({ ofClimb, m }) => ofClimb((d) => cosine(d, m)),
  },
];

/** Looked at in steps of this kind. */
export function probesOfKind(
  { state, kinds }: Pick<TrainingParts['optimizer'], 'state' | 'kinds'>,
  kind: string,
): readonly ProbeRow[] {
  const average = state.includes(EMA);
  const climb = kinds.byName[kind]?.climbs === true;
  const has = { all: true, average, climb, both: average && climb };
  return PROBES.filter(({ needs }) => has[needs]);
}

/** Looks at a step of this kind on a batch of `size` examples; puts out the rows of the kind, in their order. */
export function probeStep(
  parts: TrainingParts,
  source: Source,
  size: number,
  kind: string,
): FunctionSpec {
  const { inputs, state, overwritten = [], ...step } = trainingStep(parts, source, size, kind);
  const rows = probesOfKind(parts.optimizer, kind);
  return {
    ...step,
    inputs,
    state: [...state, ...overwritten, PROBED],
    // What only the second pass and the new state come from.
    optional: [...Object.keys(inputs), ...state, ...overwritten],
    body: (values, fed) => {
      const batch = parts.task.augmented(source.gather(values, fed), fed);
      const seed = fed['seed'] as Tensor1D | undefined;
      const found = trainOn(parts, wholly(batch), seed, values, fed, kind);
      const looked = lookedAt(found, values, parts.optimizer);
      const numbers = () => rows.map((row) => row.of(looked));
      return { outputs: { [OUTPUT]: measured(numbers) } };
    },
  };
}

function lookedAt(
  { gradient, parts }: Found,
  state: Tensors,
  { perturbation }: Pick<TrainingParts['optimizer'], 'perturbation'>,
): Looked {
  const ofPart = ({ perturbed, first }: Part, number: ClimbNumber) =>
    number(required(perturbed, 'a climb').direction, first.gradient);
  const ofAll = (number: ClimbNumber) =>
    number(required(parts[0]?.perturbed, 'a climb').direction, gradient);
  return {
    g: gradient,
    f: vector(state, PROBED),
    get m() {
      return vector(state, EMA);
    },
    ofClimb: (number) =>
      perturbation === 'shared' ? ofAll(number) : meanOf(parts, (part) => ofPart(part, number)),
  };
}
