// Sets a clone up: npm packages, TensorFlow library, native addons, compiled sources. `node
// scripts/setup.mjs`, or bin/fsam.
import { accessSync, constants, existsSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addonsAreComplete, buildAddons, tensorflowVersion } from './setup/addon.mjs';
import { buildIsComplete, buildTypeScript } from './setup/compile.mjs';
import { describe, SetupError } from './setup/failure.mjs';
import { MARK, readJson, removeLeftovers, writeJson } from './setup/files.mjs';
import {
  chooseLibrary,
  installLibrary,
  libraryIsComplete,
  recordedLibrary,
} from './setup/library.mjs';
import { withLock } from './setup/lock.mjs';
import { installPackages, packagesAreComplete } from './setup/packages.mjs';
import { megabytes, say, timed } from './setup/report.mjs';

/**
 * @typedef {object} Project
 * @property {string} root the clone
 * @property {string} scratch a folder on the same disk, for what is not finished
 * @property {boolean} verbose show what the tools print
 *
 * @typedef {object} Phase
 * @property {string} title
 * @property {string} detail
 * @property {() => boolean} isComplete checked by content; quick
 * @property {() => Promise<void>} make
 *
 * @typedef {object} SetupRecord build/setup.json: what `fsam doctor` tells and `--device` checks
 * @property {'cpu' | 'gpu'} device what the library was built for
 * @property {string} libraryDirectory
 * @property {string} tensorflowVersion
 * @property {string} reason why this device
 */

const ROOT = resolve(fileURLToPath(new URL('..', import.meta.url)));

/**
 * Makes what is missing or out of date, and nothing else; the phases build on one another in this
 * order.
 *
 * @param {{ verbose?: boolean, environment?: NodeJS.ProcessEnv }} [options]
 * @throws {import('./setup/failure.mjs').SetupError} with one line for the user
 */
export async function setUp({
  environment = process.env,
  verbose = Boolean(environment['FSAM_VERBOSE']),
} = {}) {
  const scratch = join(ROOT, 'build', 'scratch');
  const project = { root: ROOT, scratch: `${scratch}-${MARK}`, verbose };
  const recordFile = join(ROOT, 'build', 'setup.json');
  const before = /** @type {SetupRecord | undefined} */ (readJson(recordFile));
  const library = chooseLibrary(environment, before?.device);
  /** @type {Phase[]} */
  const phases = [
    {
      title: 'npm packages',
      detail: '',
      isComplete: () => packagesAreComplete(ROOT),
      make: () => installPackages(project),
    },
    {
      title: 'TensorFlow library',
      detail: libraryDetail(library),
      isComplete: () => libraryIsComplete(library),
      make: () => installLibrary(library, verbose),
    },
    {
      title: 'native addon',
      detail: '',
      isComplete: () => addonsAreComplete(project, library),
      make: () => buildAddons(project, library),
    },
    {
      title: 'TypeScript',
      detail: '',
      isComplete: () => buildIsComplete(project),
      make: () => buildTypeScript(project),
    },
  ];
  const isRecorded = () => JSON.stringify(record()) === JSON.stringify(readJson(recordFile));
  /** @returns {SetupRecord} */
  const record = () => ({
    device: library.device,
    libraryDirectory: library.directory,
    tensorflowVersion: tensorflowVersion(project) ?? '',
    reason: library.reason,
  });

  if (phases.every((phase) => phase.isComplete()) && isRecorded()) return;
  if (!isOurs()) {
    useAsGuest(project, before, environment);
    return;
  }
  await withLock(join(ROOT, 'build', 'setup.lock'), say, async () => {
    removeLeftovers(scratch);
    try {
      for (const { title, detail, isComplete, make } of phases) {
        if (!isComplete()) await timed(title, detail, make);
      }
      if (!isRecorded()) writeJson(recordFile, record());
    } finally {
      removeLeftovers(scratch);
    }
  });
}

/** Whether this user may set the clone up. */
function isOurs() {
  const build = join(ROOT, 'build');
  try {
    accessSync(existsSync(build) ? build : ROOT, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * A clone of somebody else's is used as its owner has set it up. Where its library is not to be had, what needs
 * none runs, and the rest says why not (FSAM_SETUP_LACKS, which src/native/device.ts reads).
 *
 * @param {Project} project
 * @param {SetupRecord | undefined} record the owner's
 * @param {NodeJS.ProcessEnv} environment
 */
function useAsGuest(project, record, environment) {
  const wayOut = 'or make a clone of your own';
  if (record === undefined || !packagesAreComplete(ROOT) || !buildIsComplete(project)) {
    throw new SetupError(
      `${ROOT}: is not set up, and you may not write there: have its owner run bin/fsam doctor, ${wayOut}`,
    );
  }
  const asked = ['FSAM_LIBTENSORFLOW', 'FSAM_DEVICE'].find((name) => {
    const value = environment[name];
    return value && value !== 'auto' && ![record.device, record.libraryDirectory].includes(value);
  });
  if (asked !== undefined) {
    throw new SetupError(
      `${asked}=${environment[asked]}: ${ROOT} is set up otherwise, and you may not write there: leave it out, ${wayOut}`,
    );
  }
  const library = recordedLibrary(record);
  if (library && libraryIsComplete(library) && addonsAreComplete(project, library)) return;
  process.env['FSAM_SETUP_LACKS'] =
    `TensorFlow: the library of ${ROOT} is not to be read in ${record.libraryDirectory}, and you may not write to ${ROOT}: ` +
    `have its owner run FSAM_CACHE=DIR node scripts/setup.mjs, with a folder that all may read, ${wayOut}`;
}

/** @param {import('./setup/library.mjs').Library} library */
function libraryDetail({ device, source }) {
  if (source === undefined) return '';
  const { version, wheels, unpackedBytes } = source.wheels;
  const bytes = wheels.reduce((sum, wheel) => sum + wheel.bytes, 0);
  return `${version} for the ${device.toUpperCase()}, ${megabytes(bytes)} to fetch, ${megabytes(unpackedBytes)} in ${source.folder}`;
}

/**
 * Runs the set-up and, if it cannot go on, prints the one line that says why and ends the process.
 *
 * @param {{ verbose?: boolean }} [options]
 */
export async function setUpOrExit(options) {
  try {
    await setUp(options);
  } catch (error) {
    const { message, exitCode } = describe(error);
    process.stderr.write(`fsam: ${message}\n`);
    process.exit(exitCode);
  }
}

const started = process.argv[1];
if (started !== undefined && realpathSync(started) === fileURLToPath(import.meta.url)) {
  await setUpOrExit();
}
