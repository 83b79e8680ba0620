// A profiled step: the ops that the graph has, and what an unwatched step computes.
import { batchAt } from '../../src/data/image-source.js';
import './support/without-onednn.js';
import { expect, test } from 'vitest';
import { loadGraph, traceProgram } from '../../src/graph/compile.js';
import { runEagerly } from '../../src/graph/eager.js';
import type { ProgramSpec } from '../../src/graph/program.js';
import { decodeProfile, type Profile } from '../../src/native/profile.js';
import { tf, type Tensor4D } from '../../src/native/tensorflow.js';
import { describeStep } from '../../src/tasks/engine.js';
import { profileSteps } from '../../src/session/profile-steps.js';
import { required } from '../../src/util/errors.js';
import { batchOf, bytes, tinyConfig, tinyDataset, tinyEngine } from './support/engine.js';
import { shapeOf } from '../../src/data/dataset.js';

const SPEC: ProgramSpec = {
  variables: { kernel: { dtype: 'float32', shape: [5, 5, 3, 4] } },
  functions: {
    net: {
      inputs: { images: { dtype: 'float32', shape: [2, 8, 8, 3] } },
      state: ['kernel'],
      body: ({ kernel }, { images }) => {
        const filter = required(kernel, 'kernel') as Tensor4D;
        const once = tf.conv2d(required(images, 'images') as Tensor4D, filter, 1, 'same');
        const flat = tf.reshape(once, [2, 256]);
        const product = tf.matMul(flat, flat, false, true);
        return { state: { kernel: tf.mul(filter, tf.mean(product)) }, outputs: { product } };
      },
    },
  },
};

const count = (profile: Profile, op: string) => profile.filter((node) => node.op === op).length;

test('a small network: its ops once each, in their order, with the bytes of their outputs', () => {
  const program = loadGraph(traceProgram(SPEC));
  program.write(
    'kernel',
    Float32Array.from({ length: 300 }, (_, i) => Math.sin(i)),
  );
  const images = Float32Array.from({ length: 384 }, (_, i) => Math.cos(i));
  let profile: Profile = [];
  program.run('net', { images }, (metadata) => {
    profile = decodeProfile(metadata);
  });
  const of = (op: string) =>
    required(
      profile.find((node) => node.op === op),
      op,
    );
  const convolution = profile.find(({ op }) => op.includes('Conv2D'))!;
  expect(convolution.name).toContain('net/');
  // [2 8 8 4] and [2 2] of four bytes.
  expect(convolution.bytes).toBe(2048);
  const product = profile.find(({ op }) => op.includes('MatMul'))!;
  expect(product.bytes).toBe(16);
  expect(product.start).toBeGreaterThanOrEqual(convolution.start + convolution.duration);
  expect(of('AssignVariableOp').start).toBeGreaterThan(product.start);
  expect(count(profile, 'AssignVariableOp')).toBe(1);
  expect(profile[0]?.start).toBe(0);
  for (const { start, duration, bytes: size } of profile) {
    for (const number of [start, duration, size]) {
      expect(Number.isInteger(number) && number >= 0).toBe(true);
    }
  }
  program.dispose();
});

test('a program that runs op by op has no profile', () => {
  const eager = runEagerly(SPEC);
  const images = new Float32Array(384);
  expect(() => eager.run('net', { images }, () => undefined)).toThrow(
    'internal: net runs op by op',
  );
});

test('a training step: as many of each costly op as the graph lists, and the same results', () => {
  const config = tinyConfig();
  const listing = describeStep(config, shapeOf(tinyDataset(config)));
  const listed = new Map(
    [...listing.matchAll(/^ +(\d+) (\w+)$/gm)].map(([, number, op]) => [op!, Number(number)]),
  );
  const [plain, watched] = [tinyEngine(config), tinyEngine(config)];
  let profile: Profile = [];
  for (const step of [0, 1]) {
    const batch = [step, batchAt(batchOf(config, step)), 0.05] as const;
    const results = watched.trainStep(...batch, (metadata) => {
      profile = decodeProfile(metadata);
    });
    expect(results).toEqual(plain.trainStep(...batch));
  }
  expect(bytes(watched.readState())).toEqual(bytes(plain.readState()));
  // TensorFlow's optimizer folds and fuses others.
  const costly = [...listed.keys()].filter((op) => /Conv2D|^NormalizeBatch|MatMul/.test(op));
  expect(costly.length).toBeGreaterThan(8);
  for (const op of [...costly, 'AssignVariableOp']) {
    expect([op, count(profile, op)]).toEqual([op, listed.get(op)]);
  }
  for (const engine of [plain, watched]) engine.dispose();
});

test('a sum of sums is added in its order: TensorFlow gathers none into one op', () => {
  const config = tinyConfig();
  const engine = tinyEngine(config);
  let profile: Profile = [];
  engine.trainStep(0, batchAt(batchOf(config, 0)), 0.05, (metadata) => {
    profile = decodeProfile(metadata);
  });
  expect(count(profile, 'Add')).toBeGreaterThan(10);
  expect(count(profile, 'AddN')).toBe(0);
  engine.dispose();
});

test('profileSteps: every second step after the warm-up, on full batches', async () => {
  const config = tinyConfig();
  const engine = tinyEngine(config);
  const steps: { step: number; images: number; traced: boolean }[] = [];
  const { table, unwatched, fastest } = await profileSteps(
    {
      training: engine.training,
      trainStep: (step, batch, rate, traced) => {
        steps.push({ step, images: batch.examples, traced: traced !== undefined });
        return engine.trainStep(step, batch, rate, traced);
      },
    },
    config,
    { warmup: 1, steps: 3 },
  );
  expect(steps.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(steps.map(({ traced }) => traced)).toEqual([false, false, true, false, true, false, true]);
  expect(new Set(steps.map(({ images }) => images))).toEqual(new Set([8]));
  expect(unwatched).toBeGreaterThan(0);
  expect(fastest.milliseconds).toBeLessThanOrEqual(table.wall);
  const sum = table.rows.reduce((total, { milliseconds }) => total + milliseconds, 0);
  expect(sum + table.outside - table.twice).toBeCloseTo(table.wall, 6);
  expect(table.outside).toBeGreaterThan(0);
  const nodes = table.rows.reduce((total, row) => total + row.count, 0);
  expect(nodes).toBeCloseTo(fastest.events.length, 6);
  engine.dispose();
});
