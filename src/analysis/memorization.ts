// `analyze memorization`: how many wrong labels a network has learnt by heart, and how many it sees through.
import { hasLabelNoise, realisedNoise } from '../data/label-noise.js';
import { imageSource } from '../data/image-source.js';
import { isText, ofImages, shapeOf } from '../data/dataset.js';
import { agreementOf, type Agreement } from '../session/agreement.js';
import { UserError } from '../util/errors.js';
import { POSITION, positionOf, prefixOf, type Context, type Results } from './context.js';
import { lines } from './figures.js';
import type { Opened } from './opened.js';

const SHARES = [
  ['wrong_as_given', 'wrong label: the answer is that label'],
  ['wrong_as_true', 'wrong label: the answer is the true one'],
  ['wrong_as_neither', 'wrong label: the answer is neither'],
  ['right_accuracy', 'right label: accuracy'],
  ['test_accuracy', 'test accuracy'],
] as const;

const COLUMNS = [...POSITION, 'wrong_labels', 'right_labels', ...SHARES.map(([column]) => column)];

/** Errors: UserError where no label of the run is wrong, or none is right. */
export function refuseRightLabels({ dataset, config }: Opened, run: string): void {
  if (isText(dataset)) {
    throw new UserError(
      `${run}: is of a text, which has no labels that could be wrong; wanted a run on images`,
    );
  }
  const wanted = 'wanted a run with label noise, such as of configs/cifar10-resnet18-noise.yaml';
  if (!hasLabelNoise(config.labelNoise)) {
    throw new UserError(
      `${run}: was trained on the labels of its set, got labelNoise.rate 0; ${wanted}`,
    );
  }
  const { train } = dataset;
  const { labels } = train;
  const { changed: wrong } = realisedNoise(train);
  if (wrong > 0 && wrong < labels.length) return;
  throw new UserError(
    `${run}: got ${wrong} wrong labels of ${labels.length}; ${wanted}, of which some are wrong and some right`,
  );
}

export async function analyseMemorization(context: Context): Promise<Results> {
  const {
    opened: { network, task, config, ...opened },
    analysed: { state },
    journal,
    signal,
  } = context;
  const dataset = ofImages(opened.dataset);
  const shape = shapeOf(dataset);
  const batching = { size: config.evaluationBatchSize, dropLast: false, shuffledBy: null };
  const of = (split: 'train' | 'test') => {
    const source = imageSource(split, shape, batching, dataset[split]);
    return agreementOf({ network, task, source, signal }, state);
  };
  const [train, test] = await journal.piece(`${prefixOf(context)}agreement`, async () => [
    await of('train'),
    await of('test'),
  ]);
  const shares = sharesOf(train, test);
  const position = { ...positionOf(context, dataset.train.labels.length), split: 'train' };
  return {
    columns: COLUMNS,
    rows: [
      {
        ...position,
        wrong_labels: train.wrong,
        right_labels: train.right,
        ...Object.fromEntries(shares.map(([column, share]) => [column, share.toFixed(3)])),
      },
    ],
    figures: [],
    lines: [
      `${train.wrong} wrong labels, ${shares[0]?.[1].toFixed(2)} % learnt, ` +
        `${shares[1]?.[1].toFixed(2)} % seen through; ${train.right} right ones, ${shares[3]?.[1].toFixed(2)} %; ` +
        `test ${shares[4]?.[1].toFixed(2)} %`,
    ],
  };
}

/** Percent. */
function sharesOf(train: Agreement, test: Agreement): [column: string, share: number][] {
  const { wrong, wrongAsGiven, wrongAsTrue, right, rightAsGiven } = train;
  const neither = wrong - wrongAsGiven - wrongAsTrue;
  const shares = [
    wrongAsGiven / wrong,
    wrongAsTrue / wrong,
    neither / wrong,
    rightAsGiven / right,
    test.rightAsGiven / test.right,
  ];
  return SHARES.map(([column], i) => [column, 100 * (shares[i] ?? NaN)]);
}

/** Over the epochs of all checkpoints. */
export function memorizationFigure(all: readonly Results[]) {
  const values = all.flatMap(({ rows }) =>
    rows.flatMap((row) =>
      SHARES.map(([column, name]) => ({
        epoch: Number(row['epoch']),
        share: Number(row[column]),
        name,
      })),
    ),
  );
  return lines(
    'memorization',
    'What the network answers on training images, by whether their label is wrong, and on test images.',
    values,
    { x: ['epoch', 'epoch'], y: ['share', '% of those images'], of: 'name' },
  );
}
