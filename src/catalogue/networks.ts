// One row for each family of networks: its names, the options that it has, and how large its
// convolutions are.
import { z } from 'zod';
import type { Reads } from './tasks.js';
import { count, fraction } from './values.js';

/** What a family may have, the width always. In the order of the section. */
export const OPTIONS = {
  width: {
    type: count,
    help: 'Channels of the first stage; null is the published network',
  },
  dropout: { type: fraction.lt(1), help: 'Share of activations dropped' },
  dropPath: {
    type: fraction.lt(1),
    help: "Share of an image's residual branches dropped in the last layer",
  },
  block: { type: z.enum(['basic', 'bottleneck']), help: 'Kind of residual block' },
  stageBlocks: {
    type: z.enum(['code', 'paper']),
    help: "Blocks a stage: paper has (depth - 4) / 6; code has one more, as the F-SAM authors' code does",
  },
  patch: { type: count, help: 'Side of a patch, in pixels' },
  layers: { type: z.int().min(1).max(1000), help: 'Transformer layers' },
  heads: { type: count, help: 'Attention heads, a divisor of width' },
  bias: { type: z.boolean(), help: 'Whether linear layers and normalisations have biases' },
  tied: { type: z.boolean(), help: 'Whether the last layer is the table of tokens once more' },
} as const;

export type NetworkOption = keyof typeof OPTIONS;
export type Options = { readonly [O in NetworkOption]: z.output<(typeof OPTIONS)[O]['type']> };

interface FamilyRow<Name, O extends NetworkOption, R extends Reads> {
  readonly reads: R;
  /** Of its names. */
  readonly pattern: RegExp;
  /** What a name means, by the groups of the pattern. */
  readonly read: (groups: string[]) => Name;
  /** How its names are told to a user who wrote another. */
  readonly wanted: string;
  /** Whose network for PyTorch has tensors of these names and axes; null: nobody's. */
  readonly namesOf: string | null;
  /** What `fsam models` lists: the published networks, or some of the many that the pattern allows. */
  readonly listed: readonly string[];
  /** How the others are named, where there are others. */
  readonly open?: string;
  /** The side of the images, or the tokens of a window, and the classes that it was made for. */
  readonly madeFor: { readonly size: number; readonly classes: number };
  /** The options that it has, as published: what null means in a configuration. */
  readonly published: Pick<Options, O>;
  /** Multiply-adds for a pixel of the image, or a token of the window, in an average convolution or matrix product, within a factor of two. */
  readonly perPixel: (name: Name, options: Pick<Options, O>) => number;
}

const family = <Name extends object, O extends NetworkOption, R extends Reads>(
  row: FamilyRow<Name, O, R>,
): FamilyRow<Name, O, R> => row;

const [SMALL, IMAGENET] = [
  { size: 32, classes: 10 },
  { size: 224, classes: 1000 },
];

export type ResNetDepth = 18 | 34 | 50 | 101 | 152;
export type VggDepth = 11 | 13 | 16 | 19;

/** Of a 3x3 convolution between as many channels; and the mean of a bottleneck's, which has four times as many outside. */
const [SQUARE, BOTTLENECK] = [3 * 3, (4 + 3 * 3 + 4) / 3];

/** Where channels double as pixels are quartered, all stages cost the same. */
const perPixelOfResNet = (depth: ResNetDepth, width: number): number =>
  (depth >= 50 ? BOTTLENECK : SQUARE) * width ** 2;

/** For a token: four products between as many features, and two with four times as many. */
const perToken = (width: number): number => ((4 + 2 * 4) / 6) * width ** 2;

/** A vision transformer of one name. */
const transformer = (
  name: string,
  madeFor: FamilyRow<object, 'width', 'images'>['madeFor'],
  size: Pick<Options, 'width' | 'patch' | 'layers' | 'heads'>,
) =>
  family({
    reads: 'images',
    pattern: new RegExp(`^${name}$`),
    read: () => ({}),
    wanted: name,
    namesOf: 'timm',
    listed: [name],
    madeFor,
    published: { dropout: 0, dropPath: 0, ...size },
    perPixel: (_, { width, patch }) => perToken(width) / patch ** 2,
  });

