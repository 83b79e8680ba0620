// GELU and layer normalisation: ops of our own on a CPU (src/native/ops/tokens.h), composed of
// TensorFlow's elsewhere.
//
// Composed of a dozen ops each they were two fifths of the step of a small language model, most of it in
// passing over memory. Their gradients are ops of our own, too; where a gradient of those is asked for, they
// are composed, so that the tape finds its way through. All of it is computed in float32, of bfloat16 too.
import { inFloat32 } from './bfloat16.js';
import { input, isTaped, register, run, saved, single } from './kernel.js';
import { callOwnOp, usesOwnOps } from './own-ops.js';
import { activeBackend, tf, type Tensor, type Tensor1D, type Tensor2D } from './tensorflow.js';

/** [... D] -> [N D] */
const rowsOf = (x: Tensor): Tensor2D => tf.reshape(x, [-1, x.shape.at(-1) ?? 1]);

// GELU

register({
  name: 'fsam.Gelu',
  forward: (inputs) => callOwnOp('Gelu', [input(inputs, 'x')]),
  save: { inputs: ['x'] },
  gradient: (dy, tensors) => {
    const x = saved(tensors, 0);
    return {
      x: () =>
        isTaped() ? tf.mul(single(dy), slopeOf(x)) : callOwnOp('GeluGrad', [single(dy), x]),
    };
  },
});

/** Phi(x) + x phi(x) */
function slopeOf(x: Tensor): Tensor {
  const below = tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5);
  const density = tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return tf.add(below, tf.mul(x, density));
}

/** X Phi(x), Phi the normal distribution function (Hendrycks and Gimpel, arXiv 1606.08415). */
export const gelu = <T extends Tensor>(x: T): T => inFloat32(x, wideGelu);

function wideGelu<T extends Tensor>(x: T): T {
  if (usesOwnOps()) return tf.reshape(run('fsam.Gelu', { x: rowsOf(x) }) as Tensor, x.shape) as T;
  const twice = tf.add(tf.erf(tf.mul(x, tf.scalar(Math.SQRT1_2))), tf.scalar(1));
  return tf.mul(tf.mul(x, tf.scalar(0.5)), twice);
}

// Layer normalisation

register({
  name: 'fsam.NormalizeRows',
  forward: (inputs, attributes) =>
    activeBackend().executeMultipleOutputs(
      'NormalizeRows',
      [],
      [
        ...['x', 'scale', 'offset'].map((name) => input(inputs, name)),
        tf.scalar(Number(attributes['epsilon'])),
      ],
      3,
    ),
  save: { inputs: ['x', 'scale'], outputs: [false, true, true] },
  gradient: (dy, tensors, attributes) => {
    const [x, scale] = [saved(tensors, 0), saved(tensors, 1)];
    const gradients = isTaped()
      ? composedGradients(single(dy), x, scale, Number(attributes['epsilon']))
      : activeBackend().executeMultipleOutputs(
          'NormalizeRowsGrad',
          [],
          [single(dy), x, scale, saved(tensors, 2), saved(tensors, 3)],
          3,
        );
    return {
      x: () => saved(gradients, 0),
      scale: () => saved(gradients, 1),
      offset: () => saved(gradients, 2),
    };
  },
});

/** Of each row. */
const mean = (x: Tensor): Tensor => tf.mean(x, -1, true);

/** (x - mean) / sqrt(variance + eps), and the divisor's inverse: of each row. */
function normalOf(
  x: Tensor,
  epsilon: number,
): { readonly normal: Tensor; readonly inverse: Tensor } {
  const centred = tf.sub(x, mean(x));
  const inverse = tf.rsqrt(tf.add(mean(tf.square(centred)), tf.scalar(epsilon)));
  return { normal: tf.mul(centred, inverse), inverse };
}

/** With h the normalised rows, a = dy scale: dx = (a - <a> - h <a h>) inverse; and sums over the rows. */
function composedGradients(dy: Tensor, x: Tensor, scale: Tensor, epsilon: number): Tensor[] {
  const { normal, inverse } = normalOf(x, epsilon);
  const a = tf.mul(dy, scale);
  const rest = tf.sub(tf.sub(a, mean(a)), tf.mul(normal, mean(tf.mul(a, normal))));
  return [tf.mul(rest, inverse), tf.sum(tf.mul(dy, normal), 0), tf.sum(dy, 0)];
}

/**
 * X [... D] with mean 0 and variance 1 over each D numbers, times scale [D], plus offset [D] where there is
 * one (Ba et al., arXiv 1607.06450).
 */
export const normaliseRows = <T extends Tensor>(
  x: T,
  scale: Tensor1D,
  offset: Tensor1D | null,
  epsilon: number,
): T => inFloat32(x, (wide) => normaliseWide(wide, scale, offset, epsilon));

function normaliseWide<T extends Tensor>(
  x: T,
  scale: Tensor1D,
  offset: Tensor1D | null,
  epsilon: number,
): T {
  if (usesOwnOps()) {
    const inputs = { x: rowsOf(x), scale, offset: offset ?? tf.zerosLike(scale) };
    const [y] = run('fsam.NormalizeRows', inputs, { epsilon }) as Tensor[];
    return tf.reshape(saved([y as Tensor], 0), x.shape) as T;
  }
  const scaled = tf.mul<T>(normalOf(x, epsilon).normal, scale);
  return offset === null ? scaled : tf.add<T>(scaled, offset);
}
