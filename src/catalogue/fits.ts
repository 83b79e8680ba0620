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

interface NotOfText {
  readonly key: string;
  /** What asks for nothing, the first of it what is wanted. */
  readonly nothing: readonly unknown[];
  /** The default, where it asks for something of images: to be taken for nothing, but not when it is written. */
  readonly unlessWritten?: unknown;
  readonly why: string;
}

const PIXELS = 'a text has no pixels';
const LABELS = 'a text has no labels';
const AUGMENTED = 'a text is not augmented';

/** Of a text, the keys that ask for what it has not. */
const NOT_OF_TEXT: readonly NotOfText[] = [
  { key: 'data.resize', nothing: [null], why: PIXELS },
  { key: 'labelNoise.rate', nothing: [0], why: LABELS },
  { key: 'labelNoise.file', nothing: [null], why: LABELS },
  { key: 'augmentation.flip', nothing: [false], unlessWritten: true, why: AUGMENTED },
  { key: 'augmentation.cropPadding', nothing: [0], unlessWritten: 4, why: AUGMENTED },
  { key: 'augmentation.cutout', nothing: [0], unlessWritten: 16, why: AUGMENTED },
  // Without Cutout its default is nothing.
  { key: 'augmentation.cutoutProbability', nothing: [0, 0.5], why: AUGMENTED },
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
        ({ key, nothing }) => ![undefined, ...nothing].includes(valueAt(written, key)),
      ).map((row) => ({ path: row.key.split('.'), message: wantedOf(data, row) }))
    : [];

const wantedOf = ({ name }: Learnt['data'], { nothing, why }: NotOfText): string =>
  `wanted ${String(nothing[0])} for ${name}: ${why}`;

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
  for (const row of NOT_OF_TEXT) {
    const { key, nothing, unlessWritten } = row;
    if (![unlessWritten, ...nothing].includes(valueAt(value, key)))
      refuse(key, wantedOf(data, row));
  }
}