/** In the order in which help texts name them. */
export const NETWORKS = {
  resnet: family({
    reads: 'images',
    pattern: /^resnet(18|34|50|101|152)$/,
    read: ([depth]) => ({ depth: Number(depth) as ResNetDepth }),
    wanted: 'resnet18 (34, 50, 101, 152)',
    namesOf: null,
    listed: ['resnet18', 'resnet34', 'resnet50', 'resnet101', 'resnet152'],
    madeFor: SMALL,
    published: { width: 64 },
    perPixel: ({ depth }, { width }) => perPixelOfResNet(depth, width),
  }),
  'imagenet-resnet': family({
    reads: 'images',
    pattern: /^imagenet-resnet(18|34|50|101|152)$/,
    read: ([depth]) => ({ depth: Number(depth) as ResNetDepth }),
    wanted: 'imagenet-resnet18 (34, 50, 101, 152)',
    namesOf: 'torchvision and timm',
    listed: [18, 34, 50, 101, 152].map((depth) => `imagenet-resnet${depth}`),
    madeFor: IMAGENET,
    published: { width: 64 },
    // The stem leaves a sixteenth of the pixels.
    perPixel: ({ depth }, { width }) => perPixelOfResNet(depth, width) / 16,
  }),
  wrn: family({
    reads: 'images',
    pattern: /^wrn-([1-9]\d{0,3})-([1-9]\d{0,2})$/,
    read: ([depth, widening]) => ({ depth: Number(depth), widening: Number(widening) }),
    wanted: 'wrn-DEPTH-WIDENING as wrn-28-10',
    namesOf: null,
    listed: ['wrn-10-1', 'wrn-16-2', 'wrn-16-8', 'wrn-28-10', 'wrn-40-2'],
    open: 'wrn-DEPTH-WIDENING',
    madeFor: SMALL,
    published: { width: 16, dropout: 0, stageBlocks: 'code' },
    perPixel: ({ widening }, { width }) => SQUARE * (widening * width) ** 2,
  }),
  vgg: family({
    reads: 'images',
    pattern: /^vgg(11|13|16|19)(-bn)?$/,
    read: ([depth, batchNorm]) => ({
      depth: Number(depth) as VggDepth,
      batchNorm: batchNorm !== undefined,
    }),
    wanted: 'vgg16-bn (11, 13, 16, 19, with or without -bn)',
    namesOf: null,
    listed: [11, 13, 16, 19].flatMap((depth) => [`vgg${depth}`, `vgg${depth}-bn`]),
    madeFor: SMALL,
    published: { width: 64, dropout: 0.5 },
    // About half of them double the channels, or come where few pixels are left.
    perPixel: (_, { width }) => (SQUARE * width ** 2) / 2,
  }),
  pyramidnet: family({
    reads: 'images',
    pattern: /^pyramidnet-([1-9]\d{0,3})-([1-9]\d{0,3})$/,
    read: ([depth, alpha]) => ({ depth: Number(depth), alpha: Number(alpha) }),
    wanted: 'pyramidnet-DEPTH-ALPHA as pyramidnet-110-270',
    namesOf: null,
    listed: ['pyramidnet-110-48', 'pyramidnet-110-270', 'pyramidnet-272-200'],
    open: 'pyramidnet-DEPTH-ALPHA',
    madeFor: SMALL,
    published: { width: 16, block: 'bottleneck' },
    perPixel: ({ alpha }, { width, block }) => {
      const stages = [1, 3, 5].map((sixths, i) => (width + (sixths / 6) * alpha) ** 2 / 4 ** i);
      const sum = stages.reduce((total, stage) => total + stage, 0);
      return ((block === 'bottleneck' ? BOTTLENECK : SQUARE) * sum) / stages.length;
    },
  }),
  vit: transformer('vit', SMALL, { width: 192, patch: 4, layers: 6, heads: 3 }),
  'deit-ti': transformer('deit-ti', IMAGENET, { width: 192, patch: 16, layers: 12, heads: 3 }),
  'deit-s': transformer('deit-s', IMAGENET, { width: 384, patch: 16, layers: 12, heads: 6 }),
  'vit-s': family({
    reads: 'images',
    pattern: /^vit-s\/([1-9]\d{0,2})$/,
    read: ([patch]) => ({ patch: Number(patch) }),
    wanted: 'vit-s/PATCH as vit-s/16',
    namesOf: 'timm',
    listed: ['vit-s/8', 'vit-s/16', 'vit-s/32'],
    open: 'vit-s/PATCH',
    madeFor: IMAGENET,
    published: { width: 384, dropout: 0, dropPath: 0, layers: 12, heads: 6 },
    perPixel: ({ patch }, { width }) => perToken(width) / patch ** 2,
  }),
  gpt: family({
    reads: 'tokens',
    pattern: /^gpt$/,
    read: () => ({}),
    wanted: 'gpt',
    namesOf: 'nanoGPT',
    listed: ['gpt'],
    madeFor: { size: 1024, classes: 50257 },
    published: { width: 768, dropout: 0, layers: 12, heads: 12, bias: true, tied: true },
    perPixel: (_, { width }) => perToken(width),
  }),
} as const;
