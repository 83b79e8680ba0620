// Pictures to pixels, against what Pillow makes of them: every byte must be equal.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { evaluationCut } from '../../src/data/boxes.js';
import { processorFlags } from '../../src/native/onednn.js';
import {
  bytesToAlignment,
  endsAsJpeg,
  pixelInstructionSet,
  readPictureHeader,
  writePixels,
  writePixelsTimed,
} from '../../src/native/pixels.js';
import {
  asItIs,
  boxOf,
  digestOf,
  drawn,
  DRAWN,
  pixelsOf,
  REAL,
  squareOf,
  wholeOf,
} from './support/pictures.js';

test('resizes with the instructions that there are, and that it may use', () => {
  const isPlain = process.env['ONEDNN_MAX_CPU_ISA'] === 'SSE41' || !processorFlags().has('avx2');
  expect(pixelInstructionSet()).toBe(isPlain ? 'plain' : 'avx2');
});

const COMPONENTS: Readonly<Record<string, number>> = { L: 1, RGB: 3, RGBA: 4, CMYK: 4 };

describe.each(DRAWN)('$file', (picture) => {
  const bytes = drawn(picture.file);

  test('has the header that Pillow sees', () => {
    expect(readPictureHeader(bytes)).toEqual({
      kind: picture.file.startsWith('png') ? 'png' : 'jpeg',
      width: picture.width,
      height: picture.height,
      components: COMPONENTS[picture.mode],
    });
    expect(endsAsJpeg(bytes)).toBe(!picture.file.startsWith('png'));
  });

  test('is the same where it is timed', () => {
    const cut = squareOf(wholeOf(picture), 64, true);
    const target = new Uint8Array(64 * 64 * 3);
    const times = writePixelsTimed(bytes, cut, target);
    expect(times).toEqual({
      decode: expect.any(Number) as number,
      resize: expect.any(Number) as number,
    });
    expect(Object.values(times).every((time) => time > 0 && time < 60_000)).toBe(true);
    expect(digestOf(target)).toBe(digestOf(pixelsOf(bytes, cut)));
  });

  test('is decoded as by Pillow', () => {
    expect(digestOf(pixelsOf(bytes, asItIs(wholeOf(picture))))).toBe(picture.rgb);
  });

  test.each(picture.boxes)('gives its box $box as Pillow does', ({ box, sha256 }) => {
    expect(digestOf(pixelsOf(bytes, squareOf(boxOf(box), 64)))).toBe(sha256);
  });

  test('is evaluated as by torchvision', () => {
    const cut = evaluationCut(picture, 72, 64);
    expect([cut.size.height, cut.size.width]).toEqual(picture.evaluation.resized);
    expect(digestOf(pixelsOf(bytes, cut))).toBe(picture.evaluation.sha256);
  });
});

const folder = process.env['FSAM_TEST_IMAGENET'];
describe.skipIf(folder === undefined)('real photographs (FSAM_TEST_IMAGENET=DIR)', () => {
  const pictures = Object.entries(REAL).map(([file, picture]) => ({ file, ...picture }));
  test.each(pictures)('$file is as Pillow has it', ({ file, rgb, evaluation, boxes, ...size }) => {
    const path = join(folder ?? '', file);
    expect(existsSync(path), `${path} is there`).toBe(true);
    const bytes = readFileSync(path);
    expect(readPictureHeader(bytes)).toMatchObject({ kind: 'jpeg', ...size });
    expect(endsAsJpeg(bytes)).toBe(true);
    expect(digestOf(pixelsOf(bytes, asItIs(wholeOf(size))))).toBe(rgb);
    expect(digestOf(pixelsOf(bytes, evaluationCut(size, 256, 224)))).toBe(evaluation);
    for (const { box, sha256 } of boxes) {
      expect(digestOf(pixelsOf(bytes, squareOf(boxOf(box), 224)))).toBe(sha256);
    }
  });
});

const rowsOf = (pixels: Uint8Array, width: number): Uint8Array[] =>
  Array.from({ length: pixels.length / width / 3 }, (_, row) =>
    pixels.subarray(row * width * 3, (row + 1) * width * 3),
  );

const picture = drawn('420.jpg');
const box = boxOf([10, 20, 90, 101]);

test('a window is that part of all that is resized', () => {
  const size = { height: 70, width: 81 };
  const all = pixelsOf(picture, { box, size, window: wholeOf(size), flip: false });
  for (const sides of [boxOf([0, 0, 1, 1]), boxOf([69, 80, 1, 1]), boxOf([13, 7, 30, 43])]) {
    const { top, left, height, width } = sides;
    const wanted = rowsOf(all, size.width)
      .slice(top, top + height)
      .map((row) => row.slice(left * 3, (left + width) * 3));
    const found = pixelsOf(picture, { box, size, window: sides, flip: false });
    expect(rowsOf(found, width)).toEqual(wanted);
  }
});

test.each([1, 2, 3, 31, 64, 65])(
  'flipped to %i pixels a side, each row runs the other way',
  (side) => {
    const straight = rowsOf(pixelsOf(picture, squareOf(box, side)), side);
    const flipped = rowsOf(pixelsOf(picture, squareOf(box, side, true)), side);
    const turned = straight.map((row) => {
      const pixels = Array.from({ length: side }, (_, x) => [...row.subarray(x * 3, x * 3 + 3)]);
      return Uint8Array.from(pixels.reverse().flat());
    });
    expect(flipped).toEqual(turned);
  },
);

test.each([
  ['memory of one thread', () => new ArrayBuffer(4096)],
  ['shared memory', () => new SharedArrayBuffer(4096)],
])('writes into %s, at the offset and nowhere else', (_, allocate) => {
  const target = new Uint8Array(allocate()).fill(77);
  const view = target.subarray(8);
  expect(writePixels(picture, squareOf(box, 17), view, 100)).toBeNull();
  const end = 108 + 17 * 17 * 3;
  expect(target.slice(108, end)).toEqual(pixelsOf(picture, squareOf(box, 17)));
  expect([...target.subarray(0, 108), ...target.subarray(end)].every((byte) => byte === 77)).toBe(
    true,
  );
});

test('tells how far an array is from the next multiple of 64 in memory', () => {
  const array = new Uint8Array(new SharedArrayBuffer(256));
  const distance = bytesToAlignment(array);
  expect(distance).toBeLessThan(64);
  expect(bytesToAlignment(array.subarray(distance))).toBe(0);
  expect(bytesToAlignment(array.subarray(distance + 1))).toBe(63);
  expect(bytesToAlignment(array.subarray(distance + 70))).toBe(58);
});
