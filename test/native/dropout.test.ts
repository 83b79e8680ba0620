// Dropout and drop-path: how often, how they scale, and which seed decides.
import './support/without-onednn.js';
import { describe, expect, test } from 'vitest';
import { tf, type Tensor2D, type Tensor4D } from '../../src/native/tensorflow.js';
import { dropout, dropPath } from '../../src/nn/dropout.js';
import { globalAveragePool } from '../../src/nn/layers.js';
import { NetworkBuilder, type Layer, type Network } from '../../src/nn/network.js';
import { required } from '../../src/util/errors.js';
import { after, bytes, tinyConfig, tinyEngine, train } from './support/engine.js';

const [IMAGES, SIDE, CHANNELS, RATE, STEPS] = [16, 2, 8, 0.3, 200] as const;

/** The layer alone, its whole output as one row an image [N H*W*C]. */
function alone(make: (builder: NetworkBuilder) => Layer): Network {
  const builder = new NetworkBuilder();
  const layer = make(builder);
  return builder.build('alone', (images, pass) => {
    globalAveragePool(images, pass);
    return layer(images, pass).reshape<Tensor2D>([IMAGES, -1]);
  });
}

function outputs(network: Network, seed: [number, number], mode: 'training' | 'evaluation') {
  return tf.tidy(() => {
    const empty = tf.tensor1d([], 'float32');
    const images: Tensor4D = tf.ones([IMAGES, SIDE, SIDE, CHANNELS]);
    const { output } = network.forward(empty, empty, images, mode, tf.tensor1d(seed, 'int32'));
    return Array.from(output.dataSync());
  });
}

describe('dropout', () => {
  const network = alone((builder) => dropout(builder, RATE));

  test('drops that share over 200 steps, and divides the rest by what is kept', () => {
    let dropped = 0;
    for (let step = 0; step < STEPS; step++) {
      for (const y of outputs(network, [step, 7], 'training')) {
        if (y === 0) dropped++;
        else expect(y).toBeCloseTo(1 / (1 - RATE), 6);
      }
    }
    const all = STEPS * IMAGES * SIDE * SIDE * CHANNELS;
    // Five standard deviations of a binomial share.
    expect(Math.abs(dropped / all - RATE)).toBeLessThan(5 * Math.sqrt((RATE * (1 - RATE)) / all));
  });

  test('another seed, another mask; the same seed, the same mask', () => {
    const mask = (seed: [number, number]) => outputs(network, seed, 'training').join();
    expect(mask([1, 2])).toBe(mask([1, 2]));
    expect(new Set([mask([1, 2]), mask([1, 3]), mask([2, 2])]).size).toBe(3);
  });

  test('two layers of one pass draw apart', () => {
    const builder = new NetworkBuilder();
    const [first, second] = [dropout(builder, 0.5), dropout(builder, 0.5)];
    const network = builder.build('two', (x, pass) =>
      tf.concat([first(x, pass), second(x, pass)]).reshape<Tensor2D>([2 * IMAGES, -1]),
    );
    const y = outputs(network, [1, 1], 'training');
    expect(y.slice(0, y.length / 2)).not.toEqual(y.slice(y.length / 2));
  });

  test('does nothing in evaluation, and nothing at rate 0', () => {
    expect(new Set(outputs(network, [1, 1], 'evaluation'))).toEqual(new Set([1]));
    const off = alone((builder) => dropout(builder, 0));
    expect(off.drawsRandom).toBe(false);
    expect(network.drawsRandom).toBe(true);
    expect(new Set(outputs(off, [1, 1], 'training'))).toEqual(new Set([1]));
  });
});

test('drop-path drops whole images, that share of them over 200 steps', () => {
  const network = alone((builder) => dropPath(builder, RATE));
  let dropped = 0;
  for (let step = 0; step < STEPS; step++) {
    const y = outputs(network, [step, 0], 'training');
    for (let image = 0; image < IMAGES; image++) {
      const size = SIDE * SIDE * CHANNELS;
      const kinds = new Set(y.slice(image * size, (image + 1) * size));
      expect(kinds.size).toBe(1);
      if (kinds.has(0)) dropped++;
      else expect([...kinds][0]).toBeCloseTo(1 / (1 - RATE), 6);
    }
  }
  const all = STEPS * IMAGES;
  expect(Math.abs(dropped / all - RATE)).toBeLessThan(5 * Math.sqrt((RATE * (1 - RATE)) / all));
});

describe('a network with dropout in training', () => {
  const model = { name: 'vgg11-bn', width: 2 };
  const config = tinyConfig({ size: 32, keys: { model } });

  test('the same seed gives the same bytes, another seed others', () => {
    const state = bytes(after(config, 3));
    expect(bytes(after(config, 3))).toEqual(state);
    const other = tinyConfig({ size: 32, keys: { model: { ...model, dropout: 0.4 } } });
    expect(bytes(after(other, 3))).not.toEqual(state);
  });

  test('stopped and resumed, it goes on as if it had never stopped', () => {
    const [straight, resumed] = [tinyEngine(config), tinyEngine(config)];
    train(straight, config, 0, 2);
    resumed.writeState(straight.readState());
    expect(train(resumed, config, 2, 4)).toEqual(train(straight, config, 2, 4));
    expect(bytes(resumed.readState())).toEqual(bytes(straight.readState()));
    straight.dispose();
    resumed.dispose();
  });

  test('the two passes of SAM draw different masks', () => {
    // With rho = 0 both passes are at w: only the masks tell their losses apart.
    const losses = (dropout: number) => {
      const optimizer = { name: 'sam', rho: 0 };
      const keys = { optimizer, model: { ...model, dropout } };
      const engine = tinyEngine(tinyConfig({ size: 32, keys }));
      const [step] = train(engine, config, 0, 1);
      engine.dispose();
      return ['train_loss', 'perturbed_loss'].map(
        (column) => required(step, 'a step').numbers[column],
      );
    };
    const [first, second] = losses(0.5);
    expect(first).not.toBe(second);
    const [plain, same] = losses(0);
    expect(plain).toBe(same);
  });

  test('traced is eager', () => {
    const [traced, eager] = [tinyEngine(config, 'compiled'), tinyEngine(config, 'eager')];
    const [a] = train(traced, config, 0, 1);
    const [b] = train(eager, config, 0, 1);
    expect(a?.numbers['train_loss']).toBeCloseTo(b?.numbers['train_loss'] ?? NaN, 5);
    traced.dispose();
    eager.dispose();
  });
});
