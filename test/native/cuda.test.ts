// What is said of CUDA that is not as it should be: libraries, compiler and driver are made up.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { askDriver, LIBRARIES, openCuda, type Cuda } from '../../src/native/cuda.js';
import { temporaryFolder } from '../support/folders.js';
import {
  CUDNN,
  LIBDEVICE,
  link,
  PTXAS,
  writeCuda,
  writeCudnn,
  writeDriver,
  writePtxas,
} from './support/made-up-cuda.js';

const whole = join(temporaryFolder(), 'whole');
let copies = 0;

beforeAll(() => writeCuda(whole));

/** A folder that nothing is wrong with. */
function copyOfWhole(): string {
  const folder = join(dirname(whole), `copy${++copies}`);
  cpSync(whole, folder, { recursive: true });
  return folder;
}

const open = (folder: string, libraryPath?: string): Cuda => openCuda({ folder, libraryPath });
const ANEW = 'node scripts/setup.mjs fetches the library anew';

test('of a whole folder the versions are told, and no fault', () => {
  expect(open(copyOfWhole())).toEqual({ faults: [], cudnn: '9.3.0', ptxas: '12.6.85' });
});

test('the set-up unpacks what is opened here, and no other library', () => {
  const file = new URL('../../scripts/setup/wheels.json', import.meta.url);
  const { keep, libraries } = JSON.parse(readFileSync(file, 'utf8')) as {
    keep: Record<string, string[]>;
    libraries: Record<string, { wheels: { package: string; keep: string }[] }>;
  };
  const wheels = libraries['linux-x64-gpu']?.wheels ?? [];
  const patterns = wheels
    .filter(({ package: name }) => name.startsWith('nvidia-') && !name.includes('nvcc'))
    .flatMap((wheel) => keep[wheel.keep] ?? []);
  // cuDNN opens parts of its own that differ from version to version; the rest is named.
  const isKept = (name: string) =>
    patterns.includes(`nvidia/${name}`) ||
    (name.startsWith('cudnn/') && patterns.includes('nvidia/cudnn/lib/*.so.9'));
  expect(LIBRARIES.filter((name) => !isKept(name))).toEqual([]);
  const opened = new Set<string>(LIBRARIES.map((name) => `nvidia/${name}`));
  expect(patterns.filter((name) => !name.includes('*') && !opened.has(name))).toEqual([]);
});

test.each(LIBRARIES)('%s is missing', (name) => {
  const folder = copyOfWhole();
  rmSync(join(folder, 'nvidia', name));
  expect(open(folder).faults).toEqual([
    `CUDA: ${join(folder, 'nvidia', name)} is missing; ${ANEW}`,
  ]);
});

test.each([
  ['at half its length', 0.5],
  ['by its last byte', 1],
])('a library is cut short %s', (_, kept) => {
  const folder = copyOfWhole();
  const path = join(folder, 'nvidia/cusolver/lib/libcusolver.so.11');
  const bytes = readFileSync(path).length;
  const left = kept === 1 ? bytes - 1 : Math.floor(bytes * kept);
  truncateSync(path, left);
  expect(open(folder).faults).toEqual([
    `CUDA: ${path} is cut short: ${left} bytes, wanted ${bytes}; ${ANEW}`,
  ]);
});

test.each([
  ['empty', ''],
  ['a text', 'version https://git-lfs.github.com/spec/v1'],
])('a file that is no library: %s', (_, text) => {
  const folder = copyOfWhole();
  const path = join(folder, 'nvidia/cufft/lib/libcufft.so.11');
  writeFileSync(path, text);
  expect(open(folder).faults).toEqual([`CUDA: ${path} is no library; ${ANEW}`]);
});

test("a library that needs another which is not there: the linker's own words", () => {
  const folder = copyOfWhole();
  const path = join(folder, 'nvidia/cufft/lib/libcufft.so.11');
  const needed = join(folder, 'libneeded.so');
  link(needed, 'extern "C" void needed() {}');
  rmSync(path);
  const source = 'extern "C" void needed(); extern "C" void use() { needed(); }';
  execFileSync('g++', ['-shared', '-fPIC', '-x', 'c++', '-o', path, '-', '-x', 'none', needed], {
    input: source,
  });
  rmSync(needed);
  expect(open(folder).faults).toEqual([
    expect.stringMatching(/^CUDA: .*libcufft\.so\.11 does not open \(.*libneeded\.so: .*\); node /),
  ]);
});

