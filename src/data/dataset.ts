// What a data set is to the rest of the program: sets of uint8 images with labels, or texts of tokens.
// Labels and tokens are in host memory; images are too, or they are read as training asks for them.
import { InternalError } from '../util/errors.js';
import type { RandomStream } from '../util/random.js';
import type { Closable } from './source.js';

/**
 * Images that are read as they are asked for, because memory does not hold them all. What it takes to
 * read them early, such as threads, is its own affair.
 */
export interface ImageStream {
  /** Those at `indices`, in that order. */
  pick(indices: Int32Array): ImageStream;
  /** An order of all its images [N], for an epoch; left out: any is as good as another. */
  readonly shuffle?: (random: RandomStream) => Int32Array;
  /**
   * The images of batch after batch, [B H W C] (uint8) each; an array may be filled anew once the
   * next one is asked for. TensorFlow reads one that begins at a multiple of 64 bytes where it lies,
   * and copies others.
   *
   * @param batches indices of the images of each batch [B]; may be asked for before their turn
   * @param epoch from 0, where they are trained on; null: they are evaluated
   */
  read(batches: Iterable<Int32Array>, epoch: number | null): Closable<Uint8Array>;
  /** What reading batches of such a size takes. */
  needs(batchSize: number): { readonly threads: number; readonly bytes: number };
  /**
   * Those in the batches so far that could not be read and gave way to others of their class, by index;
   * left out: that is an error.
   */
  readonly skipped?: () => ReadonlyMap<number, SkippedImage>;
  /**
   * Left out: nothing is known of them before they are read.
   *
   * Errors: UserError where one of them is known to be damaged.
   */
  refuseDamaged?(): void;
}

export interface SkippedImage {
  readonly file: string;
  /** Its name in there. */
  readonly record: string;
  readonly reason: string;
}

/** All images of a set, [N H W C], row by row, channels last, or what reads them. */
export type Images = Uint8Array | ImageStream;

export const isStream = (images: Images): images is ImageStream => !ArrayBuffer.isView(images);

/** Images and their labels, in file order. */
export interface ImageSet<I extends Images = Images> {
  readonly images: I;
  /** [N], each from 0 to classes - 1. */
  readonly labels: Int32Array;
  /** [N], before label noise; only where there is some. */
  readonly originalLabels?: Int32Array;
}

/** All images of a set that memory holds. Errors: InternalError where it is a stream. */
export function inMemory({ images }: ImageSet): Uint8Array {
  if (!isStream(images)) return images;
  throw new InternalError('images that are read as they are asked for were asked for as a whole');
}

/** What is known of any data set. */
interface SetFacts {
  readonly name: string;
  /** What is told apart: classes of images, or tokens. */
  readonly classes: number;
  /** By label, where the data has names; of characters, each as a JSON string. */
  readonly classNames?: readonly string[];
  /** Where it was read from, for environment.json. */
  readonly source: string;
  /** One line for each place before `source` that holds only a part of the set. */
  readonly passedOver?: readonly string[];
  /** What the user is told of how the set was read, a line each. */
  readonly notes?: readonly string[];
}

/** Images, checked: every label is in range and every file had its full length. */
export interface ImageDataset<I extends Images = Images> extends SetFacts {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /**
   * Per channel, of pixels scaled to 0..1; what `normalise` in the graph subtracts and divides by.
   */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly train: ImageSet<I>;
  readonly test: ImageSet<I>;
  /** Held out of the training set, where that is asked for. */
  readonly validation?: ImageSet<I>;
}

/** Each from 0 to the number of tokens there are, less one. */
export type Tokens = Uint8Array | Uint16Array;

/** A part of a text. */
export interface TextSet {
  /** One after the other [N]. */
  readonly tokens: Tokens;
  /** Windows that an epoch draws; where they are evaluated, those side by side are taken. */
  readonly examples: number;
  /** Where its windows begin [examples]; left out: side by side from the first token on. */
  readonly starts?: Int32Array;
}

