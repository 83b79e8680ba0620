// What a data set is to the rest of the program: sets of uint8 images with labels, in host memory.

/** Images and their labels, in file order. */
export interface ImageSet {
  /** [N H W C], row by row, channels last. */
  readonly images: Uint8Array;
  /** [N], each from 0 to classes - 1. */
  readonly labels: Int32Array;
  /** [N], before label noise; only where there is some. */
  readonly originalLabels?: Int32Array;
}

/** One data set, checked: every label is in range and every file had its full length. */
export interface Dataset {
  readonly name: string;
  readonly classes: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /**
   * Per channel, of pixels scaled to 0..1; what `normalise` in the graph subtracts and divides by.
   */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly train: ImageSet;
  readonly test: ImageSet;
  /** Held out of the training set, where that is asked for. */
  readonly validation?: ImageSet;
  /** Where it was read from, for environment.json. */
  readonly source: string;
  /** One line for each place before `source` that holds only a part of the set. */
  readonly passedOver?: readonly string[];
}

/** The sets of a data set; `validation` only where images were held out for it. */
export type Split = 'train' | 'validation' | 'test';

export const SPLITS: readonly Split[] = ['train', 'validation', 'test'];

/** What of a data set a network and its graph depend on: everything but the images. */
export interface DatasetShape extends Pick<
  Dataset,
  'classes' | 'height' | 'width' | 'channels' | 'mean' | 'std'
> {
  readonly trainCount: number;
  readonly testCount: number;
  /** 0: nothing was held out. */
  readonly validationCount: number;
  /** Whether training labels were changed on purpose. */
  readonly labelNoise: boolean;
}

export function shapeOf(dataset: Dataset): DatasetShape {
  const { train, test, validation, ...shape } = dataset;
  return {
    ...shape,
    trainCount: train.labels.length,
    testCount: test.labels.length,
    validationCount: validation?.labels.length ?? 0,
    labelNoise: train.originalLabels !== undefined,
  };
}

/** Images of a split. */
export const countOf = (shape: DatasetShape, split: Split): number => shape[`${split}Count`];
