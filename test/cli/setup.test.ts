// The set-up as a user meets it: first start, later starts, damage, two at once, and everything that can be missing.
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { temporaryFolder } from '../support/folders.js';
import { writeProgram } from '../support/programs.js';
import { CONTAINER, hasContainers } from './support/container.js';
import {
  makeClone,
  makeLibrary,
  phasesOf,
  start,
  write,
  type Started,
} from './support/setup-clone.js';

const ADDON = 'node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8/tfjs_binding.node';

const folder = temporaryFolder();
const library = makeLibrary(join(folder, 'library'));
const own = { FSAM_LIBTENSORFLOW: library };
const complete = makeClone(join(folder, 'complete'));
const tools = join(folder, 'tools');
let first: Started;
let copies = 0;

/** A clone that is set up. */
function copyOfComplete(): string {
  copies += 1;
  const root = join(folder, `copy${copies}`);
  cpSync(complete, root, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  return root;
}

/** The last line of a start that failed. */
async function failure(root: string, options: Parameters<typeof start>[1]): Promise<string> {
  const { exitCode, stdout, lines } = await start(root, options);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(lines.filter((line) => !line.startsWith('set-up: '))).toHaveLength(1);
  return lines.at(-1) ?? '';
}

beforeAll(async () => {
  // Of the machine's programs, only what is needed to get as far as the missing one.
  writeProgram(join(tools, 'node'), `exec '${process.execPath}' "$@"`);
  first = await start(complete, { environment: own, args: ['--flag', 'value'] });
});

test('the first start builds what is missing, then runs the command with its arguments and exit code', () => {
  expect(phasesOf(first)).toEqual(['native addon', 'TypeScript']);
  expect(first.stdout).toBe('ran --flag value');
  expect(first.exitCode).toBe(7);
  expect(JSON.parse(readFileSync(join(complete, 'build/setup.json'), 'utf8'))).toEqual({
    device: 'cpu',
    libraryDirectory: library,
    tensorflowVersion: '9.8.7',
    reason: 'FSAM_DEVICE=cpu',
  });
});

test('a later start says nothing, touches nothing, starts nothing but Node, and is nearly as quick as it', async () => {
  const before = statSync(join(complete, 'build')).mtimeMs;
  const [times, bare]: [number[], number[]] = [[], []];
  for (let i = 0; i < 5; i++) {
    const begin = performance.now();
    const onlyNode = { path: [tools], onlyPath: true };
    const { stdout, lines } = await start(complete, { environment: own, ...onlyNode });
    const middle = performance.now();
    spawnSync(process.execPath, ['--eval', '']);
    times.push(middle - begin);
    bare.push(performance.now() - middle);
    expect({ stdout, lines }).toEqual({ stdout: 'ran', lines: [] });
  }
  expect(statSync(join(complete, 'build')).mtimeMs).toBe(before);
  // The machine may be busy with other tests; the quickest of five are the programs' own times.
  expect(Math.min(...times) / Math.min(...bare)).toBeLessThan(6);
});

test('what is changed or damaged is made again, and only that', async () => {
  const root = copyOfComplete();
  const made = async () => phasesOf(await start(root, { environment: own }));
  writeFileSync(join(root, 'src/cli/main.ts'), '\n// a comment\n', { flag: 'a' });
  expect(await made()).toEqual(['TypeScript']);
  rmSync(join(root, 'dist/cli/main.js'));
  expect(await made()).toEqual(['TypeScript']);
  truncateSync(join(root, ADDON), 1000);
  expect(await made()).toEqual(['native addon']);
  // What a killed set-up leaves: its lock and a half-filled folder.
  write(join(root, 'build/setup.lock'), `4194300 1 ${hostname()}`);
  write(join(root, 'build/scratch-4194300/half'), '');
  rmSync(join(root, 'build/setup.json'));
  expect((await start(root, { environment: own })).stdout).toBe('ran');
  expect(existsSync(join(root, 'build/scratch-4194300'))).toBe(false);
  expect(existsSync(join(root, 'build/setup.lock'))).toBe(false);
});

test('two starts at once build once, and both run', async () => {
  const root = copyOfComplete();
  rmSync(join(root, 'build'), { recursive: true });
  const both = await Promise.all([1, 2].map(() => start(root, { environment: own })));
  expect(both.map(({ stdout }) => stdout)).toEqual(['ran', 'ran']);
  expect(both.flatMap(phasesOf)).toEqual(['native addon', 'TypeScript']);
});

test.skipIf(!hasContainers)(
  'so do two in containers of one machine, whose processes have the same number',
  async () => {
    const root = copyOfComplete();
    rmSync(join(root, 'build'), { recursive: true });
    const options = { environment: own, through: CONTAINER };
    const first = start(root, options);
    // The time at which they start would otherwise be the same, too.
    await sleep(300);
    const both = await Promise.all([first, start(root, options)]);
    expect(both.map(({ stdout }) => stdout)).toEqual(['ran', 'ran']);
    expect(both.flatMap(phasesOf)).toEqual(['native addon', 'TypeScript']);
    expect(both.flatMap(({ lines }) => lines)).toContainEqual(
      expect.stringContaining('waiting for process 1 on'),
    );
  },
);

test('a set-up waits for the lock while its owner lives', async () => {
  const root = copyOfComplete();
  rmSync(join(root, 'build/setup.json'));
  const owner = spawn('sleep', ['600']);
  const stat = readFileSync(`/proc/${owner.pid!}/stat`, 'utf8');
  const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]!;
  write(join(root, 'build/setup.lock'), `${owner.pid!} ${started} ${hostname()}`);
  const { stdout, lines } = await start(root, {
    environment: own,
    heard: (said) => {
      if (said.includes('waiting for process')) owner.kill();
    },
  });
  expect(owner.killed).toBe(true);
  expect(stdout).toBe('ran');
  expect(lines).toEqual([expect.stringContaining(`waiting for process ${owner.pid!}`)]);
});