test.each([
  [8902, '8.9.2'],
  [90204, '9.2.4'],
])('cuDNN %i is too old', (version, words) => {
  const folder = copyOfWhole();
  writeCudnn(join(folder, CUDNN), version);
  expect(open(folder)).toMatchObject({
    cudnn: words,
    faults: [`cuDNN: ${join(folder, CUDNN)} is ${words}, wanted 9.3.0 or later; ${ANEW}`],
  });
});

test('LD_LIBRARY_PATH has another cuDNN, which the linker would find first', () => {
  const [folder, other] = [copyOfWhole(), join(dirname(whole), 'other')];
  writeCudnn(join(other, 'libcudnn.so.9'), 90100);
  link(join(other, 'libcublas.so.12'), 'int nothing;');
  const wayOut = `before those set up in ${folder}; run without it: env -u LD_LIBRARY_PATH bin/fsam ...`;
  expect(open(folder, `/nowhere:${other}`).faults).toEqual([
    `LD_LIBRARY_PATH: it puts ${join(other, 'libcudnn.so.9')}, cuDNN 9.1.0 and 1 more ${wayOut}`,
  ]);
  rmSync(join(other, 'libcudnn.so.9'));
  expect(open(folder, other).faults).toEqual([
    `LD_LIBRARY_PATH: it puts ${join(other, 'libcublas.so.12')} ${wayOut}`,
  ]);
});

test('LD_LIBRARY_PATH that has none, or those set up, is no fault', () => {
  const folder = copyOfWhole();
  const own = LIBRARIES.map((name) => dirname(join(folder, 'nvidia', name))).join(':');
  expect(open(folder, `${own}:/usr/lib:`).faults).toEqual([]);
});

test('ptxas: missing, too old, no program', () => {
  const folder = copyOfWhole();
  const path = join(folder, PTXAS);
  writePtxas(folder, '12.6.77');
  expect(open(folder).faults).toEqual([
    `ptxas: ${path} is 12.6.77, wanted 12.6.85 or later; ${ANEW}`,
  ]);
  chmodSync(path, 0o644);
  expect(open(folder)).toMatchObject({
    ptxas: null,
    faults: [expect.stringMatching(/^ptxas: .* does not run \(.*EACCES\); node /)],
  });
  rmSync(path);
  expect(open(folder).faults).toEqual([`ptxas: ${path} is missing; ${ANEW}`]);
});

test('libdevice is missing', () => {
  const folder = copyOfWhole();
  rmSync(join(folder, LIBDEVICE));
  expect(open(folder).faults).toEqual([
    `libdevice: ${join(folder, LIBDEVICE)} is missing; ${ANEW}`,
  ]);
});

test('each of several faults has a line', () => {
  const folder = copyOfWhole();
  for (const name of [LIBDEVICE, 'nvidia/cufft/lib/libcufft.so.11']) rmSync(join(folder, name));
  writeCudnn(join(folder, CUDNN), 8907);
  expect(open(folder).faults.map((fault) => fault.replace(/:.*/, ''))).toEqual([
    'CUDA',
    'cuDNN',
    'libdevice',
  ]);
});

const driver = (made: Parameters<typeof writeDriver>[1]): string => {
  const path = join(temporaryFolder(), 'libcuda.so.1');
  writeDriver(path, made);
  return path;
};

test('a driver with a GPU', () => {
  expect(askDriver(undefined, driver({}))).toEqual({
    lack: null,
    note: 'for CUDA 12.4; compute capability 9.0',
  });
});

test('a GPU that is newer than the kernels of TensorFlow: the first step takes long', () => {
  const { lack, note } = askDriver(undefined, driver({ devices: 2, capability: 120 }));
  expect(lack).toBeNull();
  expect(note).toMatch(
    /^for CUDA 12\.4; compute capability 12\.0; newer than .* half an hour; keep/,
  );
});

test.each([
  [join(whole, 'libcuda.so.1'), undefined, /^no NVIDIA driver: .*libcuda\.so\.1: .*; install it/],
  [
    { status: 100 },
    '-1',
    /^the NVIDIA driver finds no GPU with CUDA_VISIBLE_DEVICES="-1"; nvidia-smi/,
  ],
  [{ devices: 0 }, undefined, /^the NVIDIA driver finds no GPU; nvidia-smi/],
  [
    { status: 803 },
    undefined,
    /^the NVIDIA driver does not start \(cuInit gives 803\); .* reboot$/,
  ],
  [
    { version: 11080 },
    undefined,
    /^the NVIDIA driver is for CUDA 11\.8, wanted 12\.0 or later; update/,
  ],
] as const)('no GPU: %j', (made, visible, words) => {
  const library = typeof made === 'string' ? made : driver(made);
  expect(askDriver(visible, library).lack).toMatch(words);
});
