// Figures to SVG and PNG, the same bytes on every machine: no browser, and fonts of our own.
import { createRequire } from 'node:module';
import { Resvg } from '@resvg/resvg-js';
import * as vega from 'vega';
import { compile } from 'vega-lite';
import type { TopLevelSpec } from 'vega-lite';

export interface Figure {
  /** Its file, without the ending: `test-accuracy`. */
  readonly name: string;
  /** What is to be seen, and what bands mean. */
  readonly caption: string;
  readonly spec: TopLevelSpec;
}

const FONTS = ['DejaVuSans', 'DejaVuSans-Bold'];
/** Pixels of the PNG for one of the SVG. */
const ZOOM = 2;

/** Widths of DejaVu Sans, in parts of the font size: digits by heart, others about. */
const WIDTHS: readonly (readonly [RegExp, number])[] = [
  [/[0-9]/, 0.636],
  [/[ .,:;|!'ilj-]/, 0.33],
  [/[mwMW%@]/, 0.95],
  [/[A-Z]/, 0.7],
];
const OTHER_WIDTH = 0.6;

/** Vega has no fonts here and takes any character for wide, so that labels with room would go. */
const measured = vega as unknown as {
  textMetrics: { width: (item: { fontSize?: number; text?: string }, text?: string) => number };
};
measured.textMetrics.width = ({ fontSize = 11, text: own }, text = own) =>
  fontSize *
  Array.from(text ?? '').reduce(
    (sum, character) =>
      sum + (WIDTHS.find(([pattern]) => pattern.test(character))?.[1] ?? OTHER_WIDTH),
    0,
  );

export async function renderSvg({ spec }: Figure): Promise<string> {
  const view = new vega.View(vega.parse(compile(spec).spec), { renderer: 'none' });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

export function renderPng(svg: string): Uint8Array {
  const { resolve } = createRequire(import.meta.url);
  const fontFiles = FONTS.map((font) => resolve(`dejavu-fonts-ttf/ttf/${font}.ttf`));
  const font = { fontFiles, loadSystemFonts: false, defaultFontFamily: 'DejaVu Sans' };
  return new Resvg(svg, { font, fitTo: { mode: 'zoom', value: ZOOM } }).render().asPng();
}
