// How figures look: fonts, colours, axes.
import { required } from '../util/errors.js';

export type Datum = Readonly<Record<string, string | number | null>>;

/** Okabe and Ito's palette, which print and colour-blind readers tell apart. Dashes
 * help, and have another period, so that 42 curves have looks of their own. */
const COLOURS = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#000000'];
const DASHES = [
  [1, 0],
  [6, 3],
  [2, 2],
  [8, 3, 2, 3],
  [4, 1],
  [1, 3],
];

const CONFIG = {
  font: 'DejaVu Sans, Verdana, sans-serif',
  axis: { labelFontSize: 12, titleFontSize: 13, titleFontWeight: 'normal', gridColor: '#e4e4e4' },
  legend: {
    labelFontSize: 12,
    titleFontSize: 12,
    labelLimit: 500,
  },
  header: { labelFontSize: 13, titleFontSize: 13, labelFontWeight: 'bold' },
  view: { stroke: '#888' },
} as const;

export const quantitative = (field: string, title: string) =>
  ({ field, title, type: 'quantitative', scale: { zero: false, nice: true } }) as const;

/** Colour and dash for the same names, in one legend. */
export function series(field: string, names: readonly string[]) {
  const pick = <T>(list: readonly T[]): T[] =>
    names.map((_, i) => required(list[i % list.length], 'a style'));
  const legend = {
    symbolType: 'stroke',
    symbolFillColor: 'transparent',
    symbolOpacity: 1,
    symbolSize: 700,
    symbolStrokeWidth: 2,
  };
  const shared = { field, type: 'nominal', title: null, legend } as const;
  return {
    color: { ...shared, sort: [...names], scale: { domain: [...names], range: pick(COLOURS) } },
    strokeDash: { ...shared, sort: [...names], scale: { domain: [...names], range: pick(DASHES) } },
  };
}

/** The x axis of curves. */
export const EPOCH = {
  field: 'epoch',
  type: 'quantitative',
  title: 'epoch',
  axis: { tickMinStep: 1, format: 'd' },
  scale: { zero: false, nice: false },
} as const;

/** What every figure begins with. */
export const base = (values: readonly Datum[]) => ({
  $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
  background: 'white',
  config: CONFIG,
  data: { values: values as Datum[] },
});
