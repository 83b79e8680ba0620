// Golden pictures, and cuts of pictures as digests.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { crc32, deflateSync } from 'node:zlib';
import { expect } from 'vitest';
import { writePixels, type Box, type Cut, type Size } from '../../../src/native/pixels.js';

/** [top, left, height, width] */
export type Sides = [number, number, number, number];

export const boxOf = ([top, left, height, width]: Sides): Box => ({ top, left, height, width });
export const wholeOf = ({ height, width }: Size): Box => ({ top: 0, left: 0, height, width });

/** A box resized to a square. */
export const squareOf = (box: Box, side: number, flip = false): Cut => {
  const size = { height: side, width: side };
  return { box, size, window: wholeOf(size), flip };
};
/** A box as it is. */
export const asItIs = (box: Box): Cut => ({ box, size: box, window: wholeOf(box), flip: false });

export function pixelsOf(picture: Uint8Array, cut: Cut): Uint8Array {
  const target = new Uint8Array(cut.window.height * cut.window.width * 3);
  expect(writePixels(picture, cut, target)).toBeNull();
  return target;
}

/** Why there are none, in words. */
export function reasonOf(picture: Uint8Array, cut: Cut, mostPixels?: number): string | null {
  const target = new Uint8Array(cut.window.height * cut.window.width * 3);
  return writePixels(picture, cut, target, 0, mostPixels);
}

export const digestOf = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex');

export interface GoldenPicture {
  readonly file: string;
  readonly width: number;
  readonly height: number;
  /** sha256 of the whole picture, decoded. */
  readonly rgb: string;
  readonly boxes: readonly { readonly box: Sides; readonly sha256: string }[];
}

const golden = (name: string): string =>
  fileURLToPath(new URL(`../../golden/${name}`, import.meta.url));
const json = (name: string): unknown => JSON.parse(readFileSync(golden(name), 'utf8'));

/** Boxes resized to 64 x 64, evaluation to 72 and then 64. */
export const { files: DRAWN } = json('pictures/pictures.json') as {
  files: readonly (GoldenPicture & {
    readonly mode: string;
    readonly evaluation: { readonly resized: [number, number]; readonly sha256: string };
  })[];
};

/** Boxes resized to 224 x 224, evaluation to 256 and then 224; file by file. */
export const { files: REAL } = json('imagenet-sample.json') as {
  files: Readonly<Record<string, Omit<GoldenPicture, 'file'> & { readonly evaluation: string }>>;
};

/** The bytes of one of the drawn ones. */
export const drawn = (file: string): Buffer => readFileSync(golden(`pictures/${file}`));

/** A PNG of `bits` a value, whose rows are these. */
export function pngOf({ height, width }: Size, colourType: number, bits: number, rows: Buffer[]) {
  const chunk = (name: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(name, 'latin1'), data]);
    const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    check.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, check]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([bits, colourType], 8);
  const unfiltered = rows.flatMap((row) => [Buffer.of(0), row]);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.concat(unfiltered))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
