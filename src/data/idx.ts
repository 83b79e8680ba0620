// IDX files, MNIST's format: a magic number, big-endian dimensions, then the bytes,
// http://yann.lecun.com/exdb/mnist/.
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InternalError, UserError } from '../util/errors.js';
import { unreadable } from '../util/file-errors.js';
import { choose, type Candidate, type Choice } from './candidates.js';
import type { ImageDataset, ImageSet } from './dataset.js';
import { kindOf, readMaybeGzipped } from './files.js';
import { channelStatistics } from './statistics.js';

interface IdxArray {
  readonly path: string;
  readonly shape: readonly number[];
  readonly bytes: Buffer;
}

interface IdxImages extends ImageSet<Uint8Array> {
  readonly height: number;
  readonly width: number;
  readonly labelsPath: string;
}

/** The four files of a set: which images or labels, and how many dimensions they have. */
const FILES = [
  ['train-images', 3],
  ['train-labels', 1],
  ['t10k-images', 3],
  ['t10k-labels', 1],
] as const;
type Stem = (typeof FILES)[number][0];

/** A folder with at least one of the files. */
interface IdxFolder extends Candidate {
  readonly files: ReadonlyMap<Stem, Choice<Candidate>>;
}

/** The folders that torchvision makes under its root for the sets of this format. */
const TORCHVISION = ['MNIST', 'FashionMNIST', 'KMNIST'];

/** The embedded set stands beside the sources and the build alike: two folders above this file. */
const EMBEDDED = fileURLToPath(new URL('../../data/fashion-mnist-tiny', import.meta.url));
/** Of all 60,000 training images, not of the 5,000 embedded ones. */
const FASHION_MNIST = { mean: [0.286], std: [0.353] } as const;

/**
 * The set of four IDX files in `directory` (train-images-idx3-ubyte and so on; `.idx3` and a
 * trailing .gz will do, and a file as such goes before a .gz, unless it was cut short), or in the
 * `raw` folder where torchvision puts them below its root. As many classes as the largest label has
 * it; mean and std of the training images.
 *
 * Errors: UserError when a file is missing, unreadable, of another type, cut short, or does not fit
 * the others.
 */
export async function loadIdx(directory: string): Promise<ImageDataset<Uint8Array>> {
  const folder = await findFolder(directory);
  const train = await readSet(folder, 'train');
  const test = await readSet(folder, 't10k');
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
    source: folder.path,
    passedOver: [...folder.files.values()].flatMap((file) => file.passedOver),
  };
}

/**
 * The first 5,000 training and 1,000 test images of Fashion-MNIST, which come with the program.
 * Errors: as loadIdx.
 */
export async function loadFashionMnistTiny(): Promise<ImageDataset<Uint8Array>> {
  return { ...(await loadIdx(EMBEDDED)), name: 'fashion-mnist-tiny', ...FASHION_MNIST };
}

async function readSet(folder: IdxFolder, prefix: 'train' | 't10k'): Promise<IdxImages> {
  const images = await readIdx(pathOf(folder, `${prefix}-images`), 3);
  const labels = await readIdx(pathOf(folder, `${prefix}-labels`), 1);
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

/** Errors: UserError where there is no set, or are several of which none is meant more than another. */
async function findFolder(directory: string): Promise<IdxFolder> {
  const [folder, ...others] = await idxCandidates(directory);
  const wanted =
    'wanted the folder of the four IDX files (train and t10k, images and labels), ' +
    `or torchvision's root of one set`;
  if (folder !== undefined && others.length > 0) {
    const paths = [folder, ...others].map(({ path }) => path).join(', ');
    throw new UserError(`data.directory ${directory}: holds several sets (${paths}); name one`);
  }
  if (folder === undefined || folder.files.size < FILES.length) {
    const kind = await kindOf(directory);
    const lack = folder?.lack ?? `has no ${FILES[0][0]}-idx3-ubyte[.gz]`;
    const problem = kind === 'folder' ? lack : 'is no folder';
    throw new UserError(`data.directory ${folder?.path ?? directory}: ${problem}; ${wanted}`);
  }
  return folder;
}

/**
 * The folders that hold a set, or a part of one: `directory` or its `raw`; where neither does, those
 * of torchvision's sets, which are different ones.
 */
export async function idxCandidates(directory: string): Promise<IdxFolder[]> {
  const own = choose(await idxFolders([directory, join(directory, 'raw')]));
  if (own !== null) return [own.chosen];
  return idxFolders(TORCHVISION.map((name) => join(directory, name, 'raw')));
}

async function idxFolders(paths: readonly string[]): Promise<IdxFolder[]> {
  const folders: IdxFolder[] = [];
  for (const path of paths) {
    const files = new Map<Stem, Choice<Candidate>>();
    for (const [stem, dimensions] of FILES) {
      const choice = choose(await idxFiles(path, stem, dimensions));
      if (choice !== null) files.set(stem, choice);
    }
    const missing = FILES.find(([stem]) => !files.has(stem));
    const lack =
      missing === undefined
        ? ([...files.values()].find(({ chosen }) => chosen.lack !== null)?.chosen.lack ?? null)
        : `has no ${missing[0]}-idx${missing[1]}-ubyte[.gz]`;
    if (files.size > 0) folders.push({ path, files, lack });
  }
  return folders;
}

async function idxFiles(folder: string, stem: Stem, dimensions: 1 | 3): Promise<Candidate[]> {
  const files: Candidate[] = [];
  for (const end of ['', '.gz']) {
    for (const mark of ['-', '.']) {
      const path = join(folder, `${stem}${mark}idx${dimensions}-ubyte${end}`);
      if ((await kindOf(path)) !== 'file') continue;
      files.push({ path, lack: end === '' ? await lengthProblem(path, dimensions) : null });
    }
  }
  return files;
}

/** What is wrong with the length of an unpacked file, which an interruption may have cut short. */
async function lengthProblem(path: string, dimensions: 1 | 3): Promise<string | null> {
  try {
    const file = await open(path);
    try {
      const header = Buffer.alloc(4 + 4 * dimensions);
      await file.read(header, 0, header.length, 0);
      const wanted = wantedLength(sizes(header, dimensions));
      const { size } = await file.stat();
      return size === wanted ? null : `has ${size} bytes, wanted ${wanted}`;
    } finally {
      await file.close();
    }
  } catch (error) {
    throw unreadable(path, error);
  }
}

const wantedLength = (shape: readonly number[]): number =>
  4 + 4 * shape.length + shape.reduce((product, size) => product * size, 1);

function pathOf({ files, path }: IdxFolder, stem: Stem): string {
  const file = files.get(stem);
  if (file === undefined) throw new InternalError(`${path} was taken without ${stem}`);
  return file.chosen.path;
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
  const wanted = wantedLength(shape);
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
