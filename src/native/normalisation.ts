// Batch normalisation, and ReLU behind it: by ops of our own on a CPU (src/native/ops/), by
// TensorFlow's fused ones on a GPU.
//
// TensorFlow's on CPUs took more of a step with the ReLU behind them: 12 % against 6 % with oneDNN in
// ResNet-18 of width 16, and most where it is off.
import { boolAttribute, floatAttribute, stringAttribute, typeAttribute } from './attributes.js';
import { input, register, run, saved, single, type Inputs } from './kernel.js';
import { relu } from './kernels.js';
import * as stock from './stock-ops.js';
import { usesOwnOps } from './own-ops.js';
import { usesStockOps } from './stock-ops.js';
import { activeBackend, tf, type Tensor, type Tensor1D, type Tensor4D } from './tensorflow.js';
import { required } from '../util/errors.js';

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
      [input(inputs, 'x'), input(inputs, 'scale'), input(inputs, 'offset'), empty, empty],
      6,
    );
  },
  save: { inputs: ['x', 'scale'], outputs: [false, false, false, true, true, true] },
  gradient: (dy, tensors) => {
    const [dx, dScale, dOffset, ...unused] = activeBackend().executeMultipleOutputs(
      'FusedBatchNormGradV3',
      normalisationAttributes(true),
      [single(dy), ...tensors],
      5,
    );
    tf.dispose(unused);
    return {
      x: () => required(dx, 'gradient of x'),
      scale: () => required(dScale, 'gradient of scale'),
      offset: () => required(dOffset, 'gradient of offset'),
    };
  },
});

for (const op of ['NormalizeBatch', 'NormalizeBatchRelu']) {
  register({
    name: `fsam.${op}`,
    forward: (inputs) => activeBackend().executeMultipleOutputs(op, [], operands(inputs), 4),
    save: { inputs: ['x', 'scale', 'offset'], outputs: [false, true, false, true] },
    gradient: (dy, tensors) => {
      const gradients = activeBackend().executeMultipleOutputs(
        `${op}Grad`,
        [],
        [single(dy), ...tensors],
        3,
      );
      return {
        x: () => saved(gradients, 0),
        scale: () => saved(gradients, 1),
        offset: () => saved(gradients, 2),
      };
    },
  });
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
  if (usesOwnOps()) {
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

/** Normalises x [N H W C] by given statistics [C]; no gradient, evaluation only. */
export function batchNormInference(
  x: Tensor4D,
  scale: Tensor1D,
  offset: Tensor1D,
  mean: Tensor1D,
  variance: Tensor1D,
): Tensor4D {
  const [y] = activeBackend().executeMultipleOutputs(
    'FusedBatchNormV3',
    [...normalisationAttributes(false), floatAttribute('exponential_avg_factor', 1)],
    [x, scale, offset, mean, variance],
    6,
  );
  return required(y, 'the normalised tensor') as Tensor4D;
}
