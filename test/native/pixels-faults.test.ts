// What is no picture, a broken one, or one of another kind than it seems: the right pixels, or a reason in words.
import { describe, expect, test } from 'vitest';
import { evaluationCut } from '../../src/data/boxes.js';
import {
  endsAsJpeg,
  MOST_PIXELS,
  readPictureHeader,
  writePixels,
  writePixelsTimed,
  type Cut,
  type Size,
} from '../../src/native/pixels.js';
import { InternalError } from '../../src/util/errors.js';
import { RandomStream } from '../../src/util/random.js';
import {
  asItIs,
  boxOf,
  digestOf,
  drawn,
  DRAWN,
  pixelsOf,
  pngOf,
  reasonOf,
  squareOf,
  wholeOf,
} from './support/pictures.js';

const jpeg = drawn('420.jpg');
const png = drawn('png-alpha-named.jpg');
/** Of both. */
const size = { height: 113, width: 150 };
const whole = squareOf(wholeOf(size), 32);
const corner = squareOf(boxOf([0, 0, 8, 8]), 32);

/** A JPEG whose frame header says other sides. */
function resized(height: number, width: number): Buffer {
  const bytes = Buffer.from(jpeg);
  const frame = bytes.indexOf(Buffer.of(0xff, 0xc0));
  bytes.writeUInt16BE(height, frame + 5);
  bytes.writeUInt16BE(width, frame + 7);
  return bytes;
}

const TEXT = Buffer.from('<html>This image is no longer available.</html>');
const GIF = Buffer.from('GIF89a\x01\x00\x01\x00\x80\x00\x00', 'latin1');
const CUT_OFF = /cut off: it has no end marker/;
const NO_PICTURE = /neither a JPEG nor a PNG/;
const HUGE = pngOf({ height: 20_000, width: 20_000 }, 2, 8, []);

describe('there are no pixels, and a reason,', () => {
  test.each<[string, Buffer, RegExp]>([
    ['of nothing', Buffer.alloc(0), /empty/],
    ['of half a JPEG', jpeg.subarray(0, jpeg.length / 2), CUT_OFF],
    ['of a JPEG without its last byte', jpeg.subarray(0, -1), CUT_OFF],
    ['of the beginning of a JPEG', jpeg.subarray(0, 100), /cut off.* after 100 bytes/],
    ['of a JPEG without a scan', jpeg.subarray(0, 600), CUT_OFF],
    ['of half a PNG', png.subarray(0, png.length / 2), /TensorFlow does not decode it: \w/],
    ['of the beginning of a PNG', png.subarray(0, 20), /cut off.* after 20 bytes/],
    ['of text', TEXT, NO_PICTURE],
    ['of another kind of picture', GIF, NO_PICTURE],
    ['of an empty JPEG', Buffer.of(0xff, 0xd8, 0xff, 0xd9), /missing or out of order/],
    ['of a JPEG without pixels', resized(0, 150), /no pixels/],
    ['of a PNG without a header', Buffer.from(png).fill(0, 8, 33), /PNG that has no header/],
  ])('%s', (_, bytes, reason) => {
    // Whatever the box: one that is there, or one that a reader would find all pixels of.
    expect(reasonOf(bytes, whole)).toMatch(reason);
    expect(reasonOf(bytes, corner)).toMatch(reason);
    expect(writePixelsTimed(bytes, corner, new Uint8Array(32 * 32 * 3))).toMatch(reason);
  });

  test.each([
    ['JPEG', resized(20_000, 20_000)],
    ['PNG', HUGE],
  ])('of a %s that is too large by its header', (_, bytes) => {
    expect(readPictureHeader(bytes)).toMatchObject({ width: 20_000, height: 20_000 });
    expect(reasonOf(bytes, corner)).toMatch(/too large: its header says 20000 x 20000 pixels/);
    expect(20_000 ** 2).toBeGreaterThan(MOST_PIXELS);
  });

  test('of one that is larger than it may be', () => {
    const pixels = size.height * size.width;
    expect(reasonOf(jpeg, whole, pixels - 1)).toMatch(/too large/);
    expect(reasonOf(jpeg, whole, pixels)).toBeNull();
  });

  test('of a box that is not in the picture, as after a change of the file', () => {
    expect(reasonOf(jpeg, squareOf(boxOf([0, 1, 113, 150]), 32))).toMatch(
      /150 x 113 pixels, in which there is no box 150 x 113 at \(1, 0\)/,
    );
  });
});

