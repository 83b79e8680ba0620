// Texts: how files become tokens, windows and batches, and what is said of those that cannot.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ofText, shapeOf, type TextDataset } from '../../src/data/dataset.js';
import { loadDataset } from '../../src/data/load.js';
import type { HostBatch } from '../../src/data/source.js';
import { pickWindows } from '../../src/data/text/cut-text.js';
import { textSource } from '../../src/data/text/text-source.js';
import { InternalError } from '../../src/util/errors.js';
import { messageOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';
import { configOf } from './data-support.js';

const root = temporaryFolder();
let files = 0;

/** A file of its own with these contents. */
function fileOf(contents: string | Uint8Array): string {
  const path = join(root, `text-${files++}.txt`);
  writeFileSync(path, contents);
  return path;
}

const load = async (directory: string, keys: object = {}): Promise<TextDataset> =>
  ofText(
    await loadDataset(
      configOf({ name: 'text', directory, context: 2, testShare: 0.25, ...keys }),
      1,
    ),
  );

/** Tokens of both parts. */
const tokensOf = ({ train, test: tested }: TextDataset): number[] => [
  ...train.tokens,
  ...tested.tokens,
];

describe('characters', () => {
  test('are numbered in the order of Unicode, those beyond the first plane too', async () => {
    const set = await load(fileOf('b😀aéb😀\u{10ffff}aab\n'));
    expect(set.classNames).toEqual(['"\\n"', '"a"', '"b"', '"é"', '"😀"', '"\u{10ffff}"']);
    expect(set.classes).toBe(6);
    expect(tokensOf(set)).toEqual([2, 4, 1, 3, 2, 4, 5, 1, 1, 2, 0]);
    expect(set.train.tokens).toHaveLength(Math.floor(11 * 0.75));
    expect(set.tokensPerCharacter).toEqual({ train: 1, validation: 1, test: 1 });
    expect(set.notes).toEqual([`${set.source}: 1 file, 11 characters, 6 different ones`]);
  });

  test('CR LF is one LF, which is said; a CR alone and at the end stays', async () => {
    const path = fileOf('a\r\nb\r\n\rc\r\r\nd\r');
    const set = await load(path);
    expect(set.classNames).toEqual(['"\\n"', '"\\r"', '"a"', '"b"', '"c"', '"d"']);
    expect(tokensOf(set)).toEqual([2, 0, 3, 0, 1, 4, 1, 0, 5, 1]);
    expect(set.notes).toEqual([
      `${path}: 1 file, 10 characters, 6 different ones`,
      `${path}: 3 line ends CR LF, read as LF`,
      `${path}: has CR without LF, which stays a character`,
    ]);
  });

  test('of a folder tells what it takes and leaves out', async () => {
    const folder = join(root, 'books');
    mkdirSync(join(folder, 'more'), { recursive: true });
    for (const [name, text] of [
      ['b.TXT', 'babababa'],
      ['a.txt', 'abababab'],
      ['notes.md', 'x'],
      ['none.txt', ''],
    ] as const) {
      writeFileSync(join(folder, name), text);
    }
    const set = await load(folder);
    expect(tokensOf(set).slice(0, 10)).toEqual([0, 1, 0, 1, 0, 1, 0, 1, 1, 0]);
    expect(set.notes).toEqual([
      `${folder}: 3 files, 16 characters, 2 different ones; left out: more, notes.md; empty: none.txt`,
    ]);
    for (let i = 0; i < 5; i++) writeFileSync(join(folder, `n${i}.md`), 'x');
    expect((await load(folder)).notes?.[0]).toContain(
      '; left out: more, n0.md, n1.md, n2.md, and 3 more; empty: none.txt',
    );
  });

  test('a byte order mark is none, at the beginning', async () => {
    const set = await load(fileOf('\uFEFFab\uFEFFababababa'));
    expect(set.classNames).toEqual(['"a"', '"b"', '"\uFEFF"']);
    expect(tokensOf(set)).toEqual([0, 1, 2, 0, 1, 0, 1, 0, 1, 0, 1, 0]);
  });

  test('that lie across two reads of the file are whole', async () => {
    // A read is a MiB: at its end is the second byte of a character of three, and a CR before an LF.
    const set = await load(fileOf(`${'x'.repeat((1 << 20) - 2)}—\n`));
    expect(tokensOf(set).slice(-3)).toEqual([1, 2, 0]);
    const crlf = await load(fileOf(`${'x'.repeat((1 << 20) - 1)}\r\ny`));
    expect(tokensOf(crlf).slice(-3)).toEqual([1, 0, 2]);
    expect(tokensOf(crlf)).toHaveLength((1 << 20) + 1);
  });

  test('more than 256 are told by two bytes each', async () => {
    const all = Array.from({ length: 300 }, (_, i) => String.fromCodePoint(0x4e00 + i)).join('');
    const set = await load(fileOf(all));
    expect(set.train.tokens).toBeInstanceOf(Uint16Array);
    expect(tokensOf(set)).toEqual(Array.from({ length: 300 }, (_, i) => i));
  });

  test('more than 65,536 are refused', async () => {
    const points = Array.from({ length: 66000 }, (_, i) => String.fromCodePoint(0x10000 + i));
    const path = fileOf(points.join(''));
    expect(await messageOf(load(path))).toBe(
      `${path}: has 66000 different characters, wanted 65536 at most; data.tokens=bytes takes any text`,
    );
  });

  test.each([
    ['a byte that begins nothing', [0x61, 0x62, 0xff, 0x61], 2],
    ['a character that is cut off', [0x61, 0xe2, 0x80, 0x61], 3],
    ['one cut off by the end', [0x61, 0x62, 0xe2, 0x80], 4],
    ['half of a pair', [0x61, 0xed, 0xa0, 0x80, 0x61], 2],
  ])('not UTF-8 is refused at its byte: %s', async (_, bytes, place) => {
    const path = fileOf(Uint8Array.from(bytes));
    expect(await messageOf(load(path))).toBe(
      `${path}: is not UTF-8 at byte ${place} (from 0); wanted a text in UTF-8, or data.tokens=bytes, which takes any file`,
    );
  });
});

test('bytes are what they are, with the number of them that a character has', async () => {
  const bytes = Uint8Array.from([0xe2, 0x80, 0x94, 13, 10, 0x61, 0xc3, 0xa9, 0]);
  const set = await load(fileOf(bytes), { tokens: 'bytes' });
  expect(tokensOf(set)).toEqual([...bytes]);
  expect(set.classes).toBe(256);
  expect(set.classNames).toBeUndefined();
});

test('bytes a character are those of the part that is measured, not of the whole text', async () => {
  const text = `${'a'.repeat(9)}${'é'.repeat(4)}abcd${'—'.repeat(2)}x`;
  const keys = { validation: 2, subset: { train: 2 } };
  const set = await load(fileOf(text), { tokens: 'bytes', context: 4, testShare: 0.25, ...keys });
  expect([...set.train.tokens]).toEqual(Array(9).fill(0x61));
  // From the second byte of an é on: of the eight after it, six begin a character.
  expect(
    Buffer.from(set.validation?.tokens ?? [])
      .subarray(1)
      .toString(),
  ).toBe('ééabcd');
  // One window: of the four bytes after the first, one begins a character.
  expect(Buffer.from(set.test.tokens).toString()).toBe('——x');
  expect(set.tokensPerCharacter).toEqual({ train: 1, validation: 8 / 6, test: 4 });
});

test('memory holds the tokens once, of one byte each', async () => {
  const keys = { validation: 3, subset: { train: 2 } };
  const { train, test: tested, validation } = await load(fileOf('abcdefgh'.repeat(8)), keys);
  const memory = train.tokens.buffer;
  expect(memory.byteLength).toBe(64);
  expect(tested.tokens.buffer).toBe(memory);
  expect(validation?.tokens.buffer).toBe(memory);
});

test('a folder is its .txt files, in the order of their names', async () => {
  const folder = join(root, 'several');
  mkdirSync(join(folder, 'more.txt'), { recursive: true });
  for (const [name, text] of [
    ['b.txt', 'bbb'],
    ['a.txt', 'aaa'],
    ['.hidden.txt', 'x'],
    ['c.md', 'x'],
  ] as const) {
    writeFileSync(join(folder, name), text);
  }
  expect(tokensOf(await load(folder, { testShare: 0.5 }))).toEqual([0, 0, 0, 1, 1, 1]);
});

describe('refused, in one line', () => {
  test('what is not there, or has no text', async () => {
    const wanted = 'wanted a text file, or a folder of .txt files';
    const nowhere = join(root, 'nowhere');
    expect(await messageOf(load(nowhere))).toBe(
      `data.directory ${nowhere}: there is no such file or folder; ${wanted}`,
    );
    const folder = join(root, 'none');
    mkdirSync(folder);
    expect(await messageOf(load(folder))).toBe(
      `data.directory ${folder}: holds no .txt file; ${wanted}`,
    );
    const empty = fileOf('');
    expect(await messageOf(load(empty))).toBe(`${empty}: is empty, wanted a text`);
    expect(await messageOf(load(empty, { tokens: 'bytes' }))).toBe(
      `${empty}: is empty, wanted a text`,
    );
  });

  test.each([
    ['a', 2, 0, 'to train on (0.75 of the text)'],
    ['abcabc', 4, 4, 'to train on (0.75 of the text)'],
    ['abcabcabc', 4, 3, 'to test on (0.25 of the text)'],
  ])('%s, shorter than a window of %i', async (text, context, there, part) => {
    const path = fileOf(text);
    expect(await messageOf(load(path, { context }))).toBe(
      `data.context: got ${context}; ${path} has ${text.length} tokens, ${there} of them ${part}, ` +
        `wanted ${context + 1} at least, a window and the token after it; take a smaller context, or more text`,
    );
  });

  test('more windows an epoch than memory lists', () => {
    const keys = { name: 'text', windows: 3_000_000_000 };
    expect(() => configOf(keys)).toThrow(/100000000/);
    expect(configOf({ ...keys, windows: 100_000_000 }).windows).toBe(100_000_000);
  });

  test('a share to test on that leaves no window of a text that is long enough', async () => {
    const path = fileOf('abcdefghij'.repeat(10));
    expect(await messageOf(load(path, { testShare: 1e-7 }))).toBe(
      `data.testShare: got 1e-7; of the 100 tokens of ${path} it leaves 1 to test on, wanted 3 at least, a window and the token after it; take a larger share, or a smaller data.context`,
    );
    expect(await messageOf(load(path, { testShare: 0.99 }))).toContain(
      'it leaves 1 to train on, wanted 3 at least, a window and the token after it; take a smaller share, or a smaller data.context',
    );
  });

  test('a pipe, and one in a folder, without waiting for its writer', async () => {
    const folder = join(root, 'pipes');
    mkdirSync(folder);
    const pipe = join(folder, 'a.txt');
    execFileSync('mkfifo', [pipe]);
    const told = `${pipe}: is a pipe, which cannot be read more than once; wanted a file: write its content into one`;
    expect(await messageOf(load(pipe))).toBe(told);
    expect(await messageOf(load(folder))).toBe(told);
  });

  test('more windows than there are', async () => {
    const path = fileOf('abcdefghijklmnopqrst');
    expect(await messageOf(load(path, { validation: 7 }))).toBe(
      'data.validation: got 7; text has 6 windows of 2 tokens to hold out: wanted 6 at most, or null',
    );
    expect(await messageOf(load(path, { subset: { train: 8 } }))).toContain(
      'data.subset.train: got 8; text has 7 windows of 2 tokens to train on: wanted 7 at most, or null',
    );
    expect(await messageOf(load(path, { subset: { test: 3 } }))).toContain(
      'data.subset.test: got 3; text has 2 windows of 2 tokens to test on',
    );
  });
});

describe('windows', () => {
  // Token i is i: 30 to train on, 10 to test on.
  const text = Array.from({ length: 40 }, (_, i) => String.fromCodePoint(65 + i)).join('');
  const batches = async (
    set: TextDataset,
    split: 'train' | 'test' | 'validation',
    keys: object,
  ) => {
    const batching = { size: 4, dropLast: false, shuffledBy: null, ...keys };
    const source = textSource(split, shapeOf(set) as never, batching, set[split]);
    const found: HostBatch[] = [];
    for await (const batch of source.batches(0, 0)) found.push(batch);
    return { source, found };
  };
  const windowsOf = (found: readonly HostBatch[], length: number): number[][] =>
    found.flatMap(({ inputs }) => {
      const tokens = [...(inputs['tokens'] as Int32Array)];
      return Array.from({ length: tokens.length / length }, (_, i) =>
        tokens.slice(i * length, (i + 1) * length),
      );
    });

  test('of a set that is evaluated lie side by side, each with the token after it', async () => {
    const set = await load(fileOf(text), { context: 3 });
    const { source, found } = await batches(set, 'test', { size: 2 });
    expect(source).toMatchObject({ examples: 3, sizes: [2, 1], held: {} });
    expect(source.inputs(2)).toEqual({ tokens: { dtype: 'int32', shape: [2, 4] } });
    expect(windowsOf(found, 4)).toEqual([
      [30, 31, 32, 33],
      [33, 34, 35, 36],
      [36, 37, 38, 39],
    ]);
  });

  test.each([1, 9, 5000])(
    'of the training text are evaluated side by side, all of them, with data.windows %i, too',
    async (windows) => {
      const set = await load(fileOf(text), { context: 3, windows });
      const { source, found } = await batches(set, 'train', { size: 4 });
      expect(source).toMatchObject({ examples: 9, sizes: [4, 1] });
      expect(windowsOf(found, 4)).toEqual(
        Array.from({ length: 9 }, (_, i) => [0, 1, 2, 3].map((at) => 3 * i + at)),
      );
    },
  );

  test('that would end behind the text are a mistake of ours', async () => {
    const set = await load(fileOf(text), { context: 3 });
    const train = pickWindows(set.train, 3, Int32Array.of(9));
    await expect(batches({ ...set, train }, 'train', {})).rejects.toThrow(InternalError);
  });

  test('held out for validation are the end of the training text', async () => {
    const set = await load(fileOf(text), { context: 3, validation: 2, subset: { train: 4 } });
    expect(windowsOf((await batches(set, 'validation', {})).found, 4)).toEqual([
      [23, 24, 25, 26],
      [26, 27, 28, 29],
    ]);
    expect([...set.train.tokens]).toEqual(Array.from({ length: 13 }, (_, i) => i));
    expect(set.train.examples).toBe(4);
  });

  test('trained on are drawn anew for each epoch, from every place alike', async () => {
    const set = await load(fileOf(text), { context: 3, windows: 5000 });
    const shape = shapeOf(set);
    expect(shape.trainCount).toBe(5000);
    const { found } = await batches(set, 'train', { shuffledBy: 5 });
    const windows = windowsOf(found, 4);
    expect(windows).toHaveLength(5000);
    const counts = new Map<number, number>();
    for (const [first = NaN, ...rest] of windows) {
      expect(rest).toEqual([first + 1, first + 2, first + 3]);
      counts.set(first, (counts.get(first) ?? 0) + 1);
    }
    // Of 27 places each has 185 of 5,000, give or take 13.
    expect([...counts.keys()].sort((a, b) => a - b)).toEqual(
      Array.from({ length: 27 }, (_, i) => i),
    );
    for (const count of counts.values()) expect(Math.abs(count - 185)).toBeLessThan(5 * 13.4);
    const again = await batches(set, 'train', { shuffledBy: 5 });
    expect(windowsOf(again.found, 4)).toEqual(windows);
  });

  test('a worker is fed its share of the same windows', async () => {
    const set = await load(fileOf(text), { context: 3, windows: 8 });
    const whole = windowsOf((await batches(set, 'train', { shuffledBy: 2 })).found, 4);
    const shares = await Promise.all(
      [0, 1].map(async (index) => {
        const { source, found } = await batches(set, 'train', {
          shuffledBy: 2,
          share: { index, count: 2 },
        });
        expect(source.inputs(4)).toEqual({ tokens: { dtype: 'int32', shape: [2, 4] } });
        return windowsOf(found, 4);
      }),
    );
    const [first = [], second = []] = shares;
    expect([0, 2].flatMap((i) => [...first.slice(i, i + 2), ...second.slice(i, i + 2)])).toEqual(
      whole,
    );
  });

  test('picked ones are those asked for', async () => {
    const set = await load(fileOf(text), { context: 3 });
    const train = pickWindows(set.train, 3, Int32Array.of(5, 0));
    const { found } = await batches({ ...set, train }, 'train', {});
    expect(windowsOf(found, 4)).toEqual([
      [15, 16, 17, 18],
      [0, 1, 2, 3],
    ]);
  });
});

test('Moby Dick: its length, its characters and its beginning', async () => {
  const set = ofText(await loadDataset(configOf({ name: 'moby-dick', context: 64 }), 1));
  const { train, test: tested, classNames = [] } = set;
  expect(train.tokens.length + tested.tokens.length).toBe(1190317);
  expect(train.tokens.length).toBe(Math.floor(0.9 * 1190317));
  expect([set.classes, train.examples, tested.examples]).toEqual([83, 16738, 1859]);
  const words = [...train.tokens.subarray(0, 40)].map(
    (token) => JSON.parse(classNames[token] ?? '') as string,
  );
  expect(words.join('')).toBe('CHAPTER 1. Loomings.\n\nCall me Ishmael. S');
});
