// Runs the command as a user types it, in a folder of its own.
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

export const LAUNCHER = fileURLToPath(new URL('../../../bin/fsam', import.meta.url));
const POLL_MILLISECONDS = 5;
const children = new Set<ChildProcessByStdio<null, Readable, Readable>>();
afterAll(() => {
  // Those that a failed test left running.
  for (const child of children) child.kill('SIGKILL');
});

export interface Result {
  /** Null where a signal ended the process. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly process: ChildProcessByStdio<null, Readable, Readable>;
  readonly done: Promise<Result>;
  /** Waits until stdout or stderr matches. */
  until(pattern: RegExp): Promise<void>;
}

/** Starts `fsam ARGUMENTS` in `folder`, as the arguments of the program `through` where there is one. */
export function start(
  folder: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
  through: readonly string[] = [],
): Running {
  const [program = LAUNCHER, ...words] = [...through, LAUNCHER, ...args];
  const child = spawn(program, words, {
    cwd: folder,
    env: { ...process.env, ...environment },
    // A process group of its own, so that a test can signal all of it, as a terminal does.
    detached: through.length > 0,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => (texts[name] += text));
  }
  let ended = false;
  const done = new Promise<Result>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      children.delete(child);
      ended = true;
      resolve({ code, ...texts });
    });
  });
  const until = async (pattern: RegExp): Promise<void> => {
    while (!pattern.test(texts.stdout + texts.stderr)) {
      if (ended) throw new Error(`ended without ${String(pattern)}: ${JSON.stringify(texts)}`);
      await sleep(POLL_MILLISECONDS);
    }
  };
  return { process: child, done, until };
}

/** Runs `fsam ARGUMENTS` in `folder` to its end. */
export function fsam(
  folder: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<Result> {
  return start(folder, args, environment).done;
}

/** Every file below `folder` with the hash of its content: what must not change. */
export function contentOf(folder: string): Record<string, string> {
  if (!existsSync(folder)) return {};
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const hash = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');
  return Object.fromEntries(files.sort().map((file) => [file, hash(file)]));
}
