// The door of this folder: the data set that a configuration names, read, checked and cut to size.
import type { DataConfig } from '../catalogue/schema.js';
import type { Candidate } from './candidates.js';
import { CIFAR_FORMATS } from './cifar-format.js';
import { cifarCandidates, cifarShape, loadCifar } from './cifar.js';
import { shapeOf, type Dataset, type DatasetShape } from './dataset.js';
import { idxCandidates, loadFashionMnistTiny, loadIdx } from './idx.js';
import { holdOut, takeSubset } from './subset.js';
import { makeSynthetic } from './synthetic.js';

type Loader = (config: DataConfig, seed: number) => Dataset | Promise<Dataset>;

const LOADERS: Record<DataConfig['name'], Loader> = {
  cifar10: (config) => loadCifar(CIFAR_FORMATS.cifar10, config.directory),
  cifar100: (config) => loadCifar(CIFAR_FORMATS.cifar100, config.directory),
  idx: (config) => loadIdx(config.directory),
  'fashion-mnist-tiny': () => loadFashionMnistTiny(),
  synthetic: (config, seed) => makeSynthetic(config.synthetic, seed),
};

/**
 * Reads the set into memory. `seed` chooses what is held out for validation and the subset of the
 * rest, and draws the synthetic set; mean and std are those of the whole training set, whatever is
 * taken of it.
 *
 * Errors: UserError, one line, when the set is missing, damaged or smaller than the subset wanted.
 */
export async function loadDataset(config: DataConfig, seed: number): Promise<Dataset> {
  const whole = await LOADERS[config.name](config, seed);
  return takeSubset(holdOut(whole, config.validation, seed), config.subset, seed);
}

/** The sets that are looked for in a folder, and where: as `loadDataset` does. */
export const LOOKED_FOR = {
  cifar10: (directory) => cifarCandidates(CIFAR_FORMATS.cifar10, directory),
  cifar100: (directory) => cifarCandidates(CIFAR_FORMATS.cifar100, directory),
  idx: idxCandidates,
} satisfies Partial<Record<DataConfig['name'], (directory: string) => Promise<Candidate[]>>>;

/**
 * The shape of the set that `loadDataset` would give. CIFAR's is known without its files; the
 * others are read.
 *
 * Errors: as loadDataset.
 */
export async function datasetShape(config: DataConfig, seed: number): Promise<DatasetShape> {
  switch (config.name) {
    case 'cifar10':
    case 'cifar100': {
      const whole = cifarShape(CIFAR_FORMATS[config.name]);
      const { train, test } = config.subset;
      const validationCount = config.validation ?? 0;
      return {
        ...whole,
        validationCount,
        trainCount: train ?? whole.trainCount - validationCount,
        testCount: test ?? whole.testCount,
      };
    }
    case 'idx':
    case 'fashion-mnist-tiny':
    case 'synthetic':
      return shapeOf(await loadDataset(config, seed));
    default:
      return config.name satisfies never;
  }
}
