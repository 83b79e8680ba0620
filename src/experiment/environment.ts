// environment.json: the software and hardware that a run was made with, and again for each time it
// was resumed.
import { execFile } from 'node:child_process';
import { readFile, realpath } from 'node:fs/promises';
import { arch, cpus, hostname, platform, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { writeFileAtomically } from '../util/atomic-file.js';
import { UserError } from '../util/errors.js';
import { parseJson } from '../util/json.js';
import { readTextIfThere } from '../util/text-file.js';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

export type Environment = Readonly<Record<string, unknown>>;

/**
 * Writes the file of a run that begins, or adds this sitting to that of a run that goes on. `fsam`,
 * the project's version, marks the folder as a run's.
 *
 * @param given what the caller knows of the machinery below.
 * @param data where the run works, where the data set was read from, and what was done to it.
 */
export async function writeEnvironment(
  path: string,
  given: Environment,
  data: Environment,
  resumed: boolean,
): Promise<void> {
  const sitting = { ...(await describe()), ...given, ...data };
  const content = resumed ? await withSitting(path, sitting) : { ...sitting, resumed: [] };
  await writeFileAtomically(path, `${JSON.stringify(content, null, 2)}\n`);
}

async function withSitting(path: string, sitting: Environment): Promise<Environment> {
  const before = await readEnvironment(path);
  const [, ...others] = sittingsOf(before);
  return { ...before, resumed: [...others, sitting] };
}

/** What a file tells of each time that the run was started, the first time first. */
export function sittingsOf(environment: Environment): readonly [Environment, ...Environment[]] {
  const { resumed } = environment;
  return [environment, ...(Array.isArray(resumed) ? (resumed as Environment[]) : [])];
}

/** Errors: UserError where the file is missing, or not what a run wrote. */
export async function readEnvironment(path: string): Promise<Environment> {
  const environment = await findEnvironment(path);
  if (environment !== null) return environment;
  throw new UserError(
    `${path}: is missing or damaged, wanted what a run wrote; put a copy of it back, or train anew with --overwrite`,
  );
}

/** Null where there is none, or what is there is not what a run wrote. Errors: UserError where it cannot be read. */
export async function findEnvironment(path: string): Promise<Environment | null> {
  const text = await readTextIfThere(path);
  try {
    const content = text === null ? null : parseJson(text);
    const isOfRun = typeof content === 'object' && content !== null && 'fsam' in content;
    return isOfRun ? content : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Of this program. */
export async function fsamVersion(): Promise<string> {
  const text = await readFile(`${PROJECT}/package.json`, 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

async function describe(): Promise<Environment> {
  const processors = cpus();
  return {
    fsam: await fsamVersion(),
    node: process.version,
    platform: `${platform()} ${release()} ${arch()}`,
    cpu: processors[0]?.model ?? 'unknown',
    cpuCores: processors.length,
    memoryBytes: totalmem(),
    host: hostname(),
    git: await describeCommit(),
    command: ['fsam', ...process.argv.slice(2)],
    started: new Date().toISOString(),
  };
}

/** Null where the project is not a checkout of its own, or git is not installed. */
async function describeCommit(): Promise<{ commit: string; dirty: boolean } | null> {
  const git = async (...command: string[]) => {
    const { stdout } = await promisify(execFile)('git', ['-C', PROJECT, ...command]);
    return stdout.trim();
  };
  try {
    const top = await git('rev-parse', '--show-toplevel');
    // Unpacked inside of another repository: its commit says nothing about this project.
    if ((await realpath(top)) !== (await realpath(PROJECT))) return null;
    const commit = await git('rev-parse', 'HEAD');
    return { commit, dirty: (await git('status', '--porcelain')) !== '' };
  } catch {
    return null;
  }
}
