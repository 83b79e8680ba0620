// A clone in miniature for the tests of the set-up: the real bin/ and scripts/, tiny sources, a stand-in for TensorFlow.
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));

/** Its addon and its library say that they are TensorFlow 9.8.7. */
const ADDON = `#include <node_api.h>
extern "C" const char* version();
NAPI_MODULE_INIT() {
  napi_value text;
  napi_create_string_utf8(env, version(), NAPI_AUTO_LENGTH, &text);
  napi_set_named_property(env, exports, "TF_Version", text);
  return exports;
}
`;
const QUIET = '#include <node_api.h>\nNAPI_MODULE_INIT() { return exports; }\n';
const MAIN = `export function main(argv: readonly string[]): number {
  console.log('ran', ...argv.slice(2));
  return 7;
}
`;

export function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** A folder that FSAM_LIBTENSORFLOW can name. */
export function makeLibrary(folder: string): string {
  write(join(folder, 'include/tensorflow/c/c_api.h'), '');
  write(join(folder, 'include/tensorflow/c/ops.h'), '');
  write(join(folder, 'version.cc'), 'extern "C" const char* version() { return "9.8.7"; }\n');
  for (const name of ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2']) {
    execFileSync('g++', ['-shared', '-fPIC', '-o', name, 'version.cc'], { cwd: folder });
  }
  return folder;
}

/** The clone with npm packages in place and nothing built. */
export function makeClone(root: string): string {
  for (const name of ['bin', 'scripts', 'tsconfig.json']) {
    cpSync(join(REPOSITORY, name), join(root, name), { recursive: true });
  }
  const lock = { name: 'fsam', lockfileVersion: 3, packages: { '': { name: 'fsam' } } };
  write(join(root, 'package.json'), JSON.stringify({ name: 'fsam', type: 'module' }));
  write(join(root, 'package-lock.json'), JSON.stringify(lock));
  write(join(root, 'node_modules/.package-lock.json'), JSON.stringify({ packages: {} }));
  for (const name of ['typescript', 'node-api-headers', '@types']) {
    symlinkSync(join(REPOSITORY, 'node_modules', name), join(root, 'node_modules', name));
  }
  write(join(root, 'node_modules/@tensorflow/tfjs-node-gpu/binding/tfjs_binding.cc'), ADDON);
  write(join(root, 'src/native/quiet.cc'), QUIET);
  for (const name of ['cuda/addon.cc', 'ops/ops.cc', 'pixels/addon.cc', 'session/addon.cc']) {
    write(join(root, 'src/native', name), QUIET);
  }
  write(join(root, 'src/cli/main.ts'), MAIN);
  return root;
}

export interface Started {
  readonly exitCode: number | null;
  readonly stdout: string;
  /** What was said, a line each. */
  readonly lines: readonly string[];
}

/** Runs the clone's bin/fsam to its end. `path` comes before the PATH, or replaces it. */
export async function start(
  root: string,
  {
    environment = {},
    path = [],
    onlyPath = false,
    args = [],
    through = [],
    heard = () => undefined,
  }: {
    environment?: Record<string, string>;
    path?: readonly string[];
    onlyPath?: boolean;
    args?: readonly string[];
    /** A program, and its arguments before ours. */
    through?: readonly string[];
    /** Called with all that was said on stderr so far. */
    heard?: (said: string) => void;
  } = {},
): Promise<Started> {
  const whole = onlyPath ? path : [...path, process.env['PATH'] ?? ''];
  // Settings of whoever runs the tests do not count, and npm's and pip's retries would only make them slow.
  const kept = Object.entries(process.env).filter(([name]) => !/^(FSAM_|CXX$|PIP_)/.test(name));
  const [program = '', ...words] = [...through, join(root, 'bin/fsam'), ...args];
  const child = spawn(program, words, {
    cwd: root,
    env: {
      ...Object.fromEntries(kept),
      FSAM_DEVICE: 'cpu',
      FSAM_CACHE: join(root, 'cache'),
      PIP_RETRIES: '1',
      npm_config_fetch_retries: '0',
      PATH: whole.join(delimiter),
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    heard(stderr);
  });
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { exitCode, stdout: stdout.trim(), lines: stderr.split('\n').filter(Boolean) };
}

/** The phases that a start made, from what it said. */
export function phasesOf({ lines }: Started): string[] {
  return lines.flatMap((line) => /^set-up: (.*): \d+\.\d s$/.exec(line)?.[1] ?? []);
}
