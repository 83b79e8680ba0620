// The problems of analysis.json as objectives: golden weights, images and labels.
import { modelSchema } from '../../../src/catalogue/schema.js';
import type { Source } from '../../../src/data/source.js';
import { buildModel } from '../../../src/models/models.js';
import { relu } from '../../../src/native/kernels.js';
import { tf, type Tensor, type Tensor1D, type Tensor2D } from '../../../src/native/tensorflow.js';
import { gelu } from '../../../src/native/transformer.js';
import { linear } from '../../../src/nn/layers.js';
import { NetworkBuilder, type Network } from '../../../src/nn/network.js';
import { openObjective, type Objective } from '../../../src/session/objective.js';
import type { Mode } from '../../../src/session/session.js';
import { required } from '../../../src/util/errors.js';
import { goldenNetwork, type GoldenNetwork } from '../../support/golden-analysis.js';
import { fill, goldenImages, goldenLabels, goldenParameters, goldenStatistics } from './golden.js';
import { CROSS_ENTROPY } from './task.js';

/** The networks of analysis.json. */
export const CASES = [
  'mlp-tanh',
  'mlp-relu',
  'mlp-gelu',
  'vit',
  'resnet18-evaluation',
  'resnet18-training',
  'vgg11-bn-evaluation',
  'vgg11-bn-training',
];

/** The largest difference over the largest value. */
export function distance(got: readonly number[], wanted: readonly number[]): number {
  const apart = got.map((x, i) => Math.abs(x - required(wanted[i], 'a value')));
  return Math.max(...apart) / Math.max(...wanted.map(Math.abs));
}

const ACTIVATIONS: Readonly<Record<string, (x: Tensor2D) => Tensor2D>> = {
  tanh: (x) => tf.tanh(x),
  relu: (x) => relu(x),
  gelu: (x) => gelu(x),
};

/** Of `mlp-tanh` and its like: 6 numbers, 5 hidden, 3 classes. */
function twoLayers(name: string): Network {
  const activation = required(ACTIVATIONS[name.replace('mlp-', '')], name);
  const builder = new NetworkBuilder();
  const [first, second] = [linear(builder, 'first', 6, 5), linear(builder, 'second', 5, 3)];
  return builder.buildOver(2, name, (x, pass) => second(activation(first(x, pass)), pass));
}

function networkOf({ name, model, batches, classes }: GoldenNetwork): Network {
  if (model === null) return twoLayers(name);
  const [, channels = 0, height = 0, width = 0] = required(batches[0], 'a batch').images;
  return buildModel(modelSchema.parse(model), { height, width, channels, classes });
}

/** Its batches, in their order: no two are of one size. */
function sourceOf({ batches, classes }: GoldenNetwork): Source {
  const sizes = batches.map(({ images: [count = 0] }) => count);
  const shapeOf = ([, ...image]: readonly number[]): number[] => {
    const [channels = 0, height = 0, width = 0] = image;
    return image.length === 3 ? [height, width, channels] : image;
  };
  const shape = shapeOf(required(batches[0], 'a batch').images);
  const fed = batches.map(({ step, images }) => ({
    images:
      images.length === 4
        ? goldenImages(20000 + step, images as [number, number, number, number])
        : fill(
            20000 + step,
            images.reduce((product, one) => product * one),
            2,
          ),
    labels: goldenLabels(step, images[0] ?? 0, classes),
  }));
  return {
    examples: sizes.reduce((sum, one) => sum + one, 0),
    sizes,
    held: {},
    lent: [],
    fed: (size) => ({ begin: 0, size }),
    inputs: (size) => ({
      images: { dtype: 'float32', shape: [size, ...shape] },
      labels: { dtype: 'int32', shape: [size] },
    }),
    gather: (_, inputs) => inputs,
    async *batches() {
      for (const [i, inputs] of fed.entries()) {
        yield await Promise.resolve({ examples: required(sizes[i], 'a size'), inputs });
      }
    },
  };
}

const plain = ({ images, labels }: Readonly<Record<string, Tensor>>) => ({
  input: required(images, 'images'),
  targets: { labels: required(labels, 'labels') as Tensor1D },
});

/** The objective of a case of analysis.json. */
export function openGoldenObjective(
  name: string,
  asked: Parameters<typeof openObjective>[0]['asked'],
  mode: Mode = 'compiled',
): { readonly golden: GoldenNetwork; readonly objective: Objective } {
  const golden = goldenNetwork(name);
  const network = networkOf(golden);
  const objective = openObjective(
    {
      network,
      task: { ...CROSS_ENTROPY, plain },
      source: sourceOf(golden),
      state: new Map([
        ['parameters', goldenParameters(golden)],
        ['statistics', goldenStatistics(golden).subarray(0, network.statistics.size)],
      ]),
      batchNorm: golden.mode === 'evaluation' ? 'evaluation' : 'batch',
      asked,
    },
    mode,
  );
  return { golden, objective };
}
