// DeiT-S and a small twin against timm's network (test/golden/deit.json): passes, resampled positions, and
// pretrained files under timm's and torchvision's names.
import { beforeAll, describe, expect, test } from 'vitest';
import { modelSchema } from '../../src/catalogue/schema.js';
import { loadGraph, traceProgram } from '../../src/graph/compile.js';
import { runEagerly } from '../../src/graph/eager.js';
import { buildModel } from '../../src/models/models.js';
import { dropPathRate } from '../../src/models/vit.js';
import { resamplePositions, weights, type Resampling } from '../../src/nn/positions.js';
import type { Network } from '../../src/nn/network.js';
import { sizeOf } from '../../src/native/types.js';
import { readPretrained } from '../../src/session/pretrained.js';
import { networkSlots, type State } from '../../src/session/slot.js';
import { required } from '../../src/util/errors.js';
import { f32, safetensorsFile, type Written } from '../support/safetensors.js';
import { expectNear, l2 } from './support/compare.js';
import {
  fill,
  goldenImages,
  goldenParameters,
  goldenValues,
  inOurLayout,
  ourShape,
  piece,
  type GoldenModel,
  type GoldenTensor,
} from './support/golden.js';
import { goldenDeit, type GoldenTransformer, type Resampled } from './support/golden-deit.js';
import { passesOf } from './support/passes.js';

const golden = goldenDeit();

/**
 * PyTorch in float32 is 1.2e-6 of the largest logit, 1e-7 of the loss and 5e-7 of the gradient norms away
 * from the golden numbers, which are float64's.
 */
const BOUND = { logits: 3e-6, loss: 1e-6, gradient: 3e-6 };

function networkOf(
  { options, classes }: Pick<GoldenTransformer, 'options' | 'classes'>,
  [, channels, height, width]: GoldenModel['input'],
): Network {
  return buildModel(modelSchema.parse({ ...options }), { height, width, channels, classes });
}

const largest = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);

function expectLogits(got: Float32Array, wanted: readonly (readonly number[])[]): void {
  const flat = wanted.flat();
  expect(got).toHaveLength(flat.length);
  const apart = largest(flat.map((value, i) => value - required(got[i], 'a logit')));
  expect(apart / largest(flat)).toBeLessThan(BOUND.logits);
}

const labelsOf = ([batch]: GoldenModel['input'], classes: number): Int32Array =>
  Int32Array.from({ length: batch }, (_, i) => i % classes);

describe.each(['twin', 'deit_small'] as const)('%s', (name) => {
  const network = golden[name];
  const { input, classes } = network;
  const ours = networkOf(network, input);

  test('has the parameters of timm’s, in its order', () => {
    expect(ours.parameters.size).toBe(network.parameters);
    expect(ours.parameters.tensors.map((tensor) => [tensor.name, tensor.shape])).toEqual(
      network.tensors.map(([tensor, shape]) => [tensor, ourShape(shape)]),
    );
    for (const [count, parameters] of Object.entries(network.parameters_by_classes)) {
      const other = networkOf({ ...network, classes: Number(count) }, input);
      expect(other.parameters.size).toBe(parameters);
    }
  });

  test.each(['eager', 'traced'] as const)('computes what timm’s does, %s', (how) => {
    const passes = passesOf(ours, input);
    const program = how === 'eager' ? runEagerly(passes) : loadGraph(traceProgram(passes));
    program.write('parameters', goldenParameters(network));
    program.write('statistics', new Float32Array(0));
    program.write('momentum', new Float32Array(ours.parameters.size));
    const images = goldenImages(9999, input);
    const { logits } = program.run('evaluation', { images });
    expectLogits(required(logits, 'logits') as Float32Array, network.logits);
    const learningRate = Float32Array.of(0.1);
    const step = program.run('step', { images, labels: labelsOf(input, classes), learningRate });
    expectNear('loss', step['loss'] as Float32Array, [network.loss], BOUND.loss);
    for (const [tensor, norm] of Object.entries(network.grad_norms)) {
      const gradient = piece(ours.parameters, step['gradient'] as Float32Array, tensor);
      expectNear(`gradient of ${tensor}`, l2(gradient), norm, BOUND.gradient);
    }
    program.dispose();
  });
});

test('names alone make the networks', () => {
  const sizes = { height: 224, width: 224, channels: 3, classes: 1000 };
  const count = (name: string) => buildModel(modelSchema.parse({ name }), sizes).parameters.size;
  expect(count('deit-s')).toBe(22_050_664);
  expect(count('vit-s/16')).toBe(22_050_664);
  // DeiT's paper, table 1: 5M.
  expect(count('deit-ti')).toBe(5_717_416);
});

test('drop-path rises by layer as timm’s does', () => {
  const { rate, by_layer: wanted } = golden.drop_path;
  wanted.forEach((one, layer) => {
    expect(dropPathRate(rate, layer, wanted.length)).toBeCloseTo(one, 10);
  });
});

const WAYS: readonly Resampling[] = ['antialias', 'plain'];

