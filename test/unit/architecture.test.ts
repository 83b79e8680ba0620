// What CONTRIBUTING.md says of the layout, and ESLint does not see: cycles of types, files that grow too long, and
// imports that load TensorFlow.
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';

const SOURCES = fileURLToPath(new URL('../../src', import.meta.url));
const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
  .map((file) => join(SOURCES, file));
const read = (file: string): string => readFileSync(file, 'utf8');

/** The files that each file imports, types and dynamic imports included. */
const imports = new Map(
  files.map((file) => [
    file,
    ts
      .preProcessFile(read(file), true, true)
      .importedFiles.map(({ fileName }) => fileName)
      .filter((name) => name.startsWith('.'))
      .map((name) => join(dirname(file), name.replace(/\.js$/, '.ts'))),
  ]),
);

/** A way through the imports from `file` to itself, or null. */
function cycleThrough(file: string): string[] | null {
  const seen = new Set<string>();
  const walk = (from: string, path: readonly string[]): string[] | null => {
    for (const next of imports.get(from) ?? []) {
      if (next === file) return [...path, next];
      if (seen.has(next)) continue;
      seen.add(next);
      const found = walk(next, [...path, next]);
      if (found !== null) return found;
    }
    return null;
  };
  return walk(file, [file]);
}

test('imports have no cycles, those of types neither', () => {
  const cycles = files.flatMap((file) => cycleThrough(file) ?? []);
  expect(cycles.map((file) => relative(SOURCES, file))).toEqual([]);
});

/** What a file loads before its first line runs. */
function loadedBy(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const names = read(file).matchAll(/^(?:import|export)(?! type)[^;]*? from '(\.[^']+)\.js';/gm);
  for (const [, name = ''] of names) loadedBy(join(dirname(file), `${name}.ts`), seen);
  return seen;
}

// The help comes at once, and a run watches for signals before all else is loaded.
test('the command line begins with little', () => {
  const loaded = [...loadedBy(join(SOURCES, 'cli/main.ts'))].map((file) => relative(SOURCES, file));
  expect(loaded).toContain('cli/run-watch.ts');
  expect(loaded).not.toContain('catalogue/schema.ts');
  expect(loaded.filter((file) => !/^(?:cli|util)\//.test(file))).toEqual(['native/threads.ts']);
});

test('no file is longer than 350 lines', () => {
  const long = files.filter((file) => read(file).split('\n').length > 351);
  expect(long.map((file) => relative(SOURCES, file))).toEqual([]);
});

test('no import loads TensorFlow', async () => {
  // A worker answers who started it, and ends.
  for (const file of files.filter((one) => !one.endsWith('-worker.ts'))) await import(file);
  const loaded = Object.keys(createRequire(import.meta.url).cache);
  expect(loaded.filter((file) => file.includes('@tensorflow'))).toEqual([]);
});
