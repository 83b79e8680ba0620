// Phase 4: TypeScript from src/ to dist/.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError, commonFailure } from './failure.mjs';
import {
  hasSizes,
  hashOfFiles,
  listFiles,
  readJson,
  remove,
  replaceFolder,
  sha256,
  sizesOf,
  writeJson,
} from './files.mjs';
import { runTool, tellingLine } from './tool.mjs';

/** @typedef {import('../setup.mjs').Project} Project */
/** @typedef {{ key: string, files: import('./files.mjs').Sizes }} Stamp */

/** @param {Project} project */
const stampFile = ({ root }) => join(root, 'build', 'typescript.json');

/**
 * The sources, the compiler's settings and its version as one hash.
 *
 * @param {Project} project
 */
function keyOf({ root }) {
  const sources = listFiles(join(root, 'src')).filter((name) => /\.(ts|json)$/.test(name));
  return sha256(
    hashOfFiles(join(root, 'src'), sources),
    readFileSync(join(root, 'tsconfig.json')),
    readFileSync(join(root, 'node_modules', 'typescript', 'package.json')),
  );
}

/**
 * Whether dist/ was built from the present sources and nothing is missing from it.
 *
 * @param {Project} project
 */
export function buildIsComplete(project) {
  const stamp = /** @type {Stamp | undefined} */ (readJson(stampFile(project)));
  return (
    stamp !== undefined &&
    stamp.key === keyOf(project) &&
    hasSizes(join(project.root, 'dist'), stamp.files)
  );
}

/**
 * Compiles into a folder aside and moves it into place.
 *
 * @param {Project} project
 */
export async function buildTypeScript(project) {
  const { root, scratch, verbose } = project;
  const key = keyOf(project);
  const aside = join(scratch, 'dist');
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { ok, output } = await runTool(
    process.execPath,
    [compiler, '-p', join(root, 'tsconfig.json'), '--outDir', aside, '--pretty', 'false'],
    { cwd: root, verbose },
  );
  if (!ok) {
    const errors = output.split('\n').filter((line) => /error TS\d+/.test(line));
    const more = errors.length > 1 ? ` (and ${errors.length - 1} more: npm run check:types)` : '';
    throw (
      commonFailure(output, 'dist/', root) ??
      new SetupError(
        `the sources do not compile: ${errors[0] ?? tellingLine(output, /Error/)}${more}`,
        1,
      )
    );
  }
  const files = sizesOf(aside);
  remove(stampFile(project));
  replaceFolder(aside, join(root, 'dist'), join(scratch, 'old'));
  writeJson(stampFile(project), { key, files });
}
