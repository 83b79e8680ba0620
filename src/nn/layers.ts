// The layers that networks are made of. Each declares its parameters on a builder and gives a
// function.
import * as kernels from '../native/kernels.js';
import { nameScope } from '../native/scope.js';
import { suitsWinograd, winogradConv2d } from '../native/winograd.js';
import { tf, type Tensor1D, type Tensor2D, type Tensor4D } from '../native/tensorflow.js';
import { biasUniform, constant, kaimingUniform, type Initialiser } from './initialisation.js';
import type { Layer, NetworkBuilder } from './network.js';

export interface ConvolutionOptions {
  /** Side of the square kernel; 3 is padded by 1, 1 not at all, whatever the stride. */
  readonly kernel: 1 | 3;
  readonly stride?: number;
  readonly initialiser?: Initialiser;
}

/** [N H W I] -> [N H/stride W/stride O], no bias. Parameter NAME.weight [K K I O]. */
export function convolution(
  builder: NetworkBuilder,
  name: string,
  inputs: number,
  outputs: number,
  { kernel, stride = 1, initialiser = kaimingUniform }: ConvolutionOptions,
): Layer {
  const weight = builder.parameter(
    `${name}.weight`,
    [kernel, kernel, inputs, outputs],
    initialiser,
  );
  return (x, pass) =>
    nameScope(name, () => {
      const filter = pass.parameter(weight) as Tensor4D;
      if (kernel === 1) return kernels.conv2d(x, filter, stride, 'VALID');
      if (stride === 1) {
        const fast = builder.convolutionMethod === 'auto' && suitsWinograd(x, filter);
        return fast ? winogradConv2d(x, filter) : kernels.conv2d(x, filter, 1, 'SAME');
      }
      // TensorFlow's SAME would pad right and bottom only; its EXPLICIT padding is slow on CPU.
      const padded = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]); // prettier-ignore
      return kernels.conv2d(padded, filter, stride, 'VALID');
    });
}

/**
 * Batch normalisation over N, H, W. Parameters NAME.weight, NAME.bias [C]; statistics
 * NAME.running_mean, NAME.running_var [C].
 */
export function batchNorm(builder: NetworkBuilder, name: string, channels: number): Layer {
  const scale = builder.parameter(`${name}.weight`, [channels], constant(1));
  const offset = builder.parameter(`${name}.bias`, [channels], constant(0));
  const mean = builder.statistic(`${name}.running_mean`, [channels], 0);
  const variance = builder.statistic(`${name}.running_var`, [channels], 1);
  return (x, pass) =>
    nameScope(name, () => {
      const [gamma, beta] = [pass.parameter(scale) as Tensor1D, pass.parameter(offset) as Tensor1D];
      if (pass.mode === 'evaluation') {
        const [mu, sigma2] = [pass.statistic(mean), pass.statistic(variance)];
        return kernels.batchNormInference(x, gamma, beta, mu, sigma2);
      }
      const batch = kernels.batchNormTraining(x, gamma, beta);
      pass.observe(mean, batch.mean);
      pass.observe(variance, batch.variance);
      return batch.y;
    });
}

/** [N I] -> [N O]. Parameters NAME.weight [I O], NAME.bias [O]. */
export function linear(
  builder: NetworkBuilder,
  name: string,
  inputs: number,
  outputs: number,
  initialiser: Initialiser = kaimingUniform,
): Layer<Tensor2D, Tensor2D> {
  const weight = builder.parameter(`${name}.weight`, [inputs, outputs], initialiser);
  const bias = builder.parameter(`${name}.bias`, [outputs], biasUniform(inputs));
  return (x, pass) =>
    nameScope(name, () =>
      tf.add(tf.matMul(x, pass.parameter(weight) as Tensor2D), pass.parameter(bias)),
    );
}

export const relu: Layer = (x) => kernels.relu(x);

/** [N H W C] -> [N C]: the mean over each channel's plane. */
export const globalAveragePool: Layer<Tensor4D, Tensor2D> = (x) =>
  nameScope('pool', () => tf.mean(x, [1, 2]));

/** The layers one after the other. */
export function sequence(...layers: readonly Layer[]): Layer {
  return (x, pass) => layers.reduce((y, layer) => layer(y, pass), x);
}
