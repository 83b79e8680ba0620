// The machine and the libraries, as the user is told of them.
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { describeProcessor } from '../experiment/processor.js';
import type { RunEnvironment } from '../experiment/run.js';
import type { Device } from '../native/device.js';

/** What a run's environment.json says of TensorFlow and the device. */
export async function describeEnvironment(device: Device): Promise<RunEnvironment> {
  const { inUse, tensorflowVersion, libraryDirectory, reason, lacking } = device;
  return {
    device: inUse === 'CPU' ? 'CPU' : ((await gpuNames())[0] ?? 'GPU'),
    deviceReason: lacking ?? reason,
    tensorflow: tensorflowVersion,
    tensorflowLibrary: libraryDirectory,
    tfjs: tfjsVersion(),
    ...describeProcessor(device),
    ...(device.gpu !== null && {
      tf32: device.gpu.tf32 ? 'on' : 'off',
      deterministic: device.gpu.deterministic,
    }),
  };
}

/** Names of the GPUs that CUDA may use, such as `NVIDIA H100 80GB HBM3`; empty where nvidia-smi does not tell. */
export async function gpuNames(): Promise<string[]> {
  const query = ['--query-gpu=index,uuid,name', '--format=csv,noheader'];
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', query);
    return visibleGpus(stdout, process.env['CUDA_VISIBLE_DEVICES']);
  } catch {
    return [];
  }
}

/**
 * @param listed lines of `index, uuid, name`
 * @param visible as CUDA reads it: numbers, or beginnings of uuids that only one has, until the first that there is
 * not; none where one stands there twice
 */
export function visibleGpus(listed: string, visible: string | undefined): string[] {
  const all = listed
    .split('\n')
    .map((line) => line.split(',').map((cell) => cell.trim()))
    .map(([index = '', uuid = '', ...name]): Gpu => ({ index, uuid, name: name.join(', ') }))
    .filter(({ name }) => name !== '');
  if (visible === undefined) return all.map(({ name }) => name);
  const gpus: Gpu[] = [];
  for (const one of visible.split(',')) {
    const gpu = gpuOf(one.trim(), all);
    if (gpu === undefined) break;
    gpus.push(gpu);
  }
  return new Set(gpus).size < gpus.length ? [] : gpus.map(({ name }) => name);
}

/** As nvidia-smi lists it. */
interface Gpu {
  readonly index: string;
  readonly uuid: string;
  readonly name: string;
}

function gpuOf(one: string, all: readonly Gpu[]): Gpu | undefined {
  const byUuid = one === '' ? [] : all.filter(({ uuid }) => uuid.startsWith(one));
  return all.find(({ index }) => index === one) ?? (byUuid.length === 1 ? byUuid[0] : undefined);
}

export function tfjsVersion(): string {
  const require = createRequire(import.meta.url);
  const { version } = require('@tensorflow/tfjs-node-gpu/package.json') as { version: string };
  return version;
}
