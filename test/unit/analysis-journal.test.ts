// What an analysis keeps of its work: pieces and vectors that survive kills, and a question they belong to.
import { appendFileSync, existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { quadratureOf } from '../../src/analysis/density.js';
import { openJournal, type Journal } from '../../src/analysis/journal.js';
import { pieceByLanczos } from '../../src/analysis/krylov.js';
import { lanczosFrom, lanczosStep } from '../../src/analysis/lanczos.js';
import { UserError } from '../../src/util/errors.js';
import { randomStream } from '../../src/util/random.js';
import { messageOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';

const folder = () => join(temporaryFolder(), 'work.partial');
const never = (): Promise<never> => Promise.reject(new Error('was made again'));

test('a piece is made once, and comes to the same when it is read', async () => {
  const path = folder();
  const journal = await openJournal(path, { seed: 1 });
  const value = { mean: 0.1 + 0.2, missing: null, list: [1e-300] };
  expect(await journal.piece('a', () => Promise.resolve(value))).toEqual(value);
  expect(await journal.piece('a', never)).toEqual(value);
  const again = await openJournal(path, { seed: 1 });
  expect(again.found).toBe(1);
  expect(await again.piece('a', never)).toEqual(value);
  expect(again.known('b')).toBeUndefined();
  await expect(again.piece('b', never)).rejects.toThrow('was made again');
  expect((await openJournal(path, { seed: 1 })).found).toBe(1);
});

test('a last line that a kill cut short is no piece, and does not spoil the next', async () => {
  const path = folder();
  const journal = await openJournal(path, 'q');
  await journal.piece('a', () => Promise.resolve(1));
  appendFileSync(join(path, 'pieces.jsonl'), '["b",{"val');
  const again = await openJournal(path, 'q');
  expect(again.found).toBe(1);
  await again.piece('b', () => Promise.resolve(2));
  // The checksums are those of Python's zlib.crc32.
  const lines = `"q"\nba636a39 ["a",1]\nd6ee432a ["b",2]\n`;
  expect(readFileSync(join(path, 'pieces.jsonl'), 'utf8')).toBe(lines);
});

test('numbers that JSON lacks come back', async () => {
  const path = folder();
  const value = { rise: Infinity, std: NaN, loss: [-Infinity, 1], name: 'number' };
  const journal = await openJournal(path, 'q');
  expect(await journal.piece('a', () => Promise.resolve(value))).toEqual(value);
  expect(await (await openJournal(path, 'q')).piece('a', never)).toEqual(value);
});

test.each([
  ['cut short', '["b",'],
  ['without its checksum', '["b",2]'],
  ['with a number that is another', 'd6ee432a ["b",3]'],
])('a line %s is named, and how to go on', async (_, line) => {
  const path = folder();
  await (await openJournal(path, 'q')).piece('a', () => Promise.resolve(1));
  appendFileSync(join(path, 'pieces.jsonl'), `${line}\nf2955bdb ["c",3]\n`);
  const message = await messageOf(openJournal(path, 'q'), UserError);
  expect(message).toBe(
    `${join(path, 'pieces.jsonl')}:3: is damaged, wanted a finished piece of an analysis; delete the folder it is in, and the analysis begins anew`,
  );
});

test('Lanczos goes on from the vectors that are left, to the same bits', async () => {
  const path = folder();
  const matrix = [4, 1, 0.5, 0.25, 3, 0.1];
  let products = 0;
  const product = (v: Float32Array) => {
    products++;
    return Promise.resolve(v.map((x, i) => x * (matrix[i] ?? 0)));
  };
  const start = () => lanczosFrom(Float32Array.of(1, 1, 1, 1, 1, 1));
  const run = (journal: Journal, steps: number) =>
    pieceByLanczos(journal, 'run 0', start, async (kept) => {
      let { state } = kept;
      while (state.alpha.length < steps) {
        state = await lanczosStep(product, state, (step) => randomStream(1, 'krylov-start', step));
        await kept.onState(state);
      }
      if (steps < 6) throw new Error('killed');
      return quadratureOf(state);
    });
  const whole = await run(await openJournal(folder(), 'q'), 6);
  products = 0;
  await expect(run(await openJournal(path, 'q'), 4)).rejects.toThrow('killed');
  expect(products).toBe(4);
  const file = join(path, 'run-0-product.f32');
  // Two of four vectors are lost.
  truncateSync(file, 48);
  const resumed = await openJournal(path, 'q');
  expect(await run(resumed, 6)).toEqual(whole);
  expect(products).toBe(8);
  expect(existsSync(file)).toBe(false);
  expect(await run(resumed, 6)).toEqual(whole);
  expect(products).toBe(8);
});

test('pieces of another question go', async () => {
  const path = folder();
  await (await openJournal(path, { seed: 1 })).piece('a', () => Promise.resolve(1));
  expect((await openJournal(path, { seed: 2 })).found).toBe(0);
  // A kill within the first line.
  writeFileSync(join(path, 'pieces.jsonl'), '{"se');
  expect((await openJournal(path, { seed: 2 })).found).toBe(0);
});

test('vectors come back to the bit, and those past the count are dropped', async () => {
  const path = folder();
  const journal = await openJournal(path, 'q');
  const vectors = journal.vectors('basis', 3);
  expect(await vectors.read(0)).toEqual([]);
  const [one, two] = [Float32Array.of(0.1, -0, 3), Float32Array.of(4, 5, 1e-40)];
  await vectors.add(one);
  await vectors.add(two);
  expect(await vectors.read(2)).toEqual([one, two]);
  // Cut short in the midst of the third.
  await vectors.add(one);
  truncateSync(join(path, 'basis.f32'), 32);
  expect(await vectors.read(3)).toEqual([one, two]);
  await vectors.add(one);
  expect(await vectors.read(3)).toEqual([one, two, one]);
  expect(await journal.vectors('basis', 3).read(1)).toEqual([one]);
  await vectors.remove();
  expect(await vectors.read(1)).toEqual([]);
  await journal.remove();
  expect(existsSync(path)).toBe(false);
});
