// A network by its name in a configuration: its family, what the name says, and the options that it
// has. All of it follows from the rows of networks.ts.
import { normalize } from 'node:path';
import { z } from 'zod';
import { InternalError } from '../util/errors.js';
import { key, rowNames, type Key } from './key.js';
import { NETWORKS, OPTIONS, type NetworkOption, type Options } from './networks.js';
import type { Reads } from './tasks.js';
import { filePath } from './values.js';

type Rows = typeof NETWORKS;
export type Family = keyof Rows;

/** A network of the family F. */
export type NetworkChoice<F extends Family = Family> = {
  readonly [K in F]: {
    readonly family: K;
    /** What its name says. */
    readonly name: ReturnType<Rows[K]['read']>;
    /** Those that its family has, none of them null. */
    readonly options: Rows[K]['published'];
  };
}[F];

export interface Written extends Readonly<Record<NetworkOption, unknown>> {
  readonly name: string;
}

const FAMILIES = rowNames(NETWORKS);

/** Undefined for a name of no family. */
const familyOf = (name: unknown): Family | undefined =>
  typeof name === 'string'
    ? FAMILIES.find((family) => NETWORKS[family].pattern.test(name))
    : undefined;

/** The options of the network's family, as published; none for a name of no family. */
function publishedOf(name: unknown): Partial<Options> {
  const family = familyOf(name);
  return family === undefined ? {} : NETWORKS[family].published;
}

/** What a configuration that is checked names. */
export function networkOf(model: Written): NetworkChoice {
  const family = familyOf(model.name);
  if (family === undefined) {
    throw new InternalError(`the schema let the network ${model.name} pass`);
  }
  const { pattern, read, published } = NETWORKS[family];
  const groups = pattern.exec(model.name)?.slice(1) ?? [];
  const options = Object.entries<unknown>(published).map(([option, usual]): [string, unknown] => [
    option,
    model[option as NetworkOption] ?? usual,
  ]);
  return { family, name: read(groups), options: Object.fromEntries(options) } as NetworkChoice;
}

/**
 * Multiply-adds of one example in an average convolution or matrix product, within a factor of two: to
 * tell small networks from large ones before TensorFlow, which a trace needs, is loaded.
 *
 * @param places pixels of an image, or tokens of a window
 */
export const averageConvolution = (model: Written, places: number): number =>
  places * perPixel(networkOf(model));

function perPixel<F extends Family>({ family, name, options }: NetworkChoice<F>): number {
  return SIZES[family].perPixel(name, options);
}

/** The rows as a family's name, what it says and the options go together. */
const SIZES: {
  readonly [F in Family]: {
    readonly perPixel: (
      name: NetworkChoice<F>['name'],
      options: NetworkChoice<F>['options'],
    ) => number;
  };
} = NETWORKS;

/** What the network reads; undefined for a name of no family. */
export function modelReads({ name }: Pick<Written, 'name'>): Reads | undefined {
  const family = familyOf(name);
  return family === undefined ? undefined : NETWORKS[family].reads;
}

/** Whose network for PyTorch has tensors of these names and axes; null: nobody's. */
export const namesOf = (model: Written): string | null => NETWORKS[networkOf(model).family].namesOf;

/** Whether weights of the published network fit it. */
export function isAsPublished(model: Written): boolean {
  const { family, options } = networkOf(model);
  const published: Partial<Options> = NETWORKS[family].published;
  const own: Partial<Options> = options;
  return rowNames(OPTIONS).every(
    (option) => OF_TRAINING.includes(`model.${option}`) || own[option] === published[option],
  );
}

/** `gpt`: the families that read such, as `model.name` takes them. */
export const networksThatRead = (reads: Reads): string =>
  FAMILIES.filter((family) => NETWORKS[family].reads === reads)
    .map((family) => NETWORKS[family].wanted)
    .join(', ');

/** What `fsam models` lists: those for small images first. */
export const LISTED_NETWORKS: readonly {
  readonly name: string;
  readonly reads: Reads;
  readonly madeFor: { readonly size: number; readonly classes: number };
}[] = FAMILIES.flatMap((family) => {
  const { listed, madeFor, reads } = NETWORKS[family];
  return listed.map((name) => ({ name, madeFor, reads }));
}).sort((a, b) => a.madeFor.size - b.madeFor.size);

