// Phase 2: the TensorFlow library, unpacked from pinned wheels into a cache folder that all clones
// share.
import { existsSync, mkdirSync, readFileSync, statSync, statfsSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chooseDevice } from './device.mjs';
import { SetupError, commonFailure } from './failure.mjs';
import {
  hasSizes,
  MARK,
  readJson,
  remove,
  removeLeftovers,
  replaceFolder,
  sha256OfLargeFile,
  sizesOf,
  writeJson,
} from './files.mjs';
import { withLock } from './lock.mjs';
import { megabytes, say, withProgress } from './report.mjs';
import { runTool, tellingLine } from './tool.mjs';

/**
 * @typedef {object} Wheel
 * @property {string} package
 * @property {string} version
 * @property {string} [python] the Python version its name carries, where it is not for all
 * @property {string} platform the platform its name carries
 * @property {string} sha256
 * @property {number} bytes
 * @property {string} keep the list of name patterns of what is unpacked
 *
 * @typedef {object} Source
 * @property {string} version TensorFlow's
 * @property {number} unpackedBytes
 * @property {Wheel[]} wheels
 *
 * @typedef {object} Library
 * @property {'cpu' | 'gpu'} device
 * @property {string} reason why this device
 * @property {string} directory holds libtensorflow_cc.so.2, libtensorflow_framework.so.2 and
 *   include/
 * @property {{ folder: string, wheels: Source } | undefined} source undefined for a library of the
 *   user's own
 */

/** @typedef {{ keep: Record<string, string[]>, libraries: Record<string, Source> }} Pinned */
const PINNED = /** @type {Pinned} */ (
  JSON.parse(readFileSync(new URL('wheels.json', import.meta.url), 'utf8'))
);
const UNPACK = fileURLToPath(new URL('unpack.py', import.meta.url));

const OWN_LIBRARY_FILES = [
  'libtensorflow_cc.so.2',
  'libtensorflow_framework.so.2',
  'include/tensorflow/c/c_api.h',
  'include/tensorflow/c/ops.h',
];

/**
 * Decides which library this machine and environment call for; touches nothing.
 *
 * @param {NodeJS.ProcessEnv} environment FSAM_DEVICE, FSAM_LIBTENSORFLOW, FSAM_CACHE,
 *   XDG_CACHE_HOME
 * @param {'cpu' | 'gpu' | undefined} before the device of the last set-up of this clone
 * @returns {Library}
 */
export function chooseLibrary(environment, before) {
  const { device, reason, forced } = chooseDevice(environment, before);
  const own = environment['FSAM_LIBTENSORFLOW'];
  if (own) return { device, reason, directory: ownLibrary(resolve(own)), source: undefined };

  const system = `${process.platform}-${process.arch}`;
  const gpu = PINNED.libraries[`${system}-gpu`];
  const cpu = PINNED.libraries[`${system}-cpu`];
  if (cpu === undefined) {
    throw new SetupError(
      `${system} is not supported: use Linux on x64 or arm64, or name a TensorFlow library with FSAM_LIBTENSORFLOW=DIR`,
    );
  }
  if (device === 'gpu' && gpu === undefined && forced) {
    throw new SetupError(
      `${reason}: TensorFlow publishes no GPU library for ${system}; use FSAM_DEVICE=cpu, or name one with FSAM_LIBTENSORFLOW=DIR`,
    );
  }
  /** @type {(device: 'cpu' | 'gpu', reason: string, wheels: Source) => Library} */
  const cached = (device, reason, wheels) => {
    const folder = join(
      cacheFolder(environment),
      `tensorflow-${wheels.version}-${system}-${device}`,
    );
    return { device, reason, directory: join(folder, 'tensorflow'), source: { folder, wheels } };
  };
  if (device === 'cpu') return cached('cpu', reason, cpu);
  if (gpu !== undefined) return cached('gpu', reason, gpu);
  return cached('cpu', `${reason}, but TensorFlow publishes no GPU library for ${system}`, cpu);
}

/** @param {NodeJS.ProcessEnv} environment */
function cacheFolder(environment) {
  const own = environment['FSAM_CACHE'];
  if (own) return resolve(own);
  const caches = environment['XDG_CACHE_HOME'];
  if (caches) return join(resolve(caches), 'fsam');
  const home = homeFolder();
  if (home !== '') return join(home, '.cache', 'fsam');
  throw new SetupError(
    'HOME is empty, and the TensorFlow library is kept below it: set HOME, or FSAM_CACHE to a folder for the library',
  );
}

/** Empty where there is none. */
function homeFolder() {
  try {
    return homedir();
  } catch {
    // A user whom the system does not know, as in containers.
    return '';
  }
}

/**
 * The library that a set-up recorded; undefined where its folder is not one of this version's.
 *
 * @param {import('../setup.mjs').SetupRecord} record
 * @returns {Library | undefined}
 */
export function recordedLibrary({ device, reason, libraryDirectory: directory }) {
  const wheels = PINNED.libraries[`${process.platform}-${process.arch}-${device}`];
  const folder = dirname(directory);
  const isCached =
    basename(directory) === 'tensorflow' && existsSync(join(folder, 'complete.json'));
  if (isCached && wheels !== undefined) {
    return { device, reason, directory, source: { folder, wheels } };
  }
  const isWhole = OWN_LIBRARY_FILES.every((name) => existsSync(join(directory, name)));
  return isWhole ? { device, reason, directory, source: undefined } : undefined;
}

/** @param {string} directory */
function ownLibrary(directory) {
  const missing = OWN_LIBRARY_FILES.find((name) => !existsSync(join(directory, name)));
  if (missing === undefined) return directory;
  throw new SetupError(
    `FSAM_LIBTENSORFLOW=${directory}: ${missing} is missing there; name a folder that holds ${OWN_LIBRARY_FILES.join(', ')}`,
  );
}

