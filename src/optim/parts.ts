// How the parts of a batch make one step: each climbs by itself, or all climb to one place.
import { tf, type Tensor1D } from '../native/tensorflow.js';
import { required } from '../util/errors.js';
import {
  ALIKE,
  plain,
  type AnyPass,
  type BatchPart,
  type Chosen,
  type Everywhere,
  type GradientAt,
  type Group,
  type Vectors,
} from './rule.js';
import { scaled } from './vector.js';

/** Vectors [P] that are averaged over the parts of a batch. */
interface Mean {
  /** To descend along. */
  readonly gradient: Tensor1D;
  readonly atW: Tensor1D;
  readonly state: Vectors;
}

/** What the parts come to together, and what each chose. */
interface Together<P extends AnyPass> {
  readonly mean: Mean;
  readonly chosen: readonly Chosen<P>[];
}

/** Each part chooses by itself (the m of m-sharpness), and what they choose is averaged. */
export function chooseByParts<P extends AnyPass>(
  groups: readonly Group<P>[],
  choose: (gradientAt: GradientAt<P>) => Chosen<P>,
  everywhere: Everywhere,
): Together<P> {
  const found = groups.map(({ parts, inPlace }) => inPlace(() => chooseInTurn(parts, choose)));
  const sum = sumOf(found.map(({ mean }) => mean));
  return { mean: gathered(sum, everywhere), chosen: found.flatMap(({ chosen }) => chosen) };
}

/** One choice for all: the gradient at any w is the mean over the parts there. */
export function chooseTogether<P extends AnyPass>(
  groups: readonly Group<P>[],
  choose: (gradientAt: GradientAt<AnyPass>) => Chosen<AnyPass>,
  everywhere: Everywhere,
): Together<P> {
  const passes: (readonly P[])[] = [];
  const one = choose((w) => {
    const at = gradientOf(groups, w, everywhere);
    passes.push(at.passes);
    return { gradient: at.gradient };
  });
  const [first, second] = passes;
  const chosen = required(first, 'a pass').map((pass, i): Chosen<P> => {
    const { perturbed, ...rest } = one;
    if (perturbed === undefined) return { ...rest, first: pass };
    const up = { ...perturbed, pass: required(second?.[i], 'a pass at w + eps') };
    return { ...rest, first: pass, perturbed: up };
  });
  const mean = { gradient: one.gradient, atW: one.first.gradient, state: one.state ?? {} };
  return { mean, chosen };
}

/** The gradient [P] at w [P] of a batch: the mean over its parts; and their passes. */
export function gradientOf<P extends AnyPass>(
  groups: readonly Group<P>[],
  w: Tensor1D,
  everywhere: Everywhere = (vectors) => vectors,
): { readonly gradient: Tensor1D; readonly passes: readonly P[] } {
  const choose = (gradientAt: GradientAt<P>) => plain.choose(gradientAt, w, {}, {}, ALIKE);
  const { mean, chosen } = chooseByParts(groups, choose, everywhere);
  return { gradient: mean.gradient, passes: chosen.map(({ first }) => first) };
}

/** One part after the other, with running sums, so that one part's tensors are there at a time. */
function chooseInTurn<P extends AnyPass>(
  parts: readonly BatchPart<P>[],
  choose: (gradientAt: GradientAt<P>) => Chosen<P>,
): Together<P> {
  let sum: Mean | undefined;
  const chosen = parts.map(({ share, gradientAt }) => {
    let after = sum === undefined ? [] : [sum.gradient, sum.atW, ...Object.values(sum.state)];
    const one = choose((w) => {
      const pass = gradientAt(w, after);
      // The next pass of the part needs this one, and so comes later by itself.
      after = [];
      return pass;
    });
    const { gradient, first, state = {} } = one;
    const vectors = { gradient, atW: first.gradient, state };
    sum = added(sum, weighted(vectors, share));
    return one;
  });
  return { mean: required(sum, 'a part of the batch'), chosen };
}

const sumOf = (means: readonly Mean[]): Mean =>
  required(
    means.reduce<Mean | undefined>((sum, one) => added(sum, one), undefined),
    'a group of parts',
  );

/** Each vector summed over all processes, by one sum. */
function gathered(mean: Mean, everywhere: Everywhere): Mean {
  const vectors = [...new Set([mean.gradient, mean.atW, ...Object.values(mean.state)])];
  const sums = everywhere(vectors);
  return mapped(mean, (x) => required(sums[vectors.indexOf(x)], 'a sum'));
}

/** The vectors themselves where they are of the whole batch. */
const weighted = (vectors: Mean, share: number): Mean =>
  share === 1 ? vectors : mapped(vectors, (x) => scaled(x, share));

function added(sum: Mean | undefined, vectors: Mean): Mean {
  if (sum === undefined) return vectors;
  return mapped(vectors, (x, of) => tf.add<Tensor1D>(of(sum), x));
}

/** Each vector changed; `of` finds the vector of the same name in others. */
function mapped(
  { gradient, atW, state }: Mean,
  change: (x: Tensor1D, of: (mean: Mean) => Tensor1D) => Tensor1D,
): Mean {
  const changed = change(gradient, (other) => other.gradient);
  return {
    gradient: changed,
    // Without a climb both are one vector.
    atW: gradient === atW ? changed : change(atW, (other) => other.atW),
    state: Object.fromEntries(
      Object.entries(state).map(([name, x]) => [
        name,
        change(x, (other) => required(other.state[name], name)),
      ]),
    ),
  };
}
