// Runs in processes of their own: killed at any moment, and started twice.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { beforeAll, expect, it } from 'vitest';
import { runFolder } from '../../src/experiment/folder.js';
import { messageOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';
import { resultOf } from './experiment-support.js';
import { runExperiment } from '../../src/experiment/run.js';
import { fakeConfig, fakeRequest } from './experiment-fake-engine.js';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

const compiled = temporaryFolder();
const child = join(compiled, 'test/unit/experiment-child.js');

/** The child as JavaScript, in a folder that looks like the project to it. */
beforeAll(() => {
  const source = readdirSync(join(PROJECT, 'src'), { recursive: true, encoding: 'utf8' });
  const tests = ['experiment-child.ts', 'experiment-fake-engine.ts'];
  const files = [
    ...source.filter((name) => name.endsWith('.ts')).map((name) => join('src', name)),
    ...tests.map((name) => join('test/unit', name)),
  ];
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  for (const file of files) {
    const text = readFileSync(join(PROJECT, file), 'utf8');
    const target = join(compiled, file.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, ts.transpileModule(text, { compilerOptions }).outputText);
  }
  for (const name of ['node_modules', 'package.json', 'configs']) {
    symlinkSync(join(PROJECT, name), join(compiled, name));
  }
});

/** Runs the child, which does not come to its end, and kills it `milliseconds` after its first sign of life. */
async function runAndKill(folder: string, milliseconds: number): Promise<void> {
  const run = spawn(process.execPath, [child, folder, 'endless'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const errors: Buffer[] = [];
  run.stderr.on('data', (data: Buffer) => errors.push(data));
  const ended = new Promise<number | null>((resolve) => run.on('exit', resolve));
  await Promise.race([new Promise((resolve) => run.stdout.once('data', resolve)), ended]);
  await Promise.race([sleep(milliseconds), ended]);
  run.kill('SIGKILL');
  expect(await ended).toBeNull();
  expect(Buffer.concat(errors).toString()).toBe('');
}

it('killed at random moments and resumed, a run gives the bytes of the straight one', async () => {
  const scratch = temporaryFolder();
  const [straight, killed] = [join(scratch, 'straight'), join(scratch, 'killed')];
  const config = fakeConfig({ epochs: 12 });
  await runExperiment(fakeRequest(straight, { config }));

  for (let kills = 0; kills < 10; kills++) await runAndKill(killed, 60 * Math.random());
  execFileSync(process.execPath, [child, killed]);
  expect(await resultOf(killed)).toEqual(await resultOf(straight));
  // Neither a temporary file nor a lock is left.
  expect(readdirSync(killed)).toEqual(readdirSync(straight));
  expect(readdirSync(runFolder(killed).checkpoints)).toHaveLength(2);
});

it('a folder where another process is at work is refused', async () => {
  const folder = join(temporaryFolder(), 'run');
  const other = spawn(process.execPath, [child, folder, 'endless'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => other.stdout.once('data', resolve));
  const request = fakeRequest(folder, { config: fakeConfig({ epochs: 12 }) });
  for (const flags of [{}, { resume: true }, { overwrite: true }]) {
    const message = await messageOf(runExperiment({ ...request, ...flags }));
    expect(message).toContain(`in use by process ${other.pid ?? 0}`);
  }
  other.kill('SIGKILL');
  await new Promise((resolve) => other.on('exit', resolve));
  expect(await runExperiment({ ...request, resume: true })).toBe('finished');
});
