// ImageNet, and any other set of pictures in the forms that it is held in: src/data/records/.
import { availableParallelism } from 'node:os';
import type { DataConfig } from '../catalogue/schema.js';
import { UserError } from '../util/errors.js';
import type { ImageDataset, ImageShape, ImageSet, ImageStream } from './dataset.js';
import { kindOf } from './files.js';
import { pictureStream, sharedMemory, type Pictures } from './pictures/picture-stream.js';
import { createPool } from './pictures/pool.js';
import type { OnIndexing } from './records/build-index.js';
import { readClassList } from './records/class-list.js';
import { openIndex } from './records/open-index.js';
import { columnsOfSplit, type RecordSplit } from './records/record-index.js';

/** Of ImageNet's training pictures, as everybody takes them: torchvision's reference. */
const MEAN = [0.485, 0.456, 0.406];
const STD = [0.229, 0.224, 0.225];

/** So many cores are left to training. */
const CORES_KEPT = 2;

/** Of ILSVRC 2012. */
const PUBLISHED = { classes: 1000, trainCount: 1_281_167, testCount: 50_000 };

const defaultWorkers = (): number => Math.max(1, availableParallelism() - CORES_KEPT);

/**
 * Opens the index, which is made the first time; no picture is read yet.
 *
 * Errors: UserError, one line, where the set is missing or damaged, or a picture is known to be.
 */
export async function loadImageNet(
  config: DataConfig,
  seed: number,
  onProgress?: OnIndexing,
): Promise<ImageDataset<ImageStream>> {
  const { directory, classes, workers, imageSize: side, resizeTo: resize } = config;
  const { order, shardsInBlock, onCorrupt } = config;
  const index = await openIndex(directory, {
    classFile: classes,
    ...(onProgress && { onProgress }),
  });
  if (index.test === null) {
    throw new UserError(
      `data.directory ${directory}: has training pictures, but none to test on; wanted val/ or validation shards beside them`,
    );
  }
  if (order === 'blocks') refuseBlocksOfClasses(index.train);
  const common = {
    framing: { side, resize, seed },
    pool: createPool(workers ?? defaultWorkers()),
    memory: sharedMemory(),
    shardsInBlock: order === 'blocks' ? shardsInBlock : null,
  };
  return {
    name: 'imagenet',
    classes: index.classes,
    ...(index.classNames !== null && { classNames: index.classNames }),
    height: side,
    width: side,
    channels: 3,
    mean: MEAN,
    std: STD,
    train: imagesOf({
      ...common,
      split: index.train,
      splitName: 'train',
      skipsCorrupt: onCorrupt === 'skip',
    }),
    test: imagesOf({ ...common, split: index.test, splitName: 'test', skipsCorrupt: false }),
    source: index.directory,
    notes: index.notes,
  };
}

/** A shape that was not read from files. */
interface PublishedShape {
  readonly shape: ImageShape;
  /** What was taken, for the user. */
  readonly note: string;
}

/**
 * Of ImageNet, with as many classes as `data.classes` lists, where the folder of the configuration is not
 * there; null where it is.
 *
 * Errors: UserError where the list cannot be read.
 */
export async function publishedShape({
  directory,
  classes: classFile,
  imageSize: side,
}: DataConfig): Promise<PublishedShape | null> {
  if ((await kindOf(directory)) !== 'missing') return null;
  const list = classFile === null ? null : await readClassList(directory, classFile);
  const { trainCount, testCount } = PUBLISHED;
  const classes = list?.names.length ?? PUBLISHED.classes;
  const from = list === null ? '' : ` of data.classes ${list.path}`;
  return {
    shape: {
      ...{ classes, trainCount, testCount, validationCount: 0 },
      ...{ height: side, width: side, channels: 3, mean: MEAN, std: STD },
      ...{ labelNoise: false, streamed: true },
    },
    note: `data.directory ${directory}: there is no such folder; taken are the ${classes} classes${from}, ${trainCount} training and ${testCount} test pictures of ImageNet`,
  };
}

function imagesOf(pictures: Pictures): ImageSet<ImageStream> {
  const { split, skipsCorrupt } = pictures;
  const labels = Int32Array.from(columnsOfSplit(split).label);
  const images = pictureStream(pictures, Int32Array.from(labels.keys()));
  if (!skipsCorrupt) images.refuseDamaged();
  return { images, labels };
}

/** A part that is of one class would give batches of few classes. */
function refuseBlocksOfClasses({ form }: RecordSplit): void {
  if (form === 'TFRecord' || form === 'WebDataset') return;
  throw new UserError(
    `data.order: got blocks for ${form}, in which a block would be of few classes; wanted shards of mixed ones, which fsam data shard writes, or full`,
  );
}