/** How the names of families without end are made. */
export const OPEN_NAMES: readonly string[] = FAMILIES.flatMap(
  (family) => NETWORKS[family].open ?? [],
);

/** `wrn, vit: 0; vgg: 0.5`: what the families have, for the help text of the option. */
export function publishedValues(option: NetworkOption): string {
  const families = new Map<unknown, Family[]>();
  for (const family of FAMILIES) {
    const value = (NETWORKS[family].published as Partial<Options>)[option];
    if (value !== undefined) families.set(value, [...(families.get(value) ?? []), family]);
  }
  return [...families].map(([value, names]) => `${names.join(', ')}: ${String(value)}`).join('; ');
}

/** Null is the published value of the network's family. */
function optionKey(option: NetworkOption): Key {
  const { type, help }: { type: z.ZodType; help: string } = OPTIONS[option];
  return key(type.nullable().default(null), {
    role: 'result',
    help: `${help} (${publishedValues(option)}).`,
    read: (at) => option in publishedOf(at('model.name')),
    meaning: (value, at) => value ?? publishedOf(at('model.name'))[option],
  });
}

type OptionKeys = {
  readonly [O in NetworkOption]: Key<z.ZodDefault<z.ZodNullable<(typeof OPTIONS)[O]['type']>>>;
};

const wanted = FAMILIES.map((family) => NETWORKS[family].wanted);

/** The keys of the section, in its order. */
export const MODEL_KEYS = {
  name: key(
    z
      .string()
      .regex(new RegExp(FAMILIES.map((family) => NETWORKS[family].pattern.source).join('|')))
      .meta({
        patternErrorMessage: `${wanted.slice(0, -1).join(', ')}, or ${wanted.at(-1) ?? ''}`,
      }),
    { role: 'result', help: 'The network; `fsam models` lists them.' },
  ),
  ...(Object.fromEntries(
    rowNames(OPTIONS).map((option) => [option, optionKey(option)]),
  ) as OptionKeys),
  pretrained: key(filePath.nullable().default(null), {
    role: 'result',
    help: 'Weights to begin with: a safetensors file as torchvision (imagenet-resnet), timm (those, deit, vit) or nanoGPT (gpt) name them, or of a run of fsam; null: drawn from the seed.',
    meaning: (path) => (path === null ? null : normalize(path)),
    folder: 'unless default',
    folderWord: () => 'pretrained',
  }),
  positions: key(z.enum(['antialias', 'plain']).default('antialias'), {
    role: 'result',
    help: 'How pretrained position embeddings of another grid are resampled: bicubic, antialiased as timm does it, or plain as older code.',
    read: (at) => at('model.pretrained') !== null && 'dropPath' in publishedOf(at('model.name')),
  }),
  convolution: key(z.enum(['auto', 'direct']).default('auto'), {
    role: 'rounding',
    help: "auto: Winograd's algorithm where a CPU is quicker with it; direct: nowhere.",
    absent: 'direct',
  }),
  precision: key(z.enum(['float32', 'bfloat16']).default('float32'), {
    role: 'result',
    help: 'What activations are, and so what is multiplied; weights, statistics, loss and optimizer are float32 either way.',
  }),
} as const;

/** Of the section, what changes no output of a trained network but its last digits. */
export const OF_TRAINING: readonly string[] = (
  [
    'pretrained',
    'positions',
    'dropout',
    'dropPath',
    'convolution',
  ] as const satisfies readonly (keyof typeof MODEL_KEYS)[]
).map((key) => `model.${key}`);

/** An option that the network does not have would be silently without effect. */
export function onlyOptionsOfTheFamily({ value, issues }: z.core.ParsePayload<Written>): void {
  if (familyOf(value.name) === undefined) return;
  for (const option of rowNames(OPTIONS)) {
    if (value[option] === null || option in publishedOf(value.name)) continue;
    const message = `wanted null: ${value.name} has no such option`;
    issues.push({ code: 'custom', message, input: value, path: [option] });
  }
}