/** A text, cut into a part to train on and others after it. */
export interface TextDataset extends SetFacts {
  /** Tokens T of a window that the network sees; one more is read, for the last one to be told from. */
  readonly context: number;
  /** In the mean over what is measured of each part. */
  readonly tokensPerCharacter: Readonly<Record<Split, number>>;
  readonly train: TextSet;
  readonly test: TextSet;
  /** The end of the training text, where that is asked for. */
  readonly validation?: TextSet;
}

/** A text as it is read, before it is cut to what a configuration asks for. */
export type WholeText = Omit<TextDataset, 'tokensPerCharacter' | 'validation'>;

export type Dataset = ImageDataset | TextDataset;

type OfText = { readonly context: number };

/** Whether it is of a text: a data set, or the shape of one. */
export const isText = <T extends object>(set: T): set is Extract<T, OfText> => 'context' in set;

/** Errors: InternalError where it is of a text. */
export function ofImages<T extends object>(set: T): Exclude<T, OfText> {
  if (isText(set)) throw new InternalError('a text was taken for images');
  return set as Exclude<T, OfText>;
}

/** Errors: InternalError where it is of images. */
export function ofText<T extends object>(set: T): Extract<T, OfText> {
  if (isText(set)) return set;
  throw new InternalError('images were taken for a text');
}

/** Images of a set, or windows of an epoch. */
export const examplesIn = (set: ImageSet | TextSet): number =>
  'labels' in set ? set.labels.length : set.examples;

/** What the user is told of the set before it is used, a line each. */
export const remarksOn = ({ source, passedOver = [], notes = [] }: Dataset): readonly string[] => [
  ...passedOver.map((line) => `not whole: ${line}; reading ${source}`),
  ...notes,
];

/** The sets of a data set; `validation` only where images were held out for it. */
export type Split = 'train' | 'validation' | 'test';

export const SPLITS: readonly Split[] = ['train', 'validation', 'test'];

/** The training labels that were changed on purpose, beside those before; null where none were. */
export function noisyLabelsOf(
  dataset: Dataset,
): { readonly labels: Int32Array; readonly originalLabels: Int32Array } | null {
  if (isText(dataset)) return null;
  const { labels, originalLabels } = dataset.train;
  return originalLabels === undefined ? null : { labels, originalLabels };
}

interface Counts {
  readonly trainCount: number;
  readonly testCount: number;
  /** 0: nothing was held out. */
  readonly validationCount: number;
  /** Whether training labels were changed on purpose. */
  readonly labelNoise: boolean;
}

/** What of a set of images a network and its graph depend on: everything but the images and labels. */
export interface ImageShape
  extends Counts, Pick<ImageDataset, 'classes' | 'height' | 'width' | 'channels' | 'mean' | 'std'> {
  /** Whether images are read as they are asked for; otherwise they lie on the device as a whole. */
  readonly streamed: boolean;
}

/** The same of a text. */
export interface TextShape
  extends Counts, Pick<TextDataset, 'classes' | 'context' | 'tokensPerCharacter'> {}

export type DatasetShape = ImageShape | TextShape;

export function shapeOf(dataset: ImageDataset): ImageShape;
export function shapeOf(dataset: Dataset): DatasetShape;
export function shapeOf(dataset: Dataset): DatasetShape {
  const { train, test, validation } = dataset;
  const counts = {
    trainCount: examplesIn(train),
    testCount: examplesIn(test),
    validationCount: validation === undefined ? 0 : examplesIn(validation),
  };
  if (isText(dataset)) {
    const { classes, context, tokensPerCharacter } = dataset;
    return { ...counts, labelNoise: false, classes, context, tokensPerCharacter };
  }
  const { classes, height, width, channels, mean, std } = dataset;
  return {
    ...{ classes, height, width, channels, mean, std },
    ...counts,
    labelNoise: dataset.train.originalLabels !== undefined,
    streamed: isStream(dataset.train.images),
  };
}

/** Images of a split, or windows. */
export const countOf = (shape: DatasetShape, split: Split): number => shape[`${split}Count`];