describe('position embeddings', () => {
  test.each(Object.keys(golden.positions.matrices))('weights %s', (name) => {
    const [from = 0, to = 0] = name.split(' to ').map(Number);
    for (const how of WAYS) {
      const wanted = required(golden.positions.matrices[name], name)[how];
      weights(from, to, how).forEach((row, i) => {
        row.forEach((weight, j) => expect(weight).toBeCloseTo(wanted[i]?.[j] ?? NaN, 10));
      });
    }
  });

  describe.each(['twin', 'deit_small'] as const)('%s', (name) => {
    const network = golden[name];
    const { from, cases } = golden.positions[name];
    const [height, width] = from;
    const size = Number(network.options['width']);
    const table = fill(1, (height * width + 1) * size, 0.2);
    const resampled = (grid: readonly [number, number], how: Resampling) =>
      resamplePositions(table, { height, width }, { height: grid[0], width: grid[1] }, how);

    test.each(cases.map((one) => [one.grid.join('x'), one] as const))(
      'to %s',
      (_, { grid, ...ways }) => {
        for (const how of WAYS) {
          const wanted: Resampled = ways[how];
          const got = resampled(grid, how);
          expectNear('norm', l2(got), wanted.norm, 1e-7);
          for (const [row, column, value] of wanted.entries) {
            expect(got[row * size + column]).toBeCloseTo(value, 7);
          }
          wanted.first_channel?.forEach((value, i) => {
            expect(got[(i + 1) * size]).toBeCloseTo(value, 7);
          });
          expect(got.subarray(0, size)).toEqual(table.subarray(0, size));
          if (wanted.input === undefined) continue;
          const ours = networkOf(network, wanted.input);
          const parameters = new Float32Array(ours.parameters.size);
          network.tensors.forEach(([tensor, shape, kind], k) => {
            const values =
              tensor === 'pos_embed'
                ? got
                : inOurLayout(goldenValues([tensor, shape, kind], k), shape);
            piece(ours.parameters, parameters, tensor).set(values);
          });
          for (const program of [
            runEagerly(passesOf(ours, wanted.input)),
            loadGraph(traceProgram(passesOf(ours, wanted.input))),
          ]) {
            program.write('parameters', parameters);
            program.write('statistics', new Float32Array(0));
            program.write('momentum', new Float32Array(ours.parameters.size));
            const images = goldenImages(9999, wanted.input);
            const { logits } = program.run('evaluation', { images });
            expectLogits(logits as Float32Array, required(wanted.logits, 'logits'));
            const labels = labelsOf(wanted.input, network.classes);
            const { loss } = program.run('step', {
              images,
              labels,
              learningRate: Float32Array.of(0),
            });
            expectNear('loss', loss as Float32Array, [required(wanted.loss, 'loss')], BOUND.loss);
            program.dispose();
          }
        }
      },
    );
  });
});

describe.each(Object.entries(golden.pretrained))('a file of %s', (_name, file) => {
  const model = typeof file.network === 'string' ? { name: file.network } : { ...file.network };
  const shape = { height: 224, width: 224, channels: 3, classes: 1000 };
  const network = buildModel(modelSchema.parse(model), shape);
  let state: State;
  let notes: readonly string[];

  beforeAll(async () => {
    const slots = networkSlots(network);
    const drawn = new Map(slots.map(({ name, size }) => [name, new Float32Array(size)]));
    const path = safetensorsFile(filled(file.rows));
    ({ state, notes } = await readPretrained(path, 'the network', slots, drawn, 'antialias'));
  });

  test('has the names and shapes of the network', () => {
    const ours = [...network.parameters.tensors, ...network.statistics.tensors];
    const rows = file.rows.filter(([, , name]) => name !== null);
    expect(new Map(rows.map(([key, , name, wanted]) => [key, [name, wanted]]))).toEqual(
      new Map(ours.map(({ name, shape: own }) => [name, [name, own]])),
    );
    expect(notes[0]).toContain(`begins with ${ours.length} of ${ours.length} tensors`);
    expect(notes).toHaveLength(1);
  });

  test.each(['parameters', 'statistics'] as const)('fills the %s', (slot) => {
    const wanted = slot === 'parameters' ? file.filled_parameters : file.filled_statistics;
    const vector = required(state.get(slot), slot);
    expect(vector).toHaveLength(wanted?.size ?? 0);
    if (wanted === undefined) return;
    expectNear('norm', l2(vector), wanted.norm, 1e-9);
    for (const [tensor, place, value] of wanted.entries) {
      expect(vector[place], tensor).toBeCloseTo(value, 9);
    }
  });
});

/** What the keys of a published file hold when filled by the formula, in their order. */
function filled(rows: (typeof golden.pretrained)[string]['rows']): Written[] {
  let [parameters, norms] = [0, -1];
  return rows.map(([key, shape]): Written => {
    const leaf = key.split('.').at(-1);
    const size = sizeOf(shape);
    switch (leaf) {
      case 'num_batches_tracked':
        return { name: key, dtype: 'I64', shape, bytes: new Uint8Array(8 * size) };
      case 'running_mean':
        return f32(key, shape, fill(1000 + 2 * ++norms, size, 0.2));
      case 'running_var':
        return f32(key, shape, fill(1001 + 2 * norms, size, 0.4, 1));
      default: {
        const scale = shape.length === 1 && leaf === 'weight' ? 'bn_scale' : 'bias';
        const kind = shape.length === 2 || shape.length === 4 ? 'weight' : scale;
        const tensor: GoldenTensor = [key, shape, kind];
        return f32(key, shape, goldenValues(tensor, parameters++));
      }
    }
  });
}
