// Sizes and kinds from headers, against what Pillow says of the golden pictures; and pictures that are none.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describePicture } from '../../src/data/picture-header.js';
import { GOLDEN, picture } from './records-support.js';

interface PillowFile {
  readonly file: string;
  readonly mode: 'L' | 'RGB' | 'RGBA' | 'CMYK';
  readonly width: number;
  readonly height: number;
}
const { files } = JSON.parse(readFileSync(join(GOLDEN, 'pictures', 'pictures.json'), 'utf8')) as {
  files: PillowFile[];
};
const COMPONENTS = { L: 1, RGB: 3, RGBA: 4, CMYK: 4 };

it.each(files)('agrees with Pillow on $file', ({ file, mode, width, height }) => {
  const bytes = picture(file);
  const kind = file.startsWith('png') ? 'png' : 'jpeg';
  expect(describePicture(bytes)).toMatchObject({
    kind,
    width,
    height,
    components: COMPONENTS[mode],
  });
});

it.each(files)('asks for more of $file until it is enough, and never reads behind', ({ file }) => {
  const bytes = picture(file);
  let length = 0;
  for (;;) {
    const described = describePicture(bytes.subarray(0, length));
    if (!('needs' in described)) {
      expect(described).toEqual(describePicture(bytes));
      break;
    }
    expect(described.needs).toBeGreaterThan(length);
    length = described.needs;
  }
  expect(length).toBeLessThan(1200);
});

/** The header of `bytes` with its size changed. */
function resized(bytes: Buffer, width: number, height: number): Buffer {
  const changed = Buffer.from(bytes);
  const frame = changed.indexOf(Buffer.from('ffc0', 'hex'));
  changed.writeUInt16BE(height, frame + 5);
  changed.writeUInt16BE(width, frame + 7);
  return changed;
}

it('refuses what is too large, what has no size, and what is no picture', () => {
  const jpeg = picture('420.jpg');
  const faultOf = (bytes: Buffer): unknown => {
    const described = describePicture(bytes);
    return 'fault' in described ? described.fault : described;
  };
  expect(faultOf(resized(jpeg, 20_000, 20_000))).toBe(
    'is 20000 x 20000 pixels large, wanted at most 178956970 of them',
  );
  expect(describePicture(resized(jpeg, 13_377, 13_377))).toMatchObject({ width: 13_377 });
  expect(faultOf(resized(jpeg, 0, 5))).toBe('is 0 x 5 pixels large');
  expect(faultOf(Buffer.from('<!DOCTYPE html>'))).toBe(
    'is no JPEG or PNG (it begins with "<!DOCTYP")',
  );
  expect(faultOf(Buffer.from('ffd8ffd9ffd9ffd9', 'hex'))).toMatch('has no frame header');
  expect(faultOf(Buffer.from('ffd8ffe000010000', 'hex'))).toMatch('has no length');
  expect(describePicture(Buffer.from('8950', 'hex'))).toEqual({ needs: 8 });
});

it('goes past filling bytes, bytes between segments, and a thumbnail in EXIF', () => {
  const jpeg = picture('420.jpg');
  const [start, rest] = [jpeg.subarray(0, 2), jpeg.subarray(2)];
  const thumbnail = Buffer.concat([
    Buffer.from('ffe1', 'hex'),
    Buffer.alloc(2),
    resized(jpeg, 7, 7),
  ]);
  thumbnail.writeUInt16BE(thumbnail.length - 2, 2);
  for (const between of [Buffer.from('ffff', 'hex'), Buffer.from('001122', 'hex'), thumbnail]) {
    expect(describePicture(Buffer.concat([start, between, rest]))).toMatchObject({
      width: 150,
      height: 113,
    });
  }
});
