// The index in its cache: taken again, made anew where something changed, gone on with after a kill.
import { execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { beforeAll, describe, expect, it } from 'vitest';
import type { IndexEvent } from '../../src/data/records/build-index.js';
import { cacheFolder } from '../../src/util/cache-folder.js';
import { messageOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';
import {
  contents,
  folderOf,
  goldenContents,
  goldenRecords,
  goldenTree,
  indexOf,
  picture,
  SYNSETS,
} from './records-support.js';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const SHARDS = ['train-00000-of-00002', 'train-00001-of-00002'];

/** Opens with the same cache again and again, and tells what happened. */
function opener(folder: string): { cache: string; open: () => Promise<IndexEvent[]> } {
  const cache = temporaryFolder();
  const open = async (): Promise<IndexEvent[]> => {
    const events: IndexEvent[] = [];
    const { train } = await indexOf(folder, { cache, onProgress: (event) => events.push(event) });
    expect(contents(train)).toEqual(goldenContents());
    return events;
  };
  return { cache, open };
}

const indexFile = (cache: string, end = '.index'): string => {
  const folder = join(cache, 'indexes');
  return join(folder, readdirSync(folder).find((name) => name.endsWith(end)) ?? 'none');
};

it('is read from the cache the second time, by whatever name the folder is called', async () => {
  const folder = goldenRecords(...SHARDS);
  const { cache, open } = opener(folder);
  const events = await open();
  expect(events.at(-1)).toEqual({ kind: 'scanning', parts: 2, partsDone: 2, records: 4 });
  expect(await open()).toEqual([]);
  const link = join(temporaryFolder(), 'link');
  symlinkSync(folder, link);
  const again: IndexEvent[] = [];
  await indexOf(link, { cache, onProgress: (event) => again.push(event) });
  expect(again).toEqual([]);
  expect(readdirSync(join(cache, 'indexes'))).toHaveLength(1);
});

it('is made anew where a file, a list or the index itself has changed', async () => {
  const folder = goldenRecords(...SHARDS);
  const { cache, open } = opener(folder);
  const reasonOf = async (): Promise<unknown> => {
    const [first] = await open();
    expect(await open()).toEqual([]);
    return first?.kind === 'renewing' ? first.reason : first;
  };
  await open();
  utimesSync(join(folder, SHARDS[1]!), 1, 1);
  expect(await reasonOf()).toBe(`${join(folder, SHARDS[1]!)} has changed`);
  writeFileSync(join(folder, 'classes.txt'), SYNSETS.join('\n'));
  expect(await reasonOf()).toBe('a list of classes or labels has changed');

  const path = indexFile(cache);
  const whole = readFileSync(path);
  for (const damaged of [
    whole.subarray(0, 10),
    whole.subarray(0, -1),
    Buffer.concat([whole.subarray(0, -70), Buffer.from('x'), whole.subarray(-69)]),
  ]) {
    writeFileSync(path, damaged);
    expect(await reasonOf()).toBe(`${path} is damaged`);
  }
});

it('notices pictures, folders and shards that come and go', async () => {
  const tree = goldenTree();
  const cache = temporaryFolder();
  const counts = async () => {
    const { train, classes } = await indexOf(tree, { cache });
    return [train.count, classes];
  };
  expect(await counts()).toEqual([4, 4]);
  writeFileSync(join(tree, 'train', SYNSETS[0]!, 'x.jpg'), picture('444.jpg'));
  expect(await counts()).toEqual([5, 4]);
  mkdirSync(join(tree, 'train', SYNSETS[0]!, 'images'));
  writeFileSync(join(tree, 'train', SYNSETS[0]!, 'images', 'y.jpg'), picture('444.jpg'));
  expect(await counts()).toEqual([6, 4]);
  writeFileSync(join(tree, 'train', SYNSETS[0]!, 'images', 'z.jpg'), picture('444.jpg'));
  expect(await counts()).toEqual([7, 4]);
  rmSync(join(tree, 'train', SYNSETS[3]!), { recursive: true });
  expect(await counts()).toEqual([6, 3]);
});

describe('the journal', () => {
  it('keeps the parts that are done, and forgets those that changed and what is half-written', async () => {
    const folder = goldenRecords(...SHARDS);
    const { cache, open } = opener(folder);
    const stop = new AbortController();
    const stopped = indexOf(folder, {
      cache,
      signal: stop.signal,
      onProgress: (event) => {
        if (event.kind === 'scanning' && event.partsDone === 1) throw new Error('stop here');
      },
    });
    await expect(stopped).rejects.toThrow('stop here');
    const journal = indexFile(cache, '.journal');
    expect(statSync(journal).size).toBeGreaterThan(100);
    appendFileSync(journal, Buffer.alloc(77, 1));
    const [first] = await open();
    expect(first).toEqual({ kind: 'scanning', parts: 2, partsDone: 1, records: 4 });
    expect(readdirSync(join(cache, 'indexes')).filter((name) => name.endsWith('journal'))).toEqual(
      [],
    );
  });

  it('gives up where the disk is full, in one line', async () => {
    const folder = goldenRecords(...SHARDS);
    const cache = temporaryFolder();
    await indexOf(folder, { cache });
    const path = indexFile(cache);
    rmSync(path);
    symlinkSync('/dev/full', `${path.replace(/\.index$/, '')}.index.journal`);
    expect(await messageOf(indexOf(folder, { cache }))).toBe(
      `${path}.journal: no space left on its disk; make room and run again`,
    );
  });
});

describe('as processes of their own', () => {
  const compiled = temporaryFolder();

  /** The child as JavaScript, in a folder that looks like the project to it. */
  beforeAll(() => {
    const sources = readdirSync(join(PROJECT, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((name) => /^(data|util)\/.*\.ts$/.test(name))
      .map((name) => join('src', name));
    const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
    for (const file of [...sources, 'test/unit/records-child.ts']) {
      const text = readFileSync(join(PROJECT, file), 'utf8');
      const target = join(compiled, file.replace(/\.ts$/, '.js'));
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, ts.transpileModule(text, { compilerOptions }).outputText);
    }
    for (const name of ['node_modules', 'package.json']) {
      symlinkSync(join(PROJECT, name), join(compiled, name));
    }
  });

  /** A tree of `classes` folders of six pictures, some hundred bytes each. */
  const wideTree = (classes: number): string =>
    folderOf(
      Object.fromEntries(
        Array.from({ length: classes * 6 }, (_, i) => [
          `train/c${String(i % classes).padStart(3, '0')}/${i}.jpg`,
          picture('one-wide.jpg'),
        ]),
      ),
    );

  const child = (folder: string, cache: string, workers: number): [string, string[]] => [
    process.execPath,
    [join(compiled, 'test/unit/records-child.js'), folder, cache, String(workers)],
  ];

  const run = (folder: string, cache: string, workers: number): string[] =>
    execFileSync(...child(folder, cache, workers), { encoding: 'utf8' })
      .trim()
      .split('\n');

  it('gives the same index with any number of threads, and after kills', async () => {
    const folder = wideTree(60);
    const whole = run(folder, temporaryFolder(), 0);
    expect(whole.at(-1)).toMatch(/^[0-9a-f]{64} 360 0$/);
    expect(run(folder, temporaryFolder(), 3).at(-1)).toBe(whole.at(-1));

    const cache = temporaryFolder();
    let done = 0;
    for (const stopAfter of [5, 20, 50]) {
      const process = spawn(...child(folder, cache, stopAfter === 20 ? 2 : 0));
      let output = '';
      await new Promise<void>((resolve) => {
        process.stdout.on('data', (chunk: Buffer) => {
          output += chunk.toString();
          const last = Number(/(\d+)\n$/.exec(output)?.[1] ?? 0);
          if (last >= stopAfter) process.kill('SIGKILL');
        });
        process.on('exit', () => resolve());
      });
      const first = Number(output.split('\n')[0]);
      expect(first).toBeGreaterThanOrEqual(done);
      done = stopAfter;
    }
    expect(run(folder, cache, 2).at(-1)).toBe(whole.at(-1));
  });

  it('is made once where two want it at the same time', async () => {
    const folder = wideTree(150);
    const cache = temporaryFolder();
    const outputs = await Promise.all(
      [0, 1, 2].map(async () => {
        const process = spawn(...child(folder, cache, 0));
        let output = '';
        process.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
        const code = await new Promise((resolve) => process.on('exit', resolve));
        expect(code).toBe(0);
        return output.trim().split('\n');
      }),
    );
    const digests = new Set(outputs.map((lines) => lines.at(-1)));
    expect(digests.size).toBe(1);
    const scanning = outputs.filter((lines) => lines.some((line) => /^\d+$/.test(line)));
    expect(scanning).toHaveLength(1);
    expect(readdirSync(join(cache, 'indexes'))).toEqual([expect.stringMatching(/\.index$/)]);
  });
});

it('lies where the set-up keeps its library, too', () => {
  expect(cacheFolder({ FSAM_CACHE: '/a', XDG_CACHE_HOME: '/b' })).toBe('/a');
  expect(cacheFolder({ FSAM_CACHE: '', XDG_CACHE_HOME: '/b' })).toBe('/b/fsam');
  expect(cacheFolder({})).toMatch(/\/\.cache\/fsam$/);
});
