// Scripts of Python's that the benchmark times: whether this machine's Python can run them, and what they
// answer.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import type { z } from 'zod';
import { InternalError, UserError } from '../util/errors.js';
import { errorCode } from '../util/file-errors.js';
import type { Failure } from './bench-turns.js';
import { flagOf } from './flag.js';

/** A script that comes with the project. */
export interface Wanted {
  /** Such as `scripts/bench_pytorch.py`. */
  readonly script: string;
  /** What it imports, by which names pip has it, too. */
  readonly modules: readonly string[];
}

export interface PythonScript {
  readonly script: string;
  readonly python: string;
}

/**
 * Undefined where no script is asked for; the reason where this machine's Python cannot run it.
 * @throws UserError where there is no such script, or the Python that --python names cannot run it.
 */
export async function findScript(
  { against, ...options }: { readonly against?: string; readonly python?: string },
  { script, modules }: Wanted,
): Promise<PythonScript | Failure | undefined> {
  if (against === undefined) return undefined;
  if (!existsSync(against)) {
    throw new UserError(`--against ${against}: there is no such file, wanted ${script}`);
  }
  const python = options.python ?? process.env['FSAM_PYTHON'] ?? 'python3';
  const reason = await whyNot(python, modules);
  if (reason === null) return { script: against, python };
  const wayOut = `python3 -m venv .venv-torch && .venv-torch/bin/pip install ${modules.join(' ')}, then --python .venv-torch/bin/python`;
  if (options.python !== undefined) {
    throw new UserError(`--python ${python}: ${reason}; to get it: ${wayOut}`);
  }
  return { failure: `${reason}; to get it: ${wayOut}` };
}

/**
 * Null where `python` has all of `modules`, and otherwise what is missing.
 * @throws InternalError where it starts and cannot be asked.
 */
export async function whyNot(python: string, modules: readonly string[]): Promise<string | null> {
  const ask =
    'import importlib.util, sys; lack = [m for m in sys.argv[1:] if importlib.util.find_spec(m) is None]; ' +
    'print(*lack[:1]); sys.exit(3 if lack else 0)';
  try {
    await promisify(execFile)(python, ['-c', ask, ...modules]);
    return null;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return `there is no program ${python}`;
    const { code, stdout } = error as { readonly code?: unknown; readonly stdout?: string };
    if (code === 3) return `${python} has no ${stdout?.trim() || modules[0] || ''}`;
    throw new InternalError(
      `${python} could not be asked for ${modules.join(', ')}: ${String(error)}`,
    );
  }
}

/** The last line of `output`, checked; a UserError where the script is another kind of script than `script`. */
export function parseAnswer<T>(schema: z.ZodType<T>, output: string, script: string): T {
  const text = output.trim().split('\n').at(-1) ?? '';
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw new UserError(
      `--against: the script printed ${JSON.stringify(text.slice(0, 100))}, ` +
        `wanted one JSON object a mode, as ${script} prints`,
    );
  }
}

/** `{ endWithStdin: true, warmup: 3 }` as `--end-with-stdin --warmup 3`; null and false are left out. */
export function flagsOf(
  options: Readonly<Record<string, string | number | boolean | null>>,
): string[] {
  return Object.entries(options).flatMap(([key, value]) => {
    if (value === null || value === false) return [];
    return value === true ? [flagOf(key)] : [flagOf(key), String(value)];
  });
}
