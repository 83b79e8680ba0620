// Which device TensorFlow runs on, decided before its library is loaded.
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { InternalError, UserError } from '../util/errors.js';
import { loadAddon } from './addon.js';
import { prepareGpu } from './gpu.js';
import { dealtGpus, GPU_DEFAULTS, type GpuOptions, type GpuShare } from './gpu-environment.js';
import { allowTf32 } from './session.js';
import { eagerBackend, openTensorFlow } from './tensorflow.js';
import { oneDnnTold, settleOneDnn, type OneDnn } from './onednn.js';
import { settleThreads, threadCount, useThreads } from './threads.js';

/** What the set-up wrote down of the library it installed. */
export interface Setup {
  readonly device: 'cpu' | 'gpu';
  readonly libraryDirectory: string;
  readonly tensorflowVersion: string;
  /** Why this device was chosen. */
  readonly reason: string;
}

/** How the processor is used. */
export interface ProcessorSettings {
  /** Null: as the environment says, or every core. */
  readonly threads: number | null;
  /** Null: as the environment says, or as TensorFlow decides. */
  readonly onednn: OneDnn | null;
}

const OPEN: ProcessorSettings = { threads: null, onednn: null };

export interface Device extends Setup {
  /** What TensorFlow found when it was loaded. */
  readonly inUse: 'CPU' | 'GPU';
  /** Why there is no GPU for a library that could use one; null where there is, and where none was looked for. */
  readonly lacking: string | null;
  readonly threads: number;
  readonly onednn: OneDnn;
  /** As it was asked for; null on a CPU, where none of it has an effect. */
  readonly gpu: GpuOptions | null;
}

interface Addon {
  /** Of the library that is loaded; null where it does not tell. */
  readonly usesOneDnn: () => boolean | null;
}

export function readSetup(): Setup {
  const file = new URL('../../build/setup.json', import.meta.url);
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Setup;
  } catch {
    throw new InternalError('build/setup.json cannot be read; run node scripts/setup.mjs');
  }
}

/**
 * Loads TensorFlow for the device asked for and says what it got. A GPU that is asked for and
 * absent is a UserError that names what is missing, and so is one that is there and lacks a library
 * or a compiler, and a library that the set-up could not bring; nothing is replaced silently.
 * `settings`, `gpu` and `share`, the part of the GPUs that this process has, count the first time, before the library
 * is there.
 */
export function openDevice(
  wanted: 'auto' | 'cpu' | 'gpu',
  settings: ProcessorSettings = OPEN,
  gpu: GpuOptions = GPU_DEFAULTS,
  share: GpuShare | null = null,
): Device {
  const notSetUp = process.env['FSAM_SETUP_LACKS'];
  if (notSetUp !== undefined) throw new UserError(notSetUp);
  const setup = readSetup();
  if (wanted === 'gpu' && setup.device === 'cpu') {
    throw new UserError(
      `device gpu: the TensorFlow library set up here is for the CPU (${setup.reason}); ` +
        'with an NVIDIA driver in place run FSAM_DEVICE=gpu node scripts/setup.mjs, or use --device cpu',
    );
  }
  // Read by CUDA when it starts: an empty list hides every GPU.
  if (wanted === 'cpu') process.env['CUDA_VISIBLE_DEVICES'] = '-1';
  else if (share !== null && setup.device === 'gpu') {
    process.env['CUDA_VISIBLE_DEVICES'] = dealtGpus(process.env['CUDA_VISIBLE_DEVICES'], share);
  }
  const folder = dirname(setup.libraryDirectory);
  const lacking =
    setup.device === 'gpu' && wanted !== 'cpu' ? prepareGpu(wanted, folder, gpu) : null;
  if (settings.threads !== null) useThreads(settings.threads);
  settleThreads();
  const oneDnnReason = settleOneDnn(settings.onednn);
  openTensorFlow();
  const inUse = eagerBackend().binding.isUsingGpuDevice() ? 'GPU' : 'CPU';
  if (wanted === 'gpu' && inUse === 'CPU') {
    throw new UserError(
      'device gpu: TensorFlow finds no GPU although its driver and its libraries are there; ' +
        'see fsam doctor and, with FSAM_VERBOSE=1, what TensorFlow says, or use --device cpu',
    );
  }
  if (inUse === 'GPU') allowTf32(gpu.tf32);
  const on = (loadAddon('ops') as Addon).usesOneDnn() ?? oneDnnTold() ?? false;
  return {
    ...setup,
    lacking,
    inUse,
    threads: threadCount(),
    onednn: { on, reason: oneDnnReason },
    gpu: inUse === 'GPU' ? gpu : null,
  };
}
