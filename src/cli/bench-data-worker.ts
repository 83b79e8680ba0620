// The process that reads pictures as training does, and is timed, for bench-data-sides.ts.
import { setTimeout as sleep } from 'node:timers/promises';
import { shapeOf } from '../data/dataset.js';
import { imageSource } from '../data/image-source.js';
import { fullBatches, type Source } from '../data/source.js';
import { timePictures } from '../data/pictures/measure-pictures.js';
import { openPictures, trainingBatches } from './bench-data-pictures.js';
import { RATE, type DataJob, type Rounds } from './bench-data-sides.js';
import { answerBench, type StepCounts } from './bench-sides.js';

/** Batches of which the one that is taken out fastest counts. */
const TAKEN = 5;

async function work({ task, config, ...counts }: DataJob): Promise<Rounds> {
  const { dataset, stream } = await openPictures(config);
  const batching = { size: config.batchSize, dropLast: true, shuffledBy: config.seed };
  const source = imageSource('train', shapeOf(dataset), batching, dataset.train);
  switch (task) {
    case 'rate':
      return { rounds: [{ [RATE]: await timeBatches(source, counts) }], library: null };
    case 'parts': {
      const batches = trainingBatches(config, dataset, counts.warmup + counts.steps);
      const times = timePictures(stream, batches);
      const milliseconds = times.read + times.decode + times.resize;
      const take = await timeTaking(source, 2 * milliseconds * config.batchSize);
      return { rounds: [{ ...times, take }], library: null };
    }
    default:
      return task satisfies never;
  }
}

/** Images a second over the measured batches. */
async function timeBatches(source: Source, { warmup, steps }: StepCounts): Promise<number> {
  const batches = fullBatches(source);
  for (let i = 0; i < warmup; i++) await batches.next();
  const start = performance.now();
  let images = 0;
  for (let i = 0; i < steps; i++) images += (await batches.next()).value.examples;
  const seconds = (performance.now() - start) / 1000;
  await batches.return(undefined as never);
  return images / seconds;
}

/** Milliseconds an image of what is left for training to do, of batches that are there: `wait` milliseconds are enough. */
async function timeTaking(source: Source, wait: number): Promise<number> {
  const batches = fullBatches(source);
  let least = Infinity;
  for (let i = 0; i < TAKEN; i++) {
    await sleep(wait);
    const start = performance.now();
    const { value } = await batches.next();
    least = Math.min(least, (performance.now() - start) / value.examples);
  }
  await batches.return(undefined as never);
  return least;
}

answerBench(work);
