// Pictures to pixels on several of Node's threads at once, as a reader has them; the compiled door, in dist/.
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { evaluationCut } from '../../src/data/boxes.js';
import { boxOf, digestOf, DRAWN, drawn, pixelsOf, squareOf, wholeOf } from './support/pictures.js';

/** Every golden picture in three ways. */
const jobs = DRAWN.flatMap((picture) => {
  const bytes = drawn(picture.file);
  return [
    squareOf(wholeOf(picture), 96, true),
    squareOf(boxOf(picture.boxes[1]!.box), 64),
    evaluationCut(picture, 72, 64),
  ].map((cut) => ({ bytes, cut }));
});
const SLOT = 96 * 96 * 3;

/** Does all jobs ROUNDS times, into its part of the memory; { endless }: until it is terminated. */
const WORK = `
const { parentPort, workerData } = require('node:worker_threads');
const { door, jobs, memory, slot, rounds } = workerData;
import(door).then(({ writePixels }) => {
  const target = new Uint8Array(memory);
  for (let round = 0; round < rounds; round++) {
    jobs.forEach(({ bytes, cut }, i) => {
      const reason = writePixels(bytes, cut, target, i * slot);
      if (reason !== null) throw new Error(reason);
    });
    parentPort.postMessage(round);
  }
});`;

function start(memory: SharedArrayBuffer, rounds: number): Worker {
  const door = new URL('../../dist/native/pixels.js', import.meta.url).href;
  const workerData = { door, jobs, memory, slot: SLOT, rounds };
  return new Worker(WORK, { eval: true, workerData });
}

const ended = (worker: Worker): Promise<number> =>
  new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', resolve);
  });

const slotsOf = (memory: SharedArrayBuffer): string[] =>
  jobs.map(({ cut: { window } }, i) =>
    digestOf(new Uint8Array(memory, i * SLOT, window.height * window.width * 3)),
  );

const allocate = (): SharedArrayBuffer => new SharedArrayBuffer(jobs.length * SLOT);

test('several threads at once give the same bytes, also those that come when others have ended', async () => {
  const wanted = jobs.map(({ bytes, cut }) => digestOf(pixelsOf(bytes, cut)));
  for (let generation = 0; generation < 3; generation++) {
    const memories = [allocate(), allocate(), allocate(), allocate()];
    const workers = memories.map((memory) => ended(start(memory, 3)));
    expect(jobs.map(({ bytes, cut }) => digestOf(pixelsOf(bytes, cut)))).toEqual(wanted);
    expect(await Promise.all(workers)).toEqual([0, 0, 0, 0]);
    for (const memory of memories) expect(slotsOf(memory)).toEqual(wanted);
  }
});

test('a thread is terminated in the midst of it, and the others go on', async () => {
  const memory = allocate();
  const endless = [start(allocate(), Infinity), start(allocate(), Infinity)];
  await Promise.all(
    endless.map((worker) => new Promise((resolve) => worker.once('message', resolve))),
  );
  const other = ended(start(memory, 2));
  expect(await Promise.all(endless.map((worker) => worker.terminate()))).toEqual([1, 1]);
  expect(await other).toBe(0);
  expect(slotsOf(memory)).toEqual(jobs.map(({ bytes, cut }) => digestOf(pixelsOf(bytes, cut))));
});
