// Batch normalisation, and ReLU behind it: by ops of our own on a CPU (src/native/ops/), by
// TensorFlow's fused ones on a GPU.
//
// TensorFlow's on CPUs took more of a step with the ReLU behind them: 12 % against 6 % with oneDNN in
// ResNet-18 of width 16, and most where it is off.
import { boolAttribute, floatAttribute, stringAttribute, typeAttribute } from './attributes.js';
import { detached, input, register, run, saved, single, type Inputs } from './kernel.js';
import { isNarrow } from './bfloat16.js';
import { secondGradients } from './normalisation-twice.js';
import { relu } from './kernels.js';
import * as stock from './stock-ops.js';
import { usesOwnOps } from './own-ops.js';
import { usesStockOps } from './stock-ops.js';
import { activeBackend, tf, type Tensor, type Tensor1D, type Tensor4D } from './tensorflow.js';
import { required } from '../util/errors.js';

/** Added to the variance. */
const EPSILON = 1e-5;

const normalisationAttributes = (training: boolean) => [
  typeAttribute('T', 'float32'),
  typeAttribute('U', 'float32'),
  floatAttribute('epsilon', EPSILON),
  stringAttribute('data_format', 'NHWC'),
  boolAttribute('is_training', training),
];

register({
  name: 'fsam.FusedBatchNorm',
  forward: (inputs) => {
    const empty = tf.tensor1d([], 'float32');
    return activeBackend().executeMultipleOutputs(
      'FusedBatchNormV3',
      [...normalisationAttributes(true), floatAttribute('exponential_avg_factor', 1)],
      [...operands(inputs), empty, empty],
      6,
    );
  },
  save: { inputs: ['x', 'scale', 'offset'], outputs: [false, false, false, true, true, true] },
  gradient: (dy, tensors) => {
    const [x, scale, offset, ...reserved] = tensors;
    return gradientsOf(
      run('fsam.FusedBatchNormGrad', {
        dy: single(dy),
        ...named({ x, scale, offset }),
        ...kept(reserved),
      }),
    );
  },
});

register({
  name: 'fsam.FusedBatchNormGrad',
  forward: (inputs) => {
    const { dy, x, scale, kept0, kept1, kept2 } = inputs;
    const [dx, dScale, dOffset, ...unused] = activeBackend().executeMultipleOutputs(
      'FusedBatchNormGradV3',
      normalisationAttributes(true),
      Object.values(named({ dy, x, scale, kept0, kept1, kept2 })),
      5,
    );
    tf.dispose(unused);
    return Object.values(named({ dx, dScale, dOffset }));
  },
  save: { inputs: ['dy', 'x', 'scale', 'offset'] },
  gradient: (c, tensors) =>
    secondGradients(c as Tensor[], tensors, { positive: false, epsilon: EPSILON }),
});

for (const op of ['NormalizeBatch', 'NormalizeBatchRelu']) {
  register({
    name: `fsam.${op}`,
    forward: (inputs) => activeBackend().executeMultipleOutputs(op, [], operands(inputs), 4),
    save: { inputs: ['x', 'scale', 'offset'], outputs: [false, true, false, true] },
    gradient: (dy, tensors) => {
      const [x, scale, offset, ...reserved] = tensors;
      return gradientsOf(
        run(`fsam.${op}Grad`, {
          dy: single(dy),
          ...named({ x, scale, offset }),
          ...kept(reserved),
        }),
      );
    },
  });
  register({
    name: `fsam.${op}Grad`,
    forward: (inputs) => {
      const { dy, x, scale, offset, kept0, kept1 } = inputs;
      const tensors = Object.values(named({ dy, x, scale, offset, kept0, kept1 }));
      return activeBackend().executeMultipleOutputs(`${op}Grad`, [], tensors, 3);
    },
    save: { inputs: ['dy', 'x', 'scale', 'offset'] },
    gradient: (c, tensors) =>
      secondGradients(c as Tensor[], tensors, {
        positive: op === 'NormalizeBatchRelu',
        epsilon: EPSILON,
      }),
  });
}

