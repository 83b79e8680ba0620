// How CIFAR-10 and CIFAR-100 are handed out: file names, record layouts, sizes.
// Source: the README of the sets, https://www.cs.toronto.edu/~kriz/cifar.html.

export const CIFAR_SIDE = 32;
export const CIFAR_CHANNELS = 3;
/** Bytes of one image: three planes (red, green, blue) of 32 rows. */
export const CIFAR_IMAGE_BYTES = CIFAR_CHANNELS * CIFAR_SIDE * CIFAR_SIDE;

export interface CifarFile {
  readonly name: string;
  readonly split: 'train' | 'test';
  /** Images in it. */
  readonly records: number;
}

/** One of the forms a set is handed out in: a folder of files, or the same folder in an archive. */
export interface CifarForm {
  readonly encoding: 'binary' | 'pickle';
  readonly folder: string;
  readonly archive: string;
  /** In the order their images take in the set. */
  readonly files: readonly CifarFile[];
}

export interface CifarFormat {
  readonly name: 'cifar10' | 'cifar100';
  readonly title: string;
  readonly classes: number;
  /** Binary records begin with this many label bytes; the last of them is the class. */
  readonly labelBytes: number;
  /** Key of the classes in the pickled dictionary. */
  readonly labelKey: string;
  readonly binary: CifarForm;
  readonly pickle: CifarForm;
}

const FIVE_BATCHES = [1, 2, 3, 4, 5].map((i) => file(`data_batch_${i}`, 'train', 10_000));

export const CIFAR_FORMATS = {
  cifar10: {
    name: 'cifar10',
    title: 'CIFAR-10',
    classes: 10,
    labelBytes: 1,
    labelKey: 'labels',
    binary: {
      encoding: 'binary',
      folder: 'cifar-10-batches-bin',
      archive: 'cifar-10-binary.tar.gz',
      files: withSuffix([...FIVE_BATCHES, file('test_batch', 'test', 10_000)], '.bin'),
    },
    pickle: {
      encoding: 'pickle',
      folder: 'cifar-10-batches-py',
      archive: 'cifar-10-python.tar.gz',
      files: [...FIVE_BATCHES, file('test_batch', 'test', 10_000)],
    },
  },
  cifar100: {
    name: 'cifar100',
    title: 'CIFAR-100',
    classes: 100,
    labelBytes: 2,
    labelKey: 'fine_labels',
    binary: {
      encoding: 'binary',
      folder: 'cifar-100-binary',
      archive: 'cifar-100-binary.tar.gz',
      files: [file('train.bin', 'train', 50_000), file('test.bin', 'test', 10_000)],
    },
    pickle: {
      encoding: 'pickle',
      folder: 'cifar-100-python',
      archive: 'cifar-100-python.tar.gz',
      files: [file('train', 'train', 50_000), file('test', 'test', 10_000)],
    },
  },
} as const satisfies Record<string, CifarFormat>;

/** Bytes of one record of the binary form. */
export function recordBytes(format: CifarFormat): number {
  return format.labelBytes + CIFAR_IMAGE_BYTES;
}

function file(name: string, split: CifarFile['split'], records: number): CifarFile {
  return { name, split, records };
}

function withSuffix(files: readonly CifarFile[], suffix: string): readonly CifarFile[] {
  return files.map((each) => ({ ...each, name: each.name + suffix }));
}
