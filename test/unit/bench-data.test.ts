// What `fsam bench --data-only` reads, asks of torchvision and prints.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { trainingBatches } from '../../src/cli/bench-data-pictures.js';
import { medianFigure, type Rounds } from '../../src/cli/bench-data-sides.js';
import { partsTable, ratesTable } from '../../src/cli/bench-data-table.js';
import { whyNot } from '../../src/cli/bench-python.js';
import { pictureList, timeTorchvision } from '../../src/cli/bench-torchvision.js';
import type { Row } from '../../src/cli/bench-turns.js';
import { shapeOf, type ImageDataset } from '../../src/data/dataset.js';
import { imageSource } from '../../src/data/image-source.js';
import { makeSynthetic } from '../../src/data/synthetic.js';
import { UserError } from '../../src/util/errors.js';
import { temporaryFolder } from '../support/folders.js';
import { writeProgram } from '../support/programs.js';

const rates = (name: string, ...figures: number[]): Row<Rounds> => ({
  name,
  outcome: { rounds: figures.map((rate) => ({ 'images/s': rate })), library: null },
});
const rows: Row<Rounds>[] = [
  {
    name: 'parts',
    outcome: {
      rounds: [
        { read: 0.1, decode: 1.3, resize: 0.5, take: 0.001 },
        { read: 0.3, decode: 1.5, resize: 0.5, take: 0.001 },
      ],
      library: null,
    },
  },
  rates('fsam, 1 worker', 500, 900, 600),
  rates('torchvision v2, 1 worker', 250, 300, 400),
  rates('torchvision pil, 1 worker', 125, 150),
  rates('fsam, 2 workers', 1000),
  rates('torchvision v2, 2 workers', 500),
  { name: 'torchvision pil, 2 workers', outcome: { failure: 'exit code 1' } },
  rates('step', 50, 75, 50),
];

describe('ratesTable', () => {
  it('has the medians over the rounds, and what fsam reads against the others and a step', () => {
    const table = ratesTable(rows, [1, 2, 4], ['torchvision v2', 'torchvision pil']);
    expect(table?.split('\n')).toEqual([
      'images/s, by workers              1       2  4',
      'fsam                            600    1000  -',
      'torchvision v2                  300     500  -',
      'torchvision pil                 138  failed  -',
      'fsam / torchvision v2         2.00x   2.00x  -',
      'fsam / torchvision pil        5.00x       -  -',
      'fsam / what a step takes in  12.00x  20.00x  -',
    ]);
  });

  it('leaves out what was not timed', () => {
    const own = rows.filter(({ name }) => name.startsWith('fsam'));
    expect(ratesTable(own, [1, 2], ['torchvision v2', 'torchvision pil'])).toBe(
      ['images/s, by workers    1     2', 'fsam                  600  1000'].join('\n'),
    );
  });

  it('is none before anything reads', () => {
    expect(ratesTable(rows.slice(0, 1), [1, 2], ['torchvision v2'])).toBeNull();
  });

  it('has no median of what failed, or of a figure that a side does not have', () => {
    expect(medianFigure({ failure: 'no' }, 'images/s')).toBeUndefined();
    expect(medianFigure(rows[0]?.outcome, 'images/s')).toBeUndefined();
  });
});

it('partsTable: the milliseconds of each part, and their shares', () => {
  expect(partsTable(rows)?.split('\n')).toEqual([
    'part    ms an image    share',
    'read          0.200    9.5 %',
    'decode        1.400   66.6 %',
    'resize        0.500   23.8 %',
    'take          0.001    0.0 %',
    'all           2.101  100.0 %',
  ]);
  expect(partsTable(rows.slice(1))).toBeNull();
});

it('trainingBatches: the full batches of training, epoch after epoch', async () => {
  const dataset: ImageDataset = makeSynthetic(
    { train: 8, test: 1, size: 1, channels: 1, classes: 2 },
    1,
  );
  const batching = { size: 3, dropLast: true, shuffledBy: 5 };
  const source = imageSource('train', shapeOf(dataset), batching, dataset.train);
  const trained: { epoch: number; indices: unknown }[] = [];
  for (const epoch of [0, 1]) {
    for await (const { inputs } of source.batches(epoch, 0)) {
      trained.push({ epoch, indices: inputs['indices'] });
    }
  }
  expect(trained).toHaveLength(4);
  expect(trainingBatches({ batchSize: 3, seed: 5 }, dataset, 3)).toEqual(trained.slice(0, 3));
});

describe('timeTorchvision', () => {
  const folder = temporaryFolder();
  /** Stands in for Python: Node runs a script that answers with what it was asked. */
  const stand = (name: string, source: string) => {
    const script = path.join(folder, name);
    writeFileSync(script, source);
    const job = { python: process.execPath, script, pictures: 'list.json', mode: 'pil' } as const;
    const stop = new AbortController().signal;
    return timeTorchvision({ ...job, batch: 64, warmup: 3, workers: 2 }, stop);
  };

  it('says what is read and how, and takes the rate and the versions', async () => {
    const source = `console.log(JSON.stringify({ mode: 'pil', images_per_second: 12.5,
      torch: process.argv.slice(2).join(' '), torchvision: '0.29', pillow: '12' }));`;
    expect(await stand('echo.cjs', source)).toEqual({
      rounds: [{ 'images/s': 12.5 }],
      library:
        'torchvision 0.29, Pillow 12, PyTorch --pictures list.json --batch 64 --warmup 3 --workers 2 --modes pil --end-with-stdin',
    });
  });

  it('gives the last complaint of a script that fails, and refuses another script', async () => {
    const failing = `console.error('first'); console.error('no such picture'); process.exit(1);`;
    expect(await stand('fail.cjs', failing)).toEqual({ failure: 'exit code 1: no such picture' });
    const other = stand('other.cjs', `console.log('{"milliseconds": [1]}');`);
    await expect(other).rejects.toThrow(UserError);
    await expect(other).rejects.toThrow('as scripts/bench_torchvision.py prints');
  });

  it('names the module that Python lacks', async () => {
    const python = path.join(folder, 'python');
    writeProgram(python, 'echo torchvision; exit 3');
    expect(await whyNot(python, ['torch', 'torchvision'])).toBe(`${python} has no torchvision`);
  });
});

it('pictureList: place, box and flip of each picture', () => {
  const size = { height: 32, width: 32 };
  const box = { top: 1, left: 2, height: 3, width: 4 };
  const cut = { box, size, window: { top: 0, left: 0, ...size }, flip: true };
  const list = pictureList(32, [{ file: '/a b.tar', offset: 512, length: 99, cut }]);
  expect(JSON.parse(list)).toEqual({
    side: 32,
    pictures: [['/a b.tar', 512, 99, 1, 2, 3, 4, true]],
  });
});
