// The second folder of a run, results/NAME/VARIANT: what tells the runs of one experiment apart.
import type { Config } from '../config/schema.js';
import { isRead, readerOf } from './identity.js';
import type { KeyPath, Reader } from './keys.js';
import { optimizerTitle } from './variants.js';

/** A word for the value of a key, or none where it goes without saying. */
type Word = readonly [key: KeyPath, word: (at: Reader) => string | null];

/** In the order of the words; a key that is not read has none. */
const WORDS: readonly Word[] = [
  ['optimizer.name', (at) => optimizerTitle(at('optimizer.name'), at('optimizer.adaptive'))],
  ['optimizer.rho', (at) => `rho${at('optimizer.rho')}`],
  ['optimizer.sigma', (at) => `sigma${at('optimizer.sigma')}`],
  ['optimizer.lambda', (at) => `lambda${at('optimizer.lambda')}`],
  ['optimizer.base', (at) => unless('sgd', at('optimizer.base'))],
  ['optimizer.emaOrder', (at) => unless('code', at('optimizer.emaOrder'))],
  ['microBatches', (at) => (at('microBatches') === 1 ? null : `m${at('microBatches')}`)],
  [
    'labelNoise.rate',
    (at) => (at('labelNoise.rate') === 0 ? null : `noise${at('labelNoise.rate')}`),
  ],
  ['labelNoise.kind', (at) => unless('symmetric', at('labelNoise.kind'))],
  ['labelNoise.exclusive', (at) => (at('labelNoise.exclusive') ? 'exclusive' : null)],
  ['labelNoise.file', (at) => (at('labelNoise.file') === null ? null : 'noise-file')],
];

const unless = (usual: string, value: string): string | null => (value === usual ? null : value);

/**
 * The variant that the configuration names, or one built from its optimizer:
 * `fsam-rho0.2-sigma1-lambda0.6`.
 */
export function variantName(config: Config): string {
  const at = readerOf(config);
  const words = WORDS.filter(([key]) => isRead(key, at)).flatMap(([, word]) => word(at) ?? []);
  return config.variant ?? words.join('-');
}
