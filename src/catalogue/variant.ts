// The second folder of a run, results/NAME/VARIANT: what tells the runs of one experiment apart.
import { defaultOf, isRead, meaningOf, readerOf } from './identity.js';
import { KEY_PATHS, KEYS, type KeyPath, type Reader } from './keys.js';
import { keyWord } from './label.js';
import type { Config } from './schema.js';

/** In the order of the words: the optimizer's first, and in a section those that are always there. */
const TOLD = ((): readonly KeyPath[] => {
  const told = KEY_PATHS.filter((key) => KEYS[key].folder !== undefined);
  const rank = (key: KeyPath): number =>
    (key.startsWith('optimizer.') ? 0 : 2) + (KEYS[key].folder === 'always' ? 0 : 1);
  return told.sort((a, b) => rank(a) - rank(b));
})();

/**
 * The variant that the configuration names, or one built from its optimizer:
 * `fsam-rho0.2-sigma1-lambda0.6`.
 */
export function variantName(config: Config): string {
  const at = readerOf(config);
  const words = TOLD.filter(
    (key) => isRead(key, at) && (KEYS[key].folder === 'always' || at(key) !== defaultOf(key)),
  ).map((key) => wordOf(key, at));
  return config.variant ?? words.join('-');
}

const wordOf = (key: KeyPath, at: Reader): string =>
  KEYS[key].folderWord?.(at(key)) ?? keyWord(key, meaningOf(key, at), []);
