// CUDA made up for tests: small libraries that g++ links, with the functions that are asked of them.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { LIBRARIES } from '../../../src/native/cuda.js';
import { writeProgram } from '../../support/programs.js';

export const CUDNN = 'nvidia/cudnn/lib/libcudnn.so.9';
export const PTXAS = 'nvidia/cuda_nvcc/bin/ptxas';
export const LIBDEVICE = 'nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc';

/** Compiles `source` to a shared library at `path`. */
export function link(path: string, source: string): void {
  mkdirSync(dirname(path), { recursive: true });
  execFileSync('g++', ['-shared', '-fPIC', '-x', 'c++', '-o', path, '-'], { input: source });
}

export function writeCudnn(path: string, version: number): void {
  link(path, `extern "C" unsigned long cudnnGetVersion() { return ${version}; }`);
}

export function writePtxas(folder: string, version: string): void {
  rmSync(join(folder, PTXAS), { force: true });
  writeProgram(join(folder, PTXAS), `echo 'Cuda compilation tools, release 12.x, V${version}'`);
}

/** A folder that nothing is wrong with. */
export function writeCuda(folder: string): void {
  const [first = '', ...others] = LIBRARIES.filter((name) => !CUDNN.endsWith(name));
  link(join(folder, 'nvidia', first), 'int nothing;');
  for (const name of others) cpSync(join(folder, 'nvidia', first), join(folder, 'nvidia', name));
  writeCudnn(join(folder, CUDNN), 90300);
  writePtxas(folder, '12.6.85');
  mkdirSync(join(folder, dirname(LIBDEVICE)), { recursive: true });
  writeFileSync(join(folder, LIBDEVICE), '');
}

interface MadeUpDriver {
  /** What cuInit answers. */
  readonly status?: number;
  readonly devices?: number;
  readonly capability?: number;
  /** Of CUDA. */
  readonly version?: number;
}

/** A driver, by default of CUDA 12.4 with one GPU of capability 9.0. */
export function writeDriver(
  path: string,
  { status = 0, devices = 1, capability = 90, version = 12040 }: MadeUpDriver,
): void {
  link(
    path,
    `extern "C" {
      int cuInit(unsigned) { return ${status}; }
      int cuDriverGetVersion(int* version) { *version = ${version}; return 0; }
      int cuDeviceGetCount(int* count) { *count = ${devices}; return 0; }
      int cuDeviceGet(int* device, int) { *device = 0; return 0; }
      int cuDeviceGetAttribute(int* value, int attribute, int) {
        *value = attribute == 75 ? ${Math.floor(capability / 10)} : attribute == 76 ? ${capability % 10} : -1;
        return 0;
      }
    }`,
  );
}