/** @typedef {{ wheels: string[], files: import('./files.mjs').Sizes }} Stamp */

/**
 * Whether the library was unpacked whole, from the pinned wheels, and is still so.
 *
 * @param {Library} library
 */
export function libraryIsComplete({ source }) {
  if (source === undefined) return true;
  const stamp = /** @type {Stamp | undefined} */ (readJson(join(source.folder, 'complete.json')));
  return (
    stamp !== undefined &&
    stamp.wheels.join() === source.wheels.wheels.map((wheel) => wheel.sha256).join() &&
    hasSizes(source.folder, stamp.files)
  );
}

/**
 * Fetches and unpacks the wheels, unless another clone has done it by the time the lock is ours.
 *
 * @param {Library} library
 * @param {boolean} verbose
 */
export async function installLibrary(library, verbose) {
  const { source } = library;
  if (source === undefined) return;
  const { folder } = source;
  await withLock(`${folder}.lock`, say, async () => {
    if (libraryIsComplete(library)) return;
    const part = `${folder}.part-${MARK}`;
    removeLeftovers(`${folder}.part-`);
    mkdirSync(join(part, 'download'), { recursive: true });
    checkSpace(source.wheels, part);
    try {
      for (const wheel of source.wheels.wheels) await addWheel(wheel, part, verbose);
      remove(join(part, 'download'));
      const files = sizesOf(part);
      /** @type {Stamp} */
      const stamp = { wheels: source.wheels.wheels.map((wheel) => wheel.sha256), files };
      writeJson(join(part, 'complete.json'), stamp);
      replaceFolder(part, folder, `${part}-old`);
    } finally {
      removeLeftovers(`${folder}.part-`);
    }
  });
}

/**
 * @param {Source} source
 * @param {string} folder
 */
function checkSpace({ wheels, unpackedBytes }, folder) {
  // pip writes a wheel to its temporary folder and then copies it.
  const needed = unpackedBytes + 2 * Math.max(...wheels.map((wheel) => wheel.bytes));
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize >= needed) return;
  throw new SetupError(
    `the disk is full: the TensorFlow library needs ${megabytes(needed)} under ${folder}, ${megabytes(bavail * bsize)} are free; free some space, or set FSAM_CACHE to a folder elsewhere`,
  );
}

/**
 * Downloads one wheel, checks its hash, unpacks what is needed and deletes it.
 *
 * @param {Wheel} wheel
 * @param {string} part the library being put together
 * @param {boolean} verbose
 */
async function addWheel(wheel, part, verbose) {
  const download = join(part, 'download');
  await withProgress(download, wheel.bytes, () => fetchWheel(wheel, download, verbose));
  const [name] = Object.keys(sizesOf(download)).filter((file) => file.endsWith('.whl'));
  if (name === undefined) throw new SetupError(`pip delivered no wheel of ${wheel.package}`);
  const file = join(download, name);
  const hash = await sha256OfLargeFile(file);
  if (hash !== wheel.sha256) {
    throw new SetupError(
      `${name} has the wrong sha256 (${hash}, expected ${wheel.sha256}): the download is damaged or the package index altered it; try again, or use another index`,
    );
  }
  const patterns = PINNED.keep[wheel.keep] ?? [];
  const { ok, output } = await runTool('python3', [UNPACK, file, part, ...patterns], { verbose });
  if (!ok) {
    throw (
      commonFailure(output, 'the TensorFlow library', part) ??
      new SetupError(`${name} cannot be unpacked: ${tellingLine(output, /Error/)}`)
    );
  }
  remove(file);
}

/**
 * @param {Wheel} wheel
 * @param {string} folder
 * @param {boolean} verbose
 */
async function fetchWheel(wheel, folder, verbose) {
  const what = `${wheel.package}==${wheel.version}`;
  const python = wheel.python
    ? ['--python-version', wheel.python, '--implementation', 'cp', '--abi', `cp${wheel.python}`]
    : [];
  const { found, ok, output } = await runTool(
    'python3',
    ['-m', 'pip', 'download', '--no-deps', '--no-cache-dir', '--disable-pip-version-check']
      .concat(['--only-binary=:all:', ...python, '--platform', wheel.platform])
      .concat(['-d', folder, what]),
    { env: { ...process.env, TMPDIR: folder }, verbose },
  );
  if (ok) return;
  if (!found) {
    throw new SetupError(
      'python3 is missing: install Python 3 with pip, which fetch the TensorFlow library (Debian, Ubuntu: apt install python3-pip)',
    );
  }
  if (/No module named pip/.test(output)) {
    throw new SetupError(
      'python3 has no pip, which fetches the TensorFlow library: install it (Debian, Ubuntu: apt install python3-pip)',
    );
  }
  throw (
    commonFailure(output, what, folder) ??
    (/No matching distribution|Could not find a version/.test(output)
      ? new SetupError(
          `pip finds no wheel of ${what} for ${wheel.platform}: upgrade pip (python3 -m pip install --upgrade pip), or use a package index that has it`,
        )
      : new SetupError(
          `pip cannot download ${what}: ${tellingLine(output, /^ERROR/)} (FSAM_VERBOSE=1 shows all)`,
        ))
  );
}

/**
 * What tells this library from another, for the addon that is linked to it.
 *
 * @param {Library} library
 */
export function libraryIdentity({ directory, source }) {
  if (source !== undefined) return JSON.stringify([directory, source.wheels.wheels]);
  const stats = OWN_LIBRARY_FILES.map((name) => statSync(join(directory, name)));
  return JSON.stringify([directory, stats.map(({ size, mtimeMs }) => [size, mtimeMs])]);
}
