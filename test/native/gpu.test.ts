// What is made ready for a GPU before TensorFlow loads, and how a step is traced for one. No GPU is needed.
import { rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { configSchema } from '../../src/catalogue/schema.js';
import { datasetShape } from '../../src/data/load.js';
import { encodeGraph } from '../../src/graph/graph-def.js';
import { hostNodes } from '../../src/graph/host-nodes.js';
import type { Node } from '../../src/graph/node.js';
import { prepareGpu } from '../../src/native/gpu.js';
import { dealtGpus, GPU_DEFAULTS, settleGpuEnvironment } from '../../src/native/gpu-environment.js';
import { withoutOwnOps } from '../../src/native/own-ops.js';
import { allowTf32, openGraph } from '../../src/native/session.js';
import { traceRun } from '../../src/tasks/engine.js';
import { UserError } from '../../src/util/errors.js';
import { temporaryFolder } from '../support/folders.js';
import { writeCuda, writeDriver } from './support/made-up-cuda.js';

const deterministic = { ...GPU_DEFAULTS, deterministic: true };
const before = { ...process.env };

beforeEach(() => {
  for (const name of Object.keys(process.env)) {
    if (/^TF_/.test(name)) Reflect.deleteProperty(process.env, name);
  }
  process.env['PATH'] = before['PATH'];
});

test.each([
  [undefined, 1, 1, '1'],
  [undefined, 1, 2, '2,3'],
  ['4,5,6,7', 0, 2, '4,5'],
  ['4,5,6,7', 1, 2, '6,7'],
  ['GPU-a,GPU-b', 1, 1, 'GPU-b'],
])('of the GPUs %j worker %i, with %i for each, has %j', (visible, worker, devices, own) => {
  expect(dealtGpus(visible, { worker, devices })).toBe(own);
});

test.each(['', '3', '3,'])('a worker that no GPU of %j is left for is refused', (visible) => {
  expect(() => dealtGpus(visible, { worker: 1, devices: 1 })).toThrow(
    'wanted 2 GPUs or more, 1 for each worker; start fewer, or use --device cpu',
  );
});

/** Name and value of those that are set. */
const settled = (...options: Parameters<typeof settleGpuEnvironment>) =>
  settleGpuEnvironment(...options).map(({ name, value, by }) => `${name}=${value} ${by}`);

test('the environment is set where the user has not, and told from what the user has', () => {
  process.env['TF_GPU_THREAD_COUNT'] = '4';
  expect(settled(GPU_DEFAULTS)).toEqual([
    'TF_FORCE_GPU_ALLOW_GROWTH=true fsam',
    'TF_GPU_THREAD_MODE=gpu_private fsam',
    'TF_GPU_THREAD_COUNT=4 the environment',
  ]);
  expect(process.env).toMatchObject({
    TF_FORCE_GPU_ALLOW_GROWTH: 'true',
    TF_GPU_THREAD_MODE: 'gpu_private',
    TF_GPU_THREAD_COUNT: '4',
  });
  expect(process.env['TF_DETERMINISTIC_OPS']).toBeUndefined();
});

test('deterministic true sets three more, and refuses what contradicts it', () => {
  expect(settled(deterministic).slice(3)).toEqual([
    'TF_DETERMINISTIC_OPS=1 fsam',
    'TF_CUDNN_DETERMINISTIC=1 fsam',
    'TF_CUDNN_USE_AUTOTUNE=0 fsam',
  ]);
  process.env['TF_CUDNN_USE_AUTOTUNE'] = '1';
  expect(() => settled(deterministic)).toThrow(
    new UserError(
      'TF_CUDNN_USE_AUTOTUNE: got "1" with deterministic true, wanted 0; unset it, or set deterministic to false',
    ),
  );
});

/** A machine with a driver and a folder of CUDA's libraries. */
function machine(devices: number): [folder: string, driver: string] {
  const folder = temporaryFolder();
  writeCuda(folder);
  writeDriver(join(folder, 'libcuda.so.1'), { devices });
  return [folder, join(folder, 'libcuda.so.1')];
}

test('a GPU that is ready: nothing is told, and ptxas comes first on the PATH', () => {
  const [folder, driver] = machine(1);
  expect(prepareGpu('gpu', folder, GPU_DEFAULTS, driver)).toBeNull();
  expect(process.env['PATH']?.split(delimiter)[0]).toBe(join(folder, 'nvidia/cuda_nvcc/bin'));
  const path = process.env['PATH'];
  prepareGpu('auto', folder, GPU_DEFAULTS, driver);
  expect(process.env['PATH']).toBe(path);
});

test('no GPU: told where it is open which device is taken, refused where a GPU is asked for', () => {
  const [folder, driver] = machine(0);
  const lack = 'the NVIDIA driver finds no GPU; nvidia-smi lists what there is';
  expect(prepareGpu('auto', folder, GPU_DEFAULTS, driver)).toBe(lack);
  expect(() => prepareGpu('gpu', folder, GPU_DEFAULTS, driver)).toThrow(
    new UserError(`device gpu: ${lack}, or use --device cpu`),
  );
});

test.each(['auto', 'gpu'] as const)(
  'a GPU that lacks a library is refused: device %s',
  (wanted) => {
    const [folder, driver] = machine(1);
    const library = join(folder, 'nvidia/cusolver/lib/libcusolver.so.11');
    rmSync(library);
    expect(() => prepareGpu(wanted, folder, GPU_DEFAULTS, driver)).toThrow(
      new UserError(
        `device ${wanted}: CUDA: ${library} is missing; node scripts/setup.mjs fetches the library anew, or use ` +
          '--device cpu; fsam doctor lists all',
      ),
    );
  },
);

test('TF32 is switched in TensorFlow itself', () => {
  expect([false, true].map(allowTf32)).toEqual([false, true]);
});

/** Its full gradient goes back through batch normalisation by running statistics. */
const config = configSchema.parse({
  name: 'gpu',
  batchSize: 4,
  data: { name: 'synthetic', synthetic: { train: 8, test: 4, size: 8, channels: 3, classes: 4 } },
  model: { name: 'wrn-10-1', width: 4 },
  optimizer: { name: 'sam-full', fullGradient: { batchNorm: 'running' } },
});

test('a run traced for a GPU has none of our own ops, and no gradient that determinism refuses', async () => {
  const shape = { ...(await datasetShape(config.data, config.seed)), labelNoise: false };
  const { nodes } = withoutOwnOps(() => traceRun(config, shape));
  const trains = (op: string) =>
    nodes
      .filter((node) => node.op === op)
      .map(({ attributes: { is_training: training } }) => training?.value === true);
  expect(nodes.map(({ op }) => op).filter((op) => /^Normalize|Winograd|Patch/.test(op))).toEqual(
    [],
  );
  expect(new Set(trains('FusedBatchNormV3'))).toEqual(new Set([true, false]));
  // TensorFlow: "A deterministic GPU implementation of fused batch-norm backprop, when training is disabled, is not
  // currently available."
  expect(new Set(trains('FusedBatchNormGradV3'))).toEqual(new Set([true]));
  expect(traceRun(config, shape).nodes.some(({ op }) => op === 'NormalizeBatchRelu')).toBe(true);
});

test('beside a GPU a data set and what moves its bytes are on the host, and nothing else is', async () => {
  const shape = { ...(await datasetShape(config.data, config.seed)), labelNoise: false };
  const { nodes } = withoutOwnOps(() => traceRun(config, shape));
  const host = hostNodes(nodes);
  const onHost = (node: Node) => host.has(node.name);
  const variables = nodes.filter(({ op }) => op === 'VarHandleOp');
  expect(variables.filter(onHost).map(({ name }) => name)).toEqual([
    'trainImages',
    'trainLabels',
    'testImages',
    'testLabels',
  ]);
  const gathers = nodes.filter(({ op }) => op === 'GatherV2');
  expect(gathers.length).toBeGreaterThan(4);
  expect(gathers.filter((node) => !onHost(node))).toEqual([]);
  const indices = nodes.filter(({ name }) => name.endsWith('/indices'));
  expect(indices.length).toBeGreaterThan(0);
  expect(indices.every(onHost)).toBe(true);
  const kinds = new Set(nodes.filter(onHost).map(({ op }) => op));
  const access = ['AssignVariableOp', 'GatherV2', 'Placeholder', 'ReadVariableOp', 'VarHandleOp'];
  expect([...kinds].filter((op) => !['Const', 'Reshape'].includes(op)).sort()).toEqual(access);
  expect(nodes.filter(onHost).some(({ outputs }) => outputs[0]?.dtype === 'float32')).toBe(false);
  // TensorFlow takes the names of devices: here all of them are the CPU.
  const place = (node: Node) => (onHost(node) ? '/device:CPU:0' : '');
  openGraph(encodeGraph(nodes, place)).close();
});
