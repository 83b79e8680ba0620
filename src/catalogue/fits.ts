// What goes with what is learnt: images and tokens have networks of their own, and only images have
// labels that can be wrong, and are augmented.
import type { z } from 'zod';
import { valueAt } from '../util/dotted.js';
import { readsOf } from './data-sets.js';
import { modelReads, networksThatRead, type Written } from './network.js';

interface Learnt {
  readonly data: { readonly name: Parameters<typeof readsOf>[0] };
  readonly model: Written;
}

/** Of a text, the keys that ask for what it has not: with what asks for nothing, the default for images besides, and why. */
const NOT_OF_TEXT: readonly (readonly [key: string, nothing: readonly unknown[], why: string])[] = [
  ['data.resize', [null], 'a text has no pixels'],
  ['labelNoise.rate', [0], 'a text has no labels'],
  ['labelNoise.file', [null], 'a text has no labels'],
  ['augmentation.flip', [false, true], 'a text is not augmented'],
  ['augmentation.cropPadding', [0, 4], 'a text is not augmented'],
  ['augmentation.cutout', [0, 16], 'a text is not augmented'],
  ['augmentation.cutoutProbability', [0, 0.5], 'a text is not augmented'],
];

/** A text is not augmented, whatever the defaults for images are: so that its configuration says what is done. */
export const asDone = <
  C extends {
    readonly data: Learnt['data'];
    readonly augmentation: { flip: boolean; cropPadding: number; cutout: number };
  },
>(
  config: C,
): C =>
  readsOf(config.data.name) === 'tokens'
    ? {
        ...config,
        augmentation: { ...config.augmentation, flip: false, cropPadding: 0, cutout: 0 },
      }
    : config;

/** What is asked for by a key as it was written, and has no effect, though its value is a default elsewhere. */
export const writtenInVain = (
  written: unknown,
  { data }: Pick<Learnt, 'data'>,
): { readonly path: string[]; readonly message: string }[] =>
  readsOf(data.name) === 'tokens'
    ? NOT_OF_TEXT.filter(
        ([key, [nothing]]) => ![undefined, nothing].includes(valueAt(written, key)),
      ).map(([key, [nothing], why]) => ({
        path: key.split('.'),
        message: notOfText(data, nothing, why),
      }))
    : [];

const notOfText = ({ name }: Learnt['data'], nothing: unknown, why: string): string =>
  `wanted ${String(nothing)} for ${name}: ${why}`;

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
  const resize = valueAt(value, 'data.resize');
  if (data.name === 'imagenet' && resize !== null) {
    refuse('data.resize', 'wanted null for imagenet: data.imageSize says how large its images are');
  }
  if (reads !== 'tokens') return;
  for (const [key, nothing, why] of NOT_OF_TEXT) {
    const got = valueAt(value, key);
    if (!nothing.includes(got)) refuse(key, notOfText(data, nothing[0], why));
  }
}
