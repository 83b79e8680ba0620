// CUDA below TensorFlow's GPU library: the driver, the libraries, and the compiler that XLA calls. What is
// wrong with them is told here, a line each; all of it needs neither TensorFlow nor a GPU.
//
// The libraries are opened by full path and stay open, so that TensorFlow, which looks for them by name, gets
// these. Without that 2.21 finds no GPU: libcusolver.so.11 is not on the search path of the library that looks
// for it (the RUNPATH of libtensorflow_framework.so.2 lacks nvidia/cusolver/lib), and one that is missing is as
// good as all.
import { execFileSync } from 'node:child_process';
import { existsSync, realpathSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { messageOf } from '../util/file-errors.js';
import { loadAddon } from './addon.js';
import { bytesOfLibrary } from './elf.js';

/** What the set-up unpacks below `nvidia/`, in the order in which they are opened: what others need comes first. */
export const LIBRARIES = [
  // Those that TensorFlow opens when it looks for GPUs: it uses none unless all of them open.
  'cuda_runtime/lib/libcudart.so.12',
  'cublas/lib/libcublasLt.so.12',
  'cublas/lib/libcublas.so.12',
  'nvjitlink/lib/libnvJitLink.so.12', // cuSPARSE and cuSOLVER are linked to it
  'cusparse/lib/libcusparse.so.12',
  'cusolver/lib/libcusolver.so.11',
  'cufft/lib/libcufft.so.11',
  'cuda_nvrtc/lib/libnvrtc-builtins.so.12.9',
  'cuda_nvrtc/lib/libnvrtc.so.12', // cuDNN compiles some of its kernels by it
  'cudnn/lib/libcudnn.so.9',
  // Those that cuDNN opens with its first convolution.
  'cudnn/lib/libcudnn_graph.so.9',
  'cudnn/lib/libcudnn_ops.so.9',
  'cudnn/lib/libcudnn_cnn.so.9',
  'cudnn/lib/libcudnn_adv.so.9',
  'cudnn/lib/libcudnn_heuristic.so.9',
  'cudnn/lib/libcudnn_engines_precompiled.so.9',
  // Opened where a step is traced.
  'cuda_cupti/lib/libcupti.so.12',
] as const;

const CUDNN = 'cudnn/lib/libcudnn.so.9';

/** What TensorFlow 2.21 was compiled with; its convolutions refuse an older one. */
const OLDEST_CUDNN = [9, 3, 0];

/** Of CUDA 12.6.3: up to 12.6.2, whose ptxas calls itself 12.6.77, it compiles some clamping wrongly (XLA's own warning). */
const OLDEST_PTXAS = [12, 6, 85];

/** The oldest CUDA that programs of CUDA 12 run on. */
const OLDEST_DRIVER = 12_000;

/** The newest that TensorFlow 2.21 has compiled kernels for. */
const NEWEST_CAPABILITY = 90;

interface DriverAnswer {
  /** cuInit's: 0 where it starts. */
  readonly status: number;
  /** Of CUDA: 12040 is 12.4. */
  readonly version: number;
  readonly devices: number;
  /** Of the first device: 90 is 9.0; 0 where there is none. */
  readonly capability: number;
}

interface Addon {
  /** Null where the library is open now, which it stays. */
  readonly open: (path: string) => string | null;
  readonly cudnnVersion: (path: string) => number;
  readonly driver: (path: string) => DriverAnswer;
}

const addon = (): Addon => loadAddon('cuda') as Addon;

/** Where the set-up has put CUDA, and what else the linker looks at. */
export interface CudaPlace {
  /** Holds `nvidia/`, beside `tensorflow/`. */
  readonly folder: string;
  /** LD_LIBRARY_PATH. */
  readonly libraryPath: string | undefined;
}

export interface Cuda {
  /** A line each: what is wrong, and the way out. */
  readonly faults: readonly string[];
  /** Such as 9.28.0; null where it does not open. */
  readonly cudnn: string | null;
  /** Such as 12.9.86; null where it does not run. */
  readonly ptxas: string | null;
}

const ANEW = 'node scripts/setup.mjs fetches the library anew';

/** Whether the set-up brought CUDA along; beside a library of the user's own TensorFlow looks for it by itself. */
export const hasOwnCuda = (folder: string): boolean => existsSync(join(folder, 'nvidia'));

/** The folder of ptxas, which comes first on the PATH: XLA takes the first. */
export const compilerFolder = (folder: string): string => join(folder, 'nvidia/cuda_nvcc/bin');

/** Opens the libraries, and looks at all that a GPU needs but for the driver. */
export function openCuda({ folder, libraryPath }: CudaPlace): Cuda {
  const others = shadowsOf(folder, libraryPath);
  const unopened = LIBRARIES.flatMap((name) => faultOf(join(folder, 'nvidia', name)) ?? []);
  const cudnn = versionOfCudnn(join(folder, 'nvidia', CUDNN));
  const compiler = compilerOf(folder);
  const tooOld =
    cudnn === null || !isBefore(cudnn, OLDEST_CUDNN)
      ? []
      : [
          `cuDNN: ${join(folder, 'nvidia', CUDNN)} is ${cudnn.join('.')}, wanted ${OLDEST_CUDNN.join('.')} or later; ${ANEW}`,
        ];
  return {
    faults: [...others, ...unopened, ...tooOld, ...compiler.faults],
    cudnn: cudnn?.join('.') ?? null,
    ptxas: compiler.version?.join('.') ?? null,
  };
}

/** Null where it opens. */
function faultOf(path: string): string | null {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return `CUDA: ${path} is missing; ${ANEW}`;
  const wanted = bytesOfLibrary(path);
  if (wanted === null) return `CUDA: ${path} is no library; ${ANEW}`;
  // The linker would map what is not there, and the process would end by a signal.
  if (found.size < wanted) {
    return `CUDA: ${path} is cut short: ${found.size} bytes, wanted ${wanted}; ${ANEW}`;
  }
  const reason = addon().open(path);
  return reason === null ? null : `CUDA: ${path} does not open (${reason}); ${ANEW}`;
}

/** Null where it does not tell. */
function versionOfCudnn(path: string): number[] | null {
  if (faultOf(path) !== null) return null;
  try {
    return partsOfCudnn(addon().cudnnVersion(path));
  } catch {
    return null;
  }
}

/** 90300 is 9.3.0; before 9, 8902 was 8.9.2. */
function partsOfCudnn(version: number): number[] {
  const [major, minor] = version < 10_000 ? [1000, 100] : [10_000, 100];
  return [version / major, (version % major) / minor, version % minor].map(Math.floor);
}

/** Libraries of the same names that the linker would find first, wherever one asks for them by name. */
function shadowsOf(folder: string, libraryPath = ''): string[] {
  const directories = libraryPath.split(/[:;]/).filter(Boolean);
  const others = directories.flatMap((directory) =>
    LIBRARIES.map((name) => ({
      own: join(folder, 'nvidia', name),
      other: join(resolve(directory), name.replace(/.*\//, '')),
    })).filter(({ own, other }) => existsSync(other) && !isSame(own, other)),
  );
  const [first] = others;
  if (first === undefined) return [];
  const cudnn = others.find(({ other }) => other.endsWith(CUDNN.replace(/.*\//, '')));
  const version = cudnn === undefined ? null : versionOfCudnn(cudnn.other);
  const named =
    version === null ? first.other : `${cudnn?.other ?? ''}, cuDNN ${version.join('.')}`;
  const more = others.length > 1 ? ` and ${others.length - 1} more` : '';
  return [
    `LD_LIBRARY_PATH: it puts ${named}${more} before those set up in ${folder}; run without it: env -u LD_LIBRARY_PATH bin/fsam ...`,
  ];
}

const isSame = (own: string, other: string): boolean =>
  existsSync(own) && realpathSync(own) === realpathSync(other);

/** What XLA compiles with: ptxas, and libdevice, CUDA's mathematical functions. */
function compilerOf(folder: string): { version: number[] | null; faults: string[] } {
  const ptxas = join(compilerFolder(folder), 'ptxas');
  const libdevice = join(folder, 'nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc');
  const faults = existsSync(libdevice) ? [] : [`libdevice: ${libdevice} is missing; ${ANEW}`];
  if (!existsSync(ptxas)) {
    return { version: null, faults: [`ptxas: ${ptxas} is missing; ${ANEW}`, ...faults] };
  }
  try {
    const words = execFileSync(ptxas, ['--version'], { encoding: 'utf8', timeout: 10_000 });
    const version = /\bV(\d+)\.(\d+)\.(\d+)/.exec(words)?.slice(1).map(Number) ?? [0, 0, 0];
    if (!isBefore(version, OLDEST_PTXAS)) return { version, faults };
    const old = `ptxas: ${ptxas} is ${version.join('.')}, wanted ${OLDEST_PTXAS.join('.')} or later; ${ANEW}`;
    return { version, faults: [old, ...faults] };
  } catch (error) {
    const reason = messageOf(error).split('\n')[0] ?? '';
    return {
      version: null,
      faults: [`ptxas: ${ptxas} does not run (${reason}); ${ANEW}`, ...faults],
    };
  }
}

function isBefore(version: readonly number[], other: readonly number[]): boolean {
  const place = version.findIndex((part, i) => part !== other[i]);
  return place >= 0 && (version[place] ?? 0) < (other[place] ?? 0);
}

export interface Driver {
  /** Why no GPU can be used, and the way out; null where there is one. */
  readonly lack: string | null;
  /** What is worth knowing of it. */
  readonly note: string;
}

/** Asks the driver. `library` is searched for as the linker does. */
export function askDriver(visible: string | undefined, library = 'libcuda.so.1'): Driver {
  const reason = addon().open(library);
  if (reason !== null) {
    return {
      lack: `no NVIDIA driver: ${reason}; install it, and hand it to a container (docker run --gpus all)`,
      note: 'none',
    };
  }
  const { status, version, devices, capability } = addon().driver(library);
  const cuda = `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`;
  const lack = lackOf(status, devices, visible);
  if (lack !== null) return { lack, note: `for CUDA ${cuda}` };
  if (version < OLDEST_DRIVER) {
    return {
      lack: `the NVIDIA driver is for CUDA ${cuda}, wanted 12.0 or later; update it to 525 or later`,
      note: `for CUDA ${cuda}`,
    };
  }
  const slow =
    capability > NEWEST_CAPABILITY
      ? '; newer than the kernels in TensorFlow: the first step compiles them, which may take half an hour; ' +
        'keep CUDA_CACHE_PATH (by default ~/.nv/ComputeCache), with CUDA_CACHE_MAXSIZE=4294967296'
      : '';
  return {
    lack: null,
    note: `for CUDA ${cuda}; compute capability ${Math.floor(capability / 10)}.${capability % 10}${slow}`,
  };
}

/** CUresult of cuda.h: what users meet. */
const NO_DEVICE = 100;

function lackOf(status: number, devices: number, visible: string | undefined): string | null {
  if (status === NO_DEVICE || (status === 0 && devices === 0)) {
    const filter =
      visible === undefined ? '' : ` with CUDA_VISIBLE_DEVICES=${JSON.stringify(visible)}`;
    return `the NVIDIA driver finds no GPU${filter}; nvidia-smi lists what there is`;
  }
  if (status === 0) return null;
  return `the NVIDIA driver does not start (cuInit gives ${status}); nvidia-smi says why: often an update that wants a reboot`;
}