test('of a million pixels above each other the middle is had', () => {
  const tall = { height: 1_000_000, width: 1 };
  // All of it: a 0 for the filter and a 0 for the pixel, again and again.
  const bytes = pngOf(tall, 0, 8, [Buffer.alloc(2 * tall.height - 1)]);
  const cut = evaluationCut(tall, 256, 8);
  expect(cut.size.height).toBe(256_000_000);
  expect(pixelsOf(bytes, cut)).toEqual(new Uint8Array(8 * 8 * 3));
});

test('what stands behind the end of a JPEG does not matter', () => {
  const longer = Buffer.concat([jpeg, Buffer.from('left by a camera')]);
  expect(endsAsJpeg(longer)).toBe(false);
  expect(pixelsOf(longer, whole)).toEqual(pixelsOf(jpeg, whole));
});

/** As if a disk had lost its second half, all but the end mark. */
const withGap = (bytes: Buffer): Buffer =>
  Buffer.concat([bytes.subarray(0, bytes.length / 2), bytes.subarray(-2)]);

test.each(['420.jpg', 'progressive.jpg', 'cmyk.jpg'])(
  'pixels that %s lacks in its midst are not made up',
  (file) => {
    const bytes = drawn(file);
    const cut = squareOf(wholeOf(readPictureHeader(bytes) as Size), 32);
    expect(reasonOf(withGap(bytes), cut)).toBe(
      'cannot be decoded: its pixels are damaged: Corrupt JPEG data: premature end of data segment',
    );
    expect(reasonOf(bytes, cut)).toBeNull();
  },
);

test('those above such a gap are right', () => {
  expect(pixelsOf(withGap(jpeg), corner)).toEqual(pixelsOf(jpeg, corner));
});

test('what libjpeg warns of and leaves the pixels right does not matter', () => {
  const end = jpeg.subarray(-2);
  const leftOver = Buffer.concat([jpeg.subarray(0, -2), Buffer.alloc(20, 7), end]);
  const revision = Buffer.from(jpeg);
  revision[revision.indexOf('JFIF') + 5] = 9;
  for (const bytes of [leftOver, revision]) {
    expect(pixelsOf(bytes, whole)).toEqual(pixelsOf(jpeg, whole));
  }
});

test("a thumbnail's end is not the picture's", () => {
  const thumbnail = drawn('wide.jpg');
  const comment = Buffer.concat([Buffer.of(0xff, 0xfe, 0, 0), thumbnail]);
  comment.writeUInt16BE(thumbnail.length + 2, 2);
  const bytes = Buffer.concat([jpeg.subarray(0, 2), comment, jpeg.subarray(2)]);
  expect(readPictureHeader(bytes)).toMatchObject(size);
  expect(pixelsOf(bytes, whole)).toEqual(pixelsOf(jpeg, whole));
  expect(reasonOf(bytes.subarray(0, -900), corner)).toMatch(CUT_OFF);
});