/** What the forward pass kept is a function of x: its part is in the gradient of x already. */
const kept = (tensors: readonly Tensor[]): Inputs =>
  Object.fromEntries(tensors.map((tensor, i) => [`kept${i}`, detached(tensor)]));

/** All there. */
function named(tensors: Readonly<Record<string, Tensor | undefined>>): Inputs {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [name, required(tensor, name)]),
  );
}

function gradientsOf(gradients: Tensor | Tensor[]): Record<string, () => Tensor> {
  const [x, scale, offset] = gradients as Tensor[];
  return {
    x: () => required(x, 'gradient of x'),
    scale: () => required(scale, 'gradient of scale'),
    offset: () => required(offset, 'gradient of offset'),
  };
}

function operands(inputs: Inputs): Tensor[] {
  return [input(inputs, 'x'), input(inputs, 'scale'), input(inputs, 'offset')];
}

interface Normalised {
  readonly y: Tensor4D;
  readonly mean: Tensor1D;
  readonly variance: Tensor1D;
}

/**
 * Normalises x [N H W C] by its batch statistics; `positive` sets what is negative then to 0, as
 * ReLU does. Gives the statistics, too: mean [C] and the unbiased variance [C] (PyTorch's running
 * statistics use that one). eps 1e-5.
 */
export function batchNormTraining(
  x: Tensor4D,
  scale: Tensor1D,
  offset: Tensor1D,
  { positive = false }: { readonly positive?: boolean } = {},
): Normalised {
  // Ours is for float32 alone.
  if (usesOwnOps() && !isNarrow(x)) {
    const op = positive ? 'NormalizeBatchRelu' : 'NormalizeBatch';
    return outputsOf(run(`fsam.${op}`, { x, scale, offset }));
  }
  const batch = usesStockOps()
    ? stock.batchNormTraining(x, scale, offset, EPSILON)
    : outputsOf(run('fsam.FusedBatchNorm', { x, scale, offset }));
  return positive ? { ...batch, y: relu(batch.y) } : batch;
}

function outputsOf(outputs: Tensor | Tensor[]): Normalised {
  const [y, mean, variance] = outputs as [Tensor4D, Tensor1D, Tensor1D];
  return { y, mean, variance };
}

register({
  name: 'fsam.NormalizeByStatistics',
  forward: (inputs) => {
    const [y] = activeBackend().executeMultipleOutputs(
      'FusedBatchNormV3',
      [...normalisationAttributes(false), floatAttribute('exponential_avg_factor', 1)],
      [...operands(inputs), input(inputs, 'mean'), input(inputs, 'variance')],
      6,
    );
    return required(y, 'the normalised tensor');
  },
  save: { inputs: ['x', 'scale', 'mean', 'variance'] },
  // y = s x + shift with s = scale / sqrt(variance + eps), in ops that have gradients themselves.
  gradient: (dy, tensors) => {
    const [x, scale] = [saved(tensors, 0), saved(tensors, 1)];
    const [mean, variance] = [saved(tensors, 2), saved(tensors, 3)];
    const inverse = tf.rsqrt(tf.add(variance, EPSILON));
    return {
      x: () => tf.mul(single(dy), tf.mul(scale, inverse)),
      scale: () => tf.mul(overChannels(tf.mul(single(dy), tf.sub(x, mean))), inverse),
      offset: () => overChannels(single(dy)),
    };
  },
});

/** [N H W C] -> [C]: sums. */
const overChannels = (x: Tensor): Tensor => tf.sum(x, [0, 1, 2]);

/** Normalises x [N H W C] by given statistics [C], which have no gradient. */
export function batchNormInference(
  x: Tensor4D,
  scale: Tensor1D,
  offset: Tensor1D,
  mean: Tensor1D,
  variance: Tensor1D,
): Tensor4D {
  return run('fsam.NormalizeByStatistics', { x, scale, offset, mean, variance }) as Tensor4D;
}
