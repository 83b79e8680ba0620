// One row for each data set, with the keys that only some of them read.
import { normalize } from 'node:path';
import { z } from 'zod';
import { below, key, keysOfRows, rowNames, section, type Entries } from './key.js';
import { TASKS, type DataSetTrait, type Reads, type TaskName } from './tasks.js';
import { count, filePath, fraction } from './values.js';

interface DataSetRow extends Readonly<Record<DataSetTrait, boolean>> {
  /** What is learnt from it. */
  readonly task: TaskName;
  /** Whether the folder decides which set is read; others are one set wherever they lie. */
  readonly isItsFolder: boolean;
  /** Whether it comes with the project, or is made up: no folder is read. */
  readonly isAtHand?: true;
  /** Whether its training images come cropped and flipped by what reads them. */
  readonly comesAugmented?: true;
  /** Whether results on it are told of the five likeliest classes, too. */
  readonly topFive: boolean;
  /** What its labels stand for, which classes.txt lists: classes, where the data has their names, or characters of a text; left out: no names. */
  readonly names?: 'classes' | 'characters';
  readonly keys: Entries;
}

/** Of an epoch, which lists them in memory; any number of epochs may follow. */
const MOST_WINDOWS = 100_000_000;

/** Of every text. */
const TEXT = {
  tokens: key(z.enum(['characters', 'bytes']).default('characters'), {
    role: 'result',
    help: 'What a text is cut into; characters: those that occur in it, in the order of Unicode; bytes: 256 of them, in files of any kind.',
  }),
  context: key(count.default(256), {
    role: 'result',
    help: 'Tokens of a window: how much of the text the network sees at a time.',
  }),
  windows: key(z.int().min(1).max(MOST_WINDOWS).nullable().default(null), {
    role: 'result',
    help: 'Windows that an epoch trains on, each from a place of its own, drawn; null: as many as the training text has side by side.',
  }),
  testShare: key(fraction.gt(0).lt(1).default(0.1), {
    role: 'result',
    help: 'Share of the text, at its end, that is tested on.',
  }),
} as const;

export const DATA_SETS = {
  cifar10: { task: 'classification', isItsFolder: false, topFive: false, keys: {} },
  cifar100: { task: 'classification', isItsFolder: false, topFive: false, keys: {} },
  idx: { task: 'classification', isItsFolder: true, topFive: false, keys: {} },
  'fashion-mnist-tiny': {
    task: 'classification',
    isItsFolder: false,
    isAtHand: true,
    topFive: false,
    keys: {},
  },
  imagenet: {
    task: 'classification',
    isItsFolder: true,
    topFive: true,
    comesAugmented: true,
    names: 'classes',
    keys: {
      imageSize: key(count.default(224), {
        role: 'result',
        help: 'Height and width of an image, in pixels: what crops are resized to.',
      }),
      resizeTo: key(count.default(256), {
        role: 'result',
        help: 'Shorter side of a test picture before its centre is cropped, in pixels.',
      }),
      classes: key(filePath.nullable().default(null), {
        role: 'place',
        help: 'File of the classes, one a line, in the order of their labels; null: a list beside the data, or sorted names.',
      }),
      order: key(z.enum(['full', 'blocks']).default('full'), {
        role: 'result',
        help: 'full: any picture may follow any other; blocks: shards are shuffled, and the pictures of a few of them, for disks that are slow to read in many places.',
      }),
      shardsInBlock: key(count.default(16), {
        role: 'result',
        help: 'Shards of a block: more are better mixed.',
        read: (at) => at('data.order') === 'blocks',
      }),
      // Whatever is trained on until a picture cannot be read is the same: a run that ended there goes on with skip.
      onCorrupt: key(z.enum(['error', 'skip']).default('error'), {
        role: 'nothing',
        help: 'A training picture that cannot be read: error ends the run; skip takes the next one of its class in its place, and lists it in skipped.csv. One that is evaluated is always an error.',
      }),
      workers: key(count.nullable().default(null), {
        role: 'nothing',
        help: 'Threads that read and decode; null: two less than there are cores, at least one.',
      }),
    },
  },
  text: { task: 'language', isItsFolder: true, topFive: false, names: 'characters', keys: TEXT },
  'moby-dick': {
    task: 'language',
    isItsFolder: false,
    isAtHand: true,
    topFive: false,
    names: 'characters',
    keys: TEXT,
  },
  synthetic: {
    task: 'classification',
    isItsFolder: false,
    isAtHand: true,
    topFive: false,
    keys: {
      synthetic: below(
        section({
          train: key(count.default(256), { role: 'result', help: 'Training images.' }),
          test: key(count.default(64), { role: 'result', help: 'Test images.' }),
          size: key(count.default(32), {
            role: 'result',
            help: 'Height and width of an image, in pixels.',
          }),
          channels: key(z.literal([1, 3]).default(3), {
            role: 'result',
            help: '1: grey, 3: colour.',
          }),
          classes: key(z.int().min(2).max(1000).default(10), {
            role: 'result',
            help: 'Number of classes.',
          }),
        }).prefault({}),
        'Size of the set.',
      ),
    },
  },
} as const satisfies Readonly<Record<string, DataSetRow>>;

