// What goes with what is learnt: images and tokens have networks of their own, and only images have
// labels that can be wrong, and are augmented.
import type { z } from 'zod';
import { valueAt } from '../util/dotted.js';
import { readsOf } from './data-sets.js';
import { modelReads, networksThatRead, type Written } from './network.js';

interface Learnt {
  readonly data: { readonly name: Parameters<typeof readsOf>[0] };
  readonly model: Written & { readonly precision: string };
}

/** Of a text, the keys that ask for what it has not: with what asks for nothing, and why. */
const NOT_OF_TEXT: readonly (readonly [key: string, nothing: readonly unknown[], why: string])[] = [
  ['labelNoise.rate', [0], 'a text has no labels'],
  ['labelNoise.file', [null], 'a text has no labels'],
  ['augmentation.cropPadding', [0, 4], 'a text is not augmented'],
  ['augmentation.cutout', [0, 16], 'a text is not augmented'],
  ['augmentation.cutoutProbability', [0, 0.5], 'a text is not augmented'],
  ['model.precision', ['float32'], 'its network has no convolutions'],
];

/** What would be silently without effect, or could not be computed, is refused. */
export function fitsWhatIsLearnt({ value, issues }: z.core.ParsePayload<Learnt>): void {
  const { data, model } = value;
  const refuse = (key: string, message: string): void => {
    issues.push({ code: 'custom', message, input: value, path: key.split('.') });
  };
  const reads = readsOf(data.name);
  if (modelReads(model) !== reads && modelReads(model) !== undefined) {
    refuse('model.name', `wanted ${networksThatRead(reads)}: ${data.name} is made of ${reads}`);
  }
  if (reads !== 'tokens') return;
  for (const [key, nothing, why] of NOT_OF_TEXT) {
    const got = valueAt(value, key);
    if (!nothing.includes(got))
      refuse(key, `wanted ${String(nothing[0])} for ${data.name}: ${why}`);
  }
}