describe('a PNG', () => {
  // Pillow 12's convert('RGB') of these, from which the second row follows.
  const values = [0, 1, 127, 128, 254, 255, 256, 257, 511, 4096, 32767, 65535];
  const cutAt255 = [0, 1, 127, 128, 254, 255, 255, 255, 255, 255, 255, 255];
  const highByte = [0, 0, 0, 0, 0, 0, 1, 1, 1, 16, 127, 255];
  test.each([
    ['grey of 16 bits is cut off at 255', 0, 1, cutAt255],
    ['grey and alpha of 16 bits give their high bytes', 4, 2, highByte],
    ['colours of 16 bits give their high bytes', 2, 3, highByte],
    ['colours and alpha of 16 bits give their high bytes', 6, 4, highByte],
  ])('%s', (_, colourType, components, wanted) => {
    const row = Buffer.alloc(values.length * components * 2);
    values.forEach((value, x) => {
      for (let i = 0; i < components; i++) row.writeUInt16BE(value, (x * components + i) * 2);
    });
    const bytes = pngOf({ height: 1, width: values.length }, colourType, 16, [row]);
    expect(readPictureHeader(bytes)).toMatchObject({ kind: 'png', components });
    const found = pixelsOf(bytes, asItIs({ top: 0, left: 1, height: 1, width: values.length - 1 }));
    expect([...found]).toEqual(wanted.slice(1).flatMap((value) => [value, value, value]));
  });

  test('has no alpha afterwards, and may be named as a JPEG', () => {
    const row = Buffer.of(1, 2, 3, 0, 4, 5, 6, 128);
    const bytes = pngOf({ height: 1, width: 2 }, 6, 8, [row]);
    expect([...pixelsOf(bytes, asItIs(boxOf([0, 0, 1, 2])))]).toEqual([1, 2, 3, 4, 5, 6]);
  });
});

describe('the header', () => {
  test.each(DRAWN)('of $file is found from any beginning, or says what it needs', ({ file }) => {
    const bytes = drawn(file);
    const wanted = readPictureHeader(bytes);
    let known = 0;
    for (let steps = 0; steps < 100; steps++) {
      const found = readPictureHeader(bytes.subarray(0, known));
      if (found.kind !== 'unfinished') {
        expect(found).toEqual(wanted);
        expect(known).toBeLessThan(800);
        return;
      }
      expect(found.needed).toBeGreaterThan(known);
      known = found.needed;
    }
    expect.unreachable('asks for more and more');
  });

  test.each([
    ['text', TEXT],
    ['another kind of picture', GIF],
  ])('of %s gives the reason', (_, bytes) => {
    const header = readPictureHeader(bytes.subarray(0, 8));
    expect(header).toEqual({ kind: 'other', reason: expect.stringMatching(NO_PICTURE) as string });
  });
});

test('a damaged picture gives pixels or a reason, and the next one is whole', () => {
  const stream = new RandomStream(1, 2, 3, 4);
  const outcomes = new Set<string>();
  for (const { file, ...picture } of DRAWN) {
    const cut = squareOf(wholeOf(picture), 16);
    const bytes = drawn(file);
    const wanted = digestOf(pixelsOf(bytes, cut));
    for (let i = 0; i < 40; i++) {
      const damaged = Buffer.from(bytes);
      for (let j = 0; j < 3; j++) damaged[stream.integer(bytes.length)] = stream.integer(256);
      const reason = reasonOf(damaged, cut);
      outcomes.add(reason?.slice(0, 30) ?? 'pixels');
    }
    expect(digestOf(pixelsOf(bytes, cut))).toBe(wanted);
  }
  expect(outcomes).toContain('pixels');
  expect(outcomes.size).toBeGreaterThan(2);
});

test.each<[string, Cut, number, RegExp]>([
  ['a target without room', whole, 1, /no room/],
  ['an offset behind the target', whole, 4000, /no room/],
  ['an offset before it', whole, -1, /offset: wanted a whole number from 0 on/],
  ['an empty box', { ...whole, box: boxOf([0, 0, 0, 3]) }, 0, /height: wanted .* from 1 on/],
  ['half a pixel', { ...whole, box: boxOf([0, 0.5, 3, 3]) }, 0, /left: wanted a whole number/],
  ['no number', { ...whole, box: boxOf([0, NaN, 3, 3]) }, 0, /left: wanted a whole number/],
  ['a window outside', { ...whole, window: boxOf([1, 0, 32, 32]) }, 0, /window is not within/],
])('refuses %s, which is a mistake of ours', (_, cut, offset, message) => {
  const target = new Uint8Array(32 * 32 * 3);
  const write = () => writePixels(jpeg, cut, target, offset);
  expect(write).toThrow(InternalError);
  expect(write).toThrow(message);
});
