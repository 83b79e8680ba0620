// Phase 1: the npm packages of the lock file, install scripts off.
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError, commonFailure } from './failure.mjs';
import { readJson, remove, replaceFolder } from './files.mjs';
import { runTool, tellingLine } from './tool.mjs';

/** @typedef {import('../setup.mjs').Project} Project */
/**
 * @typedef {{ packages: Record<string, { version?: string, integrity?: string, optional?: boolean
 * }> }} LockFile
 */

/** Gives up after seconds, not after a minute, where there is no network at all. */
const RETRIES = ['--fetch-retry-mintimeout=2000', '--fetch-retry-factor=2'];

/**
 * Whether node_modules holds what package-lock.json names: npm's own record of what it installed
 * agrees with the lock file (optional packages for other systems may be absent), and every recorded
 * package is there.
 *
 * @param {string} root the folder that holds the three
 */
export function packagesAreComplete(root) {
  const wanted = /** @type {LockFile | undefined} */ (readJson(join(root, 'package-lock.json')));
  const installed = /** @type {LockFile | undefined} */ (
    readJson(join(root, 'node_modules', '.package-lock.json'))
  );
  if (wanted === undefined || installed === undefined) return false;
  const agrees = Object.entries(wanted.packages).every(([path, entry]) => {
    if (path === '') return true;
    const found = installed.packages[path];
    if (found === undefined) return entry.optional === true;
    return found.version === entry.version && found.integrity === entry.integrity;
  });
  return (
    agrees &&
    Object.keys(installed.packages).every(
      (path) => path in wanted.packages && existsSync(join(root, path, 'package.json')),
    )
  );
}

/**
 * Installs into a folder aside and moves node_modules into place, so that an interrupted install
 * leaves nothing half-done.
 *
 * @param {Project} project
 */
export async function installPackages({ root, scratch, verbose }) {
  const aside = join(scratch, 'npm');
  mkdirSync(aside, { recursive: true });
  for (const name of ['package.json', 'package-lock.json']) {
    copyFileSync(join(root, name), join(aside, name));
  }
  const { found, ok, output } = await runTool(
    'npm',
    [
      'ci',
      '--prefix',
      aside,
      '--ignore-scripts',
      '--include=dev',
      '--no-audit',
      '--no-fund',
      ...RETRIES,
    ],
    { cwd: aside, env: environment(), verbose },
  );
  if (!found) throw new SetupError('npm is missing: install it (it comes with Node.js)');
  // npm ends with success although files were cut short, on a full disk for one.
  if (!ok || /TAR_ENTRY_ERROR|ENOSPC/.test(output)) {
    const reason = tellingLine(output, /npm (ERR!|error) (?!code|errno|syscall)|TAR_ENTRY_ERROR/);
    throw (
      commonFailure(output, 'the npm packages', root) ??
      (/EINTEGRITY/.test(output)
        ? new SetupError(
            'npm packages: what the registry or the npm cache delivers differs from package-lock.json; try npm cache clean --force',
          )
        : new SetupError(`npm ci failed: ${reason} (FSAM_VERBOSE=1 shows all)`))
    );
  }
  if (!packagesAreComplete(aside)) {
    throw new SetupError(
      'package-lock.json does not fit package.json: run npm install --ignore-scripts, which mends it',
    );
  }
  replaceFolder(join(aside, 'node_modules'), join(root, 'node_modules'), join(scratch, 'old'));
  remove(aside);
}

/**
 * Under `npm test` npm names this project's folder in the environment; the inner npm must not
 * install there.
 *
 * @returns {NodeJS.ProcessEnv}
 */
function environment() {
  const outer = ['npm_config_local_prefix', 'npm_config_prefix', 'NODE_ENV'];
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !outer.includes(name)));
}