test('a source that does not compile names the place; the build before stays', async () => {
  const root = copyOfComplete();
  const good = readFileSync(join(root, 'src/cli/main.ts'), 'utf8');
  write(join(root, 'src/cli/main.ts'), `${good}export const half: number = 'text';\n`);
  const { exitCode, lines } = await start(root, { environment: own });
  expect(exitCode).toBe(1);
  expect(lines.at(-1)).toMatch(/^fsam: the sources do not compile: src\/cli\/main\.ts\(5,14\)/);
  write(join(root, 'src/cli/main.ts'), good);
  expect(await start(root, { environment: own })).toMatchObject({ stdout: 'ran', lines: [] });
});

test('a library of the cache that was cut short is fetched again', async () => {
  const root = copyOfComplete();
  const pinned = JSON.parse(readFileSync(join(root, 'scripts/setup/wheels.json'), 'utf8'));
  const name = `${process.platform}-${process.arch}-cpu`;
  const { version, wheels } = pinned.libraries[name];
  const cached = join(root, 'cache', `tensorflow-${version as string}-${name}`);
  cpSync(library, join(cached, 'tensorflow'), { recursive: true });
  const files = {
    'tensorflow/libtensorflow_cc.so.2': statSync(join(library, 'libtensorflow_cc.so.2')).size,
  };
  const hashes = (wheels as { sha256: string }[]).map((wheel) => wheel.sha256);
  write(join(cached, 'complete.json'), JSON.stringify({ wheels: hashes, files }));
  expect(phasesOf(await start(root))).toEqual(['native addon']);
  truncateSync(join(cached, 'tensorflow/libtensorflow_cc.so.2'), 1000);
  expect(await failure(root, { path: [tools], onlyPath: true })).toContain('python3 is missing');
});

test('what is missing on the machine is named in one line', async () => {
  const root = copyOfComplete();
  const without = (environment: Record<string, string> = {}) =>
    failure(root, { path: [tools], onlyPath: true, environment });
  expect(await without()).toContain('python3 is missing: install Python 3 with pip');
  rmSync(join(root, 'build/addons.json'));
  expect(await without(own)).toContain('no C++ compiler (g++): install one');
  rmSync(join(root, 'node_modules/.package-lock.json'));
  expect(await without(own)).toContain('npm is missing: install it');
});

test('what fails while the library is fetched is named in one line', async () => {
  const root = copyOfComplete();
  const bin = join(folder, 'python');
  const withPython = (script: string) => {
    writeProgram(join(bin, 'python3'), script);
    return failure(root, { path: [bin] });
  };
  expect(await withPython('echo "python3: No module named pip" >&2; exit 1')).toContain(
    'python3 has no pip',
  );
  expect(await withPython('echo "ERROR: No space left on device" >&2; exit 1')).toContain(
    'the disk is full',
  );
  expect(await withPython('echo "ERROR: No matching distribution found" >&2; exit 1')).toContain(
    'upgrade pip',
  );
  const deliver = 'while [ "$1" != -d ]; do shift; done; echo damaged > "$2/a.whl"';
  expect(await withPython(deliver)).toContain('a.whl has the wrong sha256');
  expect(existsSync(join(root, 'cache'))).toBe(true);
  const closed = { PIP_INDEX_URL: 'http://127.0.0.1:9/simple' };
  expect(await failure(root, { environment: closed })).toContain(
    'the package index does not answer',
  );
});