const rowOf = (name: unknown): DataSetRow | undefined =>
  Object.hasOwn(DATA_SETS, String(name)) ? DATA_SETS[name as keyof typeof DATA_SETS] : undefined;

/** Whether no folder of the user's is read for it. */
export const isAtHand = (name: unknown): boolean => rowOf(name)?.isAtHand === true;

/** What it is made of. */
export const readsOf = (name: keyof typeof DATA_SETS): Reads => TASKS[DATA_SETS[name].task].reads;

/** Whether its labels may have names: bytes of a text have none. */
export const hasNamedLabels = ({
  name,
  tokens,
}: {
  name: keyof typeof DATA_SETS;
  tokens: string;
}) => {
  const { names }: DataSetRow = DATA_SETS[name];
  return names === 'classes' || (names === 'characters' && tokens === 'characters');
};

/** Whether `augmentation` says what becomes of its training images. */
export const isAugmentedAsAsked = (name: unknown): boolean => {
  const row = rowOf(name);
  return row === undefined || (TASKS[row.task].reads === 'images' && row.comesAugmented !== true);
};

/** The keys of the section, in its order. */
export const DATA_KEYS = {
  name: key(z.enum(rowNames(DATA_SETS)), {
    role: 'result',
    help: 'The data set; idx reads MNIST, Fashion-MNIST and their like, text any files of text.',
  }),
  directory: key(filePath.default('data'), {
    role: 'place',
    help: 'Folder that holds the set; of CIFAR and idx the folder above it or its .tar.gz will do, too; text: a file, or a folder of .txt files, taken in the order of their names.',
    read: (at) => rowOf(at('data.name'))?.isItsFolder === true,
    meaning: (path) => normalize(`${path}/.`),
  }),
  subset: below(
    section({
      train: key(count.nullable().default(null), {
        role: 'result',
        help: 'Training images, or windows of a text from its beginning; null takes all.',
      }),
      test: key(count.nullable().default(null), {
        role: 'result',
        help: 'Test images, or windows; null takes all.',
      }),
    }).prefault({}),
    'Subsets; of images class-balanced, drawn from the seed.',
  ),
  resize: key(count.nullable().default(null), {
    role: 'result',
    help: 'Height and width that images are enlarged to before the network, bilinearly, after augmentation in their own pixels; null: they are not. Of imagenet, imageSize says it.',
    read: (at) => isAugmentedAsAsked(at('data.name')),
  }),
  validation: key(count.nullable().default(null), {
    role: 'result',
    help: 'Images held out of the training set, class-balanced and drawn from the seed, or windows at the end of the training text, before its subset is taken: the best epoch is chosen by them; null: none.',
  }),
  ...keysOfRows(DATA_SETS, (at) => at('data.name')),
} as const;
