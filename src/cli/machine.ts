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
    device: inUse === 'CPU' ? 'CPU' : ((await gpuName()) ?? 'GPU'),
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

/**
 * Name of the first GPU that CUDA may use, such as `NVIDIA H100 80GB HBM3`; null where nvidia-smi
 * does not tell.
 */
export async function gpuName(): Promise<string | null> {
  const [visible] = (process.env['CUDA_VISIBLE_DEVICES'] ?? '').split(',');
  const query = ['--query-gpu=name', '--format=csv,noheader'];
  const chosen = visible ? [`--id=${visible}`] : [];
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', [...chosen, ...query]);
    return stdout.split('\n')[0]?.trim() || null;
  } catch {
    return null;
  }
}

export function tfjsVersion(): string {
  const require = createRequire(import.meta.url);
  const { version } = require('@tensorflow/tfjs-node-gpu/package.json') as { version: string };
  return version;
}
