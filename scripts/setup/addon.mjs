// Phase 3: the native addons, each compiled by one command of the C++ compiler.
import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SetupError, commonFailure } from './failure.mjs';
import {
  hashOfFiles,
  MARK,
  readJson,
  removeLeftovers,
  sha256,
  sha256OfFile,
  writeJson,
} from './files.mjs';
import { libraryIdentity } from './library.mjs';
import { runTool, tellingLine } from './tool.mjs';

/** @typedef {import('../setup.mjs').Project} Project */
/** @typedef {import('./library.mjs').Library} Library */
/**
 * @typedef {{ folder: string, result: string, flags: string[] }} Addon folder: of the sources;
 * paths from the root
 */
/**
 * @typedef {{ key: string, results: string[], tensorflow: string }} Stamp results: the sha256 of
 * each addon
 */

const TFJS = join('node_modules', '@tensorflow', 'tfjs-node-gpu');
const NODE_HEADERS = join('node_modules', 'node-api-headers', 'include');
const FLAGS = ['-std=c++17', '-O2', '-DNAPI_VERSION=8', '-shared', '-fPIC', '-I', NODE_HEADERS];

/** Prints the version of the TensorFlow that an addon is linked to, which shows that both load. */
const TRY_LOADING = 'process.stdout.write(require(process.argv[1]).TF_Version)';

/**
 * @param {Library} library
 * @returns {[tensorflow: Addon, ...own: Addon[]]} tfjs-node's own addon and ours, linked to the
 *   library, and those linked to nothing, which are there before it: src/native/quiet.cc and
 *   src/native/cuda/
 */
function addonsFor({ directory }) {
  const linked = [
    ...['-I', join(directory, 'include'), '-L', directory],
    ...['-l:libtensorflow_cc.so.2', '-l:libtensorflow_framework.so.2'],
    ...['-Xlinker', '-rpath', '-Xlinker', directory],
  ];
  const tensorflow = {
    folder: join(TFJS, 'binding'),
    result: join(TFJS, 'lib', 'napi-v8', 'tfjs_binding.node'),
    flags: ['-I', join(TFJS, 'binding'), ...linked],
  };
  /**
   * @param {string} name
   * @param {string[]} flags
   */
  const own = (name, flags = []) => ({
    folder: join('src', 'native', name),
    result: join('build', `${name}.node`),
    flags: ['-pthread', ...flags, ...linked],
  });
  // A worker that ends closes its addons: the memory of this one, and TensorFlow under it, stay for the next.
  const pixels = own('pixels', ['-Xlinker', '-z', '-Xlinker', 'nodelete']);
  const quiet = { folder: join('src', 'native'), result: join('build', 'quiet.node'), flags: [] };
  const cuda = { ...own('cuda'), flags: ['-ldl'] };
  return [tensorflow, own('ops'), own('session'), pixels, quiet, cuda];
}

const compiler = () => process.env['CXX'] || 'g++';

/** @param {Project} project */
const stampFile = ({ root }) => join(root, 'build', 'addons.json');

/**
 * Everything the addons are made from, as one hash.
 *
 * @param {Project} project
 * @param {Library} library
 */
function keyOf({ root }, library) {
  const addons = addonsFor(library);
  const sources = addons.map(({ folder }) => {
    const names = readdirSync(join(root, folder)).filter((name) => /\.(cc|h)$/.test(name));
    return hashOfFiles(join(root, folder), names);
  });
  return sha256(JSON.stringify([sources, addons, FLAGS, compiler(), libraryIdentity(library)]));
}

/**
 * Whether the addons were made from the present sources for this library, and are still what was
 * made.
 *
 * @param {Project} project
 * @param {Library} library
 */
export function addonsAreComplete(project, library) {
  const stamp = /** @type {Stamp | undefined} */ (readJson(stampFile(project)));
  return (
    stamp !== undefined &&
    stamp.key === keyOf(project, library) &&
    addonsFor(library).every(
      ({ result }, i) => sha256OfFile(join(project.root, result)) === stamp.results[i],
    )
  );
}

/**
 * The TensorFlow version that the addon reported when it was made.
 *
 * @param {Project} project
 */
export function tensorflowVersion(project) {
  return /** @type {Stamp | undefined} */ (readJson(stampFile(project)))?.tensorflow;
}

/**
 * Compiles the addons and loads the one with TensorFlow once, before they take their places.
 *
 * @param {Project} project
 * @param {Library} library
 */
export async function buildAddons(project, library) {
  const { root, verbose } = project;
  const key = keyOf(project, library);
  const addons = addonsFor(library);
  const [tensorflow, ...own] = addons;
  const version = await build(project, tensorflow, (file) => load(file, verbose));
  for (const addon of own) await build(project, addon);
  const results = addons.map(({ result }) => sha256OfFile(join(root, result)));
  writeJson(stampFile(project), { key, results, tensorflow: version });
}

/**
 * @param {Project} project
 * @param {Addon} addon
 * @param {(file: string) => Promise<string>} check
 */
async function build(
  { root, verbose },
  { folder, result, flags },
  check = () => Promise.resolve(''),
) {
  const sources = readdirSync(join(root, folder)).filter((name) => name.endsWith('.cc'));
  const parts = join(root, dirname(result), 'part-');
  const part = `${parts}${MARK}.node`;
  mkdirSync(dirname(part), { recursive: true });
  const command = compiler();
  try {
    const { found, ok, output } = await runTool(
      command,
      [...FLAGS, ...sources.map((name) => join(folder, name)), ...flags, '-o', part],
      { cwd: root, verbose },
    );
    if (!found) {
      throw new SetupError(
        `no C++ compiler (${command}): install one (Debian, Ubuntu: apt install g++), or name yours with CXX`,
      );
    }
    if (!ok) {
      throw (
        commonFailure(output, 'the native addon', part) ??
        new SetupError(
          `${command} cannot compile the native addon: ${tellingLine(output, /error/i)} (FSAM_VERBOSE=1 shows all; g++ 8 or later is needed)`,
        )
      );
    }
    const answer = await check(part);
    renameSync(part, join(root, result));
    return answer;
  } finally {
    removeLeftovers(parts);
  }
}

/**
 * @param {string} file
 * @param {boolean} verbose
 */
async function load(file, verbose) {
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3' };
  const { ok, output } = await runTool(process.execPath, ['-e', TRY_LOADING, file], {
    env,
    verbose,
  });
  const version = /\d+\.\d+\.\d+\S*$/.exec(output)?.[0];
  if (ok && version !== undefined) return version;
  throw new SetupError(
    `the TensorFlow library does not load on this system: ${tellingLine(output, /^Error/)} (glibc 2.27 or later is needed; FSAM_VERBOSE=1 shows all)`,
  );
}
