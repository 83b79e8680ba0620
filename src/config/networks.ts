// The names of the networks, what they mean, and which options each family takes.

/** A network's name, read. */
export type NetworkName =
  | { readonly family: 'resnet'; readonly depth: ResNetDepth }
  | { readonly family: 'imagenet-resnet'; readonly depth: ResNetDepth }
  | { readonly family: 'wrn'; readonly depth: number; readonly widening: number }
  | { readonly family: 'vgg'; readonly depth: VggDepth; readonly batchNorm: boolean }
  | { readonly family: 'pyramidnet'; readonly depth: number; readonly alpha: number }
  | { readonly family: 'vit' };

export type Family = NetworkName['family'];
export type ResNetDepth = 18 | 34 | 50 | 101 | 152;
export type VggDepth = 11 | 13 | 16 | 19;

/** One pattern a family; its groups are read by the function beside it. */
const GRAMMAR: { readonly [F in Family]: [RegExp, (groups: string[]) => NetworkName] } = {
  resnet: [
    /^resnet(18|34|50|101|152)$/,
    ([depth]) => ({ family: 'resnet', depth: Number(depth) as ResNetDepth }),
  ],
  'imagenet-resnet': [
    /^imagenet-resnet(18|34|50|101|152)$/,
    ([depth]) => ({ family: 'imagenet-resnet', depth: Number(depth) as ResNetDepth }),
  ],
  wrn: [
    /^wrn-([1-9]\d{0,3})-([1-9]\d{0,2})$/,
    ([depth, widening]) => ({ family: 'wrn', depth: Number(depth), widening: Number(widening) }),
  ],
  vgg: [
    /^vgg(11|13|16|19)(-bn)?$/,
    ([depth, batchNorm]) => ({
      family: 'vgg',
      depth: Number(depth) as VggDepth,
      batchNorm: batchNorm !== undefined,
    }),
  ],
  pyramidnet: [
    /^pyramidnet-([1-9]\d{0,3})-([1-9]\d{0,3})$/,
    ([depth, alpha]) => ({ family: 'pyramidnet', depth: Number(depth), alpha: Number(alpha) }),
  ],
  vit: [/^vit$/, () => ({ family: 'vit' })],
};

const FAMILIES = Object.keys(GRAMMAR) as Family[];

/** For the schema: any name of any family. */
export const NETWORK_NAME = new RegExp(
  FAMILIES.map((family) => GRAMMAR[family][0].source).join('|'),
);

/** How the names are told to a user who wrote another. */
export const NETWORK_NAMES_WANTED =
  'resnet18 (34, 50, 101, 152), imagenet-resnet18 (34, 50, 101, 152), wrn-DEPTH-WIDENING as wrn-28-10, ' +
  'vgg16-bn (11, 13, 16, 19, with or without -bn), pyramidnet-DEPTH-ALPHA as pyramidnet-110-270, or vit';

/** What `fsam models` lists: the published networks, and some of the many that a pattern allows. */
export const LISTED_NETWORKS = [
  ...['resnet18', 'resnet34', 'resnet50', 'resnet101', 'resnet152'],
  ...['wrn-10-1', 'wrn-16-2', 'wrn-16-8', 'wrn-28-10', 'wrn-40-2'],
  ...[11, 13, 16, 19].flatMap((depth) => [`vgg${depth}`, `vgg${depth}-bn`]),
  ...['pyramidnet-110-48', 'pyramidnet-110-270', 'pyramidnet-272-200'],
  'vit',
  ...['imagenet-resnet18', 'imagenet-resnet34', 'imagenet-resnet50'],
  ...['imagenet-resnet101', 'imagenet-resnet152'],
] as const;

/** Undefined for a name of no family. */
export function parseNetworkName(name: string): NetworkName | undefined {
  for (const family of FAMILIES) {
    const [pattern, read] = GRAMMAR[family];
    const match = pattern.exec(name);
    if (match !== null) return read(match.slice(1));
  }
  return undefined;
}

/** Options that only some families have. */
export type NetworkOption =
  'dropout' | 'dropPath' | 'block' | 'stageBlocks' | 'patch' | 'layers' | 'heads';

interface Options {
  /** Channels of the first stage; features of a token. */
  readonly width: number;
  readonly dropout?: number;
  readonly dropPath?: number;
  readonly block?: 'basic' | 'bottleneck';
  readonly stageBlocks?: 'code' | 'paper';
  readonly patch?: number;
  readonly layers?: number;
  readonly heads?: number;
}

/** The options that each family has, as published: what null means in a configuration. */
export const PUBLISHED = {
  resnet: { width: 64 },
  'imagenet-resnet': { width: 64 },
  wrn: { width: 16, dropout: 0, stageBlocks: 'code' },
  vgg: { width: 64, dropout: 0.5 },
  pyramidnet: { width: 16, block: 'bottleneck' },
  vit: { width: 192, dropout: 0, dropPath: 0, patch: 4, layers: 6, heads: 3 },
} as const satisfies { readonly [F in Family]: Options };

/** `wrn, vit: 0; vgg: 0.5`: what the families have, for the help text of the option. */
export function publishedValues(option: NetworkOption | 'width'): string {
  const families = new Map<unknown, string[]>();
  for (const [family, options] of Object.entries<Options>(PUBLISHED)) {
    const value = options[option];
    if (value !== undefined) families.set(value, [...(families.get(value) ?? []), family]);
  }
  return [...families].map(([value, names]) => `${names.join(', ')}: ${String(value)}`).join('; ');
}
