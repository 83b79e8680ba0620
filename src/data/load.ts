// The door of this folder: the data set that a configuration names, read, checked and cut to size.
import type { DataConfig } from '../catalogue/schema.js';
import type { Candidate } from './candidates.js';
import { CIFAR_FORMATS, type CifarFormat } from './cifar-format.js';
import { cifarCandidates, cifarShape, loadCifar } from './cifar.js';
import {
  isStream,
  isText,
  ofImages,
  shapeOf,
  type Dataset,
  type DatasetShape,
  type ImageDataset,
  type ImageShape,
  type WholeText,
} from './dataset.js';
import { loadImageNet, publishedShape } from './imagenet.js';
import { idxCandidates, loadFashionMnistTiny, loadIdx } from './idx.js';
import type { OnIndexing } from './records/build-index.js';
import { holdOut, takeSubset } from './subset.js';
import { makeSynthetic } from './synthetic.js';
import { cutText } from './text/cut-text.js';
import { loadMobyDick, loadText } from './text/load-text.js';

/** As its files have it. */
type ReadSet = ImageDataset | WholeText;

interface Loader {
  readonly load: (
    config: DataConfig,
    seed: number,
    onIndexing?: OnIndexing,
  ) => ReadSet | Promise<ReadSet>;
  /** Where in a folder it is looked for, as `load` does; left out: it has a place of its own, or none. */
  readonly candidates?: (directory: string) => Promise<readonly Candidate[]>;
  /** Of the whole set; left out: known only once it is read. */
  readonly shape?: ImageShape;
  /** As it was published, where its folder is not there; null where it is. */
  readonly published?: (
    config: DataConfig,
  ) => Promise<(KnownShape<ImageShape> & { readonly note: string }) | null>;
  /** Whether training reads its images as it goes; left out: they lie on the device as a whole. */
  readonly streamed?: true;
  /** Pixels of an image, or tokens of a window, where that is known though its shape is not. */
  readonly places?: (config: DataConfig) => number;
}

const cifar = (format: CifarFormat): Loader => ({
  load: ({ directory }) => loadCifar(format, directory),
  candidates: (directory) => cifarCandidates(format, directory),
  shape: cifarShape(format),
});

const text = (load: Loader['load']): Loader => ({ load, places: ({ context }) => context });

const LOADERS: Readonly<Record<DataConfig['name'], Loader>> = {
  cifar10: cifar(CIFAR_FORMATS.cifar10),
  cifar100: cifar(CIFAR_FORMATS.cifar100),
  idx: { load: ({ directory }) => loadIdx(directory), candidates: idxCandidates },
  'fashion-mnist-tiny': { load: loadFashionMnistTiny },
  imagenet: {
    load: loadImageNet,
    published: publishedShape,
    streamed: true,
    places: ({ imageSize }) => imageSize ** 2,
  },
  synthetic: {
    load: ({ synthetic }, seed) => makeSynthetic(synthetic, seed),
    places: ({ synthetic: { size } }) => size ** 2,
  },
  text: text(loadText),
  'moby-dick': text(loadMobyDick),
};

/**
 * Reads the set into memory, or the index of one that memory does not hold. Of images `seed` chooses what
 * is held out for validation and the subset of the rest, and draws the synthetic set; mean and std are
 * those of the whole training set, whatever is taken of it.
 *
 * Errors: UserError, one line, when the set is missing, damaged or smaller than the subset wanted, or
 * an image that is evaluated is known to be damaged.
 */
export async function loadDataset(
  config: DataConfig,
  seed: number,
  onIndexing?: OnIndexing,
): Promise<Dataset> {
  const whole = await LOADERS[config.name].load(config, seed, onIndexing);
  if (isText(whole)) return cutText(whole, config);
  const cut = takeSubset(holdOut(whole, config.validation, seed), config.subset, seed);
  const validated = cut.validation?.images;
  // Of training images that are skipped where they are damaged, none has been refused; these are evaluated.
  if (validated !== undefined && isStream(validated)) validated.refuseDamaged?.();
  return cut;
}

/** The sets that are looked for in a folder, and where. */
export const LOOKED_FOR = Object.fromEntries(
  Object.entries(LOADERS).flatMap(([name, { candidates }]) =>
    candidates === undefined ? [] : [[name, candidates]],
  ),
);

/**
 * The shape of the set that `loadDataset` would give. CIFAR's is known without its files; the
 * others are read.
 *
 * Errors: as loadDataset.
 */
export async function datasetShape(config: DataConfig, seed: number): Promise<DatasetShape> {
  const { shape } = LOADERS[config.name];
  if (shape === undefined) return shapeOf(await loadDataset(config, seed));
  return cutShape(shape, config);
}

/** The shape of a set as `datasetShape` gives it, or as it was published. */
interface KnownShape<S extends DatasetShape = DatasetShape> {
  readonly shape: S;
  /** What was taken for a set that is not there; null where nothing had to be. */
  readonly note: string | null;
}

/** For what reads no image: of a set that is not there its published shape. Errors: as loadDataset. */
export async function knownShape(config: DataConfig, seed: number): Promise<KnownShape> {
  const published = await LOADERS[config.name].published?.(config);
  if (!published) return { shape: await datasetShape(config, seed), note: null };
  return { shape: cutShape(published.shape, config), note: published.note };
}

/** Of the part of a set that the configuration takes. */
function cutShape(whole: ImageShape, { subset, validation }: DataConfig): ImageShape {
  const validationCount = validation ?? 0;
  return {
    ...whole,
    validationCount,
    trainCount: subset.train ?? whole.trainCount - validationCount,
    testCount: subset.test ?? whole.testCount,
  };
}

/** Whether training reads its images as it goes. */
export const isStreamed = ({ name }: DataConfig): boolean => LOADERS[name].streamed === true;

/**
 * Pixels of an image, or tokens of a window, with as little read as `datasetShape` or less. Errors: as
 * loadDataset.
 */
export async function placesOf(config: DataConfig, seed: number): Promise<number> {
  const known = LOADERS[config.name].places?.(config);
  if (known !== undefined) return known;
  const { height, width } = ofImages(await datasetShape(config, seed));
  return height * width;
}
