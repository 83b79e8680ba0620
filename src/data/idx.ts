// IDX files, MNIST's format: a magic number, big-endian dimensions, then the bytes,
// http://yann.lecun.com/exdb/mnist/.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../util/errors.js';
import type { Dataset, ImageSet } from './dataset.js';
import { kindOf, readMaybeGzipped } from './files.js';
import { channelStatistics } from './statistics.js';

interface IdxArray {
  readonly path: string;
  readonly shape: readonly number[];
  readonly bytes: Buffer;
}

interface IdxImages extends ImageSet {
  readonly height: number;
  readonly width: number;
  readonly labelsPath: string;
}

/** The embedded set stands beside the sources and the build alike: two folders above this file. */
const EMBEDDED = fileURLToPath(new URL('../../data/fashion-mnist-tiny', import.meta.url));
/** Of all 60,000 training images, not of the 5,000 embedded ones. */
const FASHION_MNIST = { mean: [0.286], std: [0.353] } as const;

/**
 * The set of four IDX files in `directory` (train-images-idx3-ubyte and so on; `.idx3` and a
 * trailing .gz will do, and a file as such goes before a .gz). As many classes as the largest label
 * has it; mean and std of the training images.
 *
 * Errors: UserError when a file is missing, unreadable, of another type, cut short, or does not fit
 * the others.
 */
export async function loadIdx(directory: string): Promise<Dataset> {
  const train = await readSet(directory, 'train');
  const test = await readSet(directory, 't10k');
  if (train.height !== test.height || train.width !== test.width) {
    throw new UserError(
      `${directory}: training images are ${train.height}x${train.width}, test images ` +
        `${test.height}x${test.width}; wanted one size`,
    );
  }
  return {
    name: 'idx',
    classes: countClasses(train, test),
    height: train.height,
    width: train.width,
    channels: 1,
    ...channelStatistics(train.images, 1),
    train: { images: train.images, labels: train.labels },
    test: { images: test.images, labels: test.labels },
    source: directory,
  };
}

/**
 * The first 5,000 training and 1,000 test images of Fashion-MNIST, which come with the program.
 * Errors: as loadIdx.
 */
export async function loadFashionMnistTiny(): Promise<Dataset> {
  return { ...(await loadIdx(EMBEDDED)), name: 'fashion-mnist-tiny', ...FASHION_MNIST };
}

async function readSet(directory: string, prefix: 'train' | 't10k'): Promise<IdxImages> {
  const images = await readIdx(await findIdx(directory, `${prefix}-images`, 3), 3);
  const labels = await readIdx(await findIdx(directory, `${prefix}-labels`, 1), 1);
  const [count = 0, height = 0, width = 0] = images.shape;
  if (images.bytes.length === 0) throw new UserError(`${images.path}: holds no images`);
  if (labels.shape[0] !== count) {
    throw new UserError(
      `${labels.path}: has ${labels.shape[0]} labels for the ${count} images of ${images.path}; wanted as many`,
    );
  }
  return {
    images: images.bytes,
    labels: Int32Array.from(labels.bytes),
    height,
    width,
    labelsPath: labels.path,
  };
}

async function findIdx(directory: string, stem: string, dimensions: 1 | 3): Promise<string> {
  const names = ['', '.gz'].flatMap((end) =>
    ['-', '.'].map((mark) => `${stem}${mark}idx${dimensions}-ubyte${end}`),
  );
  for (const name of names) {
    const path = join(directory, name);
    if ((await kindOf(path)) === 'file') return path;
  }
  const problem =
    (await kindOf(directory)) === 'folder' ? `has no ${names[0]}[.gz]` : 'is no folder';
  throw new UserError(
    `data.directory ${directory}: ${problem}; wanted the folder of the four IDX files ` +
      '(train and t10k, images and labels)',
  );
}

async function readIdx(path: string, dimensions: 1 | 3): Promise<IdxArray> {
  const file = await readMaybeGzipped(path);
  const magic = 0x0800 + dimensions;
  const header = 4 + 4 * dimensions;
  if (file.length < 4 || file.readUInt32BE(0) !== magic) {
    throw new UserError(
      `${path}: has magic number 0x${file.toString('hex', 0, 4)}; wanted 0x${magic.toString(16).padStart(8, '0')} ` +
        `(unsigned bytes, ${dimensions} dimension${dimensions === 1 ? '' : 's'}): it is another kind of file`,
    );
  }
  const shape = file.length < header ? [] : sizes(file, dimensions);
  const wanted = header + shape.reduce((product, size) => product * size, 1);
  if (file.length !== wanted || shape.length === 0) {
    throw new UserError(
      `${path}: has ${file.length} bytes; its header [${shape.join(' ')}] wants ${wanted}: get the file again`,
    );
  }
  return { path, shape, bytes: file.subarray(header) };
}

function sizes(file: Buffer, dimensions: number): number[] {
  return Array.from({ length: dimensions }, (_, i) => file.readUInt32BE(4 + 4 * i));
}

/**
 * One more than the largest label. Errors: UserError when a class has no training image: a damaged
 * label looks so.
 */
function countClasses(train: IdxImages, test: IdxImages): number {
  const trained = new Set(train.labels);
  const lowest = Math.min(...trained);
  const highest = Math.max(...trained, ...new Set(test.labels));
  for (let label = lowest; label <= highest; label++) {
    if (trained.has(label)) continue;
    throw new UserError(
      `${train.labelsPath}: labels reach from ${lowest} to ${highest} (with ${test.labelsPath}), but no training ` +
        `image has label ${label}; wanted every one to occur: get the files again`,
    );
  }
  return highest + 1;
}
