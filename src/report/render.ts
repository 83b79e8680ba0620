// Figures to SVG and PNG, the same bytes on every machine: no browser, and fonts of our own.
import { createRequire } from 'node:module';
import { Resvg } from '@resvg/resvg-js';
import { parse, View } from 'vega';
import { compile } from 'vega-lite';
import type { Figure } from './figures.js';

const FONTS = ['DejaVuSans', 'DejaVuSans-Bold'];
/** Pixels of the PNG for one of the SVG. */
const ZOOM = 2;

export async function renderSvg({ spec }: Figure): Promise<string> {
  const view = new View(parse(compile(spec).spec), { renderer: 'none' });
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
