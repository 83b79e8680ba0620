// What a data set holds, in a few bytes: two that differ in a label, a pixel or a letter differ here.
import { createHash } from 'node:crypto';
import { isStream, type Dataset } from '../data/dataset.js';

const taken = new WeakMap<Dataset, string>();

/** Of what is trained on and evaluated, in hexadecimal; of pictures that are read on the way, of their labels alone. */
export function fingerprintOf(dataset: Dataset): string {
  const known = taken.get(dataset);
  if (known !== undefined) return known;
  const { train, test, validation } = dataset;
  const hash = createHash('sha256');
  for (const set of [train, test, validation]) {
    if (set === undefined) continue;
    if ('tokens' in set) hash.update(set.tokens);
    else {
      hash.update(Int32Array.from(set.labels));
      if (!isStream(set.images)) hash.update(set.images);
    }
  }
  const fingerprint = hash.digest('hex');
  taken.set(dataset, fingerprint);
  return fingerprint;
}

/** Whether `dataset` is another than that of this fingerprint; of none, which older checkpoints have, nobody knows. */
export const isOtherThan = (fingerprint: string | undefined, dataset: Dataset): boolean =>
  fingerprint !== undefined && fingerprint !== fingerprintOf(dataset);