test('what fails while npm installs is named in one line, and the old packages stay', async () => {
  const root = copyOfComplete();
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  lock.packages[''].dependencies = { yaml: '2.9.1' };
  lock.packages['node_modules/yaml'] = { version: '2.9.1' };
  write(join(root, 'package-lock.json'), JSON.stringify(lock));
  expect(await failure(root, { environment: own })).toContain(
    'package-lock.json does not fit package.json',
  );
  write(
    join(root, 'package.json'),
    JSON.stringify({ name: 'fsam', dependencies: { yaml: '2.9.1' } }),
  );
  const closed = {
    npm_config_registry: 'http://127.0.0.1:9/',
    npm_config_cache: join(root, 'npm'),
  };
  expect(await failure(root, { environment: { ...own, ...closed } })).toContain(
    'the package index does not answer',
  );
  // npm calls a full disk a success.
  writeProgram(
    join(folder, 'npm/npm'),
    'echo "npm warn tar TAR_ENTRY_ERROR ENOSPC: no space left on device"',
  );
  expect(await failure(root, { environment: own, path: [join(folder, 'npm')] })).toContain(
    'the disk is full',
  );
  expect(existsSync(join(root, 'node_modules/typescript'))).toBe(true);
});

test('settings that cannot be are refused', async () => {
  const missing = { FSAM_LIBTENSORFLOW: join(folder, 'nowhere') };
  expect(await failure(complete, { environment: { FSAM_DEVICE: 'tpu' } })).toBe(
    'fsam: FSAM_DEVICE=tpu: expected auto, cpu or gpu',
  );
  expect(await failure(complete, { environment: missing })).toContain(
    'nowhere: libtensorflow_cc.so.2 is missing there',
  );
  const broken = { ...own, CXX: 'false' };
  expect(await failure(copyOfComplete(), { environment: broken })).toContain(
    'false cannot compile the native addon',
  );
  const old = join(folder, 'old.cjs');
  for (const version of ['18.20.8', '20.18.0']) {
    write(old, `Object.defineProperty(process, 'versions', { value: { node: '${version}' } });`);
    expect(await failure(complete, { environment: { NODE_OPTIONS: `--require ${old}` } })).toBe(
      `fsam: Node.js ${version} is too old: install 20.18.1 or later`,
    );
  }
});

const STRANGER = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
const hasStranger = spawnSync('setpriv', [...STRANGER.slice(1), 'true']).status === 0;
const needs = hasStranger ? '' : ' (needs root and setpriv)';

test.skipIf(!hasStranger)(
  `a clone of somebody else's is used as it is set up${needs}`,
  async () => {
    const root = copyOfComplete();
    chmodSync(folder, 0o755);
    const home = join(folder, 'stranger');
    mkdirSync(home);
    chownSync(home, 65534, 65534);
    const environment = { HOME: home, FSAM_CACHE: '', XDG_CACHE_HOME: '' };
    const guest = { environment, through: STRANGER };
    const before = readFileSync(join(root, 'build/setup.json'), 'utf8');
    expect(await start(root, guest)).toEqual({ exitCode: 7, stdout: 'ran', lines: [] });

    // What needs no library runs, and the rest can say why not.
    write(join(root, 'build/setup.json'), before.replace(library, join(folder, 'nowhere')));
    expect(await start(root, guest)).toMatchObject({ exitCode: 7, lines: [] });
    write(join(root, 'build/setup.json'), before);
    expect(
      await failure(root, { ...guest, environment: { ...environment, FSAM_DEVICE: 'gpu' } }),
    ).toBe(
      `fsam: FSAM_DEVICE=gpu: ${root} is set up otherwise, and you may not write there: leave it out, or make a clone of your own`,
    );
    rmSync(join(root, 'dist'), { recursive: true });
    expect(await failure(root, guest)).toBe(
      `fsam: ${root}: is not set up, and you may not write there: have its owner run bin/fsam doctor, or make a clone of your own`,
    );
  },
);

test('an empty HOME is said to be so where it counts', async () => {
  const environment = { HOME: '', FSAM_CACHE: '', XDG_CACHE_HOME: '' };
  expect(await failure(complete, { environment })).toBe(
    'fsam: HOME is empty, and the TensorFlow library is kept below it: set HOME, or FSAM_CACHE to a folder for the library',
  );
  const { exitCode } = await start(complete, { environment: { ...own, ...environment } });
  expect(exitCode).toBe(7);
});
