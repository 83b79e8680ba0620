// Threads of our own convolutions, and how many there are.
import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { settleThreads, threadCount, useThreads } from '../../src/native/threads.js';
import { UserError } from '../../src/util/errors.js';
import { temporaryFolder } from '../support/folders.js';

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const VARIABLES = ['TF_NUM_INTRAOP_THREADS', 'TF_NUM_INTEROP_THREADS', 'OMP_NUM_THREADS'] as const;
const before = VARIABLES.map((name) => [name, process.env[name]] as const);
afterEach(() => {
  for (const [name, value] of before) {
    if (value === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = value;
  }
});

test('share out tasks, have none of none, and say where there are no more of them', () => {
  const program = join(temporaryFolder(), 'threads');
  const sources = ['-I', file('../../src/native/ops'), file('./support/threads.cc')];
  const compiler = process.env['CXX'] ?? 'g++';
  execFileSync(compiler, ['-std=c++17', '-pthread', ...sources, '-o', program]);
  const said = execFileSync(program, { encoding: 'utf8', timeout: 300_000 });
  expect(said).toBe('sum 90\nno more threads\n');
});

test.each([
  ['unset', undefined],
  ['empty', ''],
  ['0', '0'],
])('%s: as many as there are cores', (_, value) => {
  if (value === undefined) Reflect.deleteProperty(process.env, 'TF_NUM_INTRAOP_THREADS');
  else process.env['TF_NUM_INTRAOP_THREADS'] = value;
  expect(threadCount()).toBe(availableParallelism());
  settleThreads();
  expect(process.env['TF_NUM_INTRAOP_THREADS']).toBe(String(availableParallelism()));
});

test('as many as it was told', () => {
  useThreads(3);
  settleThreads();
  expect(threadCount()).toBe(3);
});

test('ops run one after the other, unless the environment wants more beside each other', () => {
  useThreads(3);
  settleThreads();
  expect(process.env['TF_NUM_INTEROP_THREADS']).toBe('1');
  process.env['TF_NUM_INTEROP_THREADS'] = '2';
  settleThreads();
  expect(process.env['TF_NUM_INTEROP_THREADS']).toBe('2');
});

test.each(['abc', '-1', '1.5', '1e2', '1025', '99999999999'])('not %j', (value) => {
  for (const name of ['TF_NUM_INTRAOP_THREADS', 'TF_NUM_INTEROP_THREADS'] as const) {
    useThreads(1);
    process.env[name] = value;
    expect(settleThreads).toThrow(UserError);
    expect(settleThreads).toThrow(`${name}: got "${value}", wanted a whole number`);
  }
});
