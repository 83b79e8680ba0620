// Writes class folders of as many pictures as one likes, of ImageNet's size on average, to measure indexing and reading
// with:
//
//     npx tsc && node scripts/simulate-imagenet.mjs OUT --records 20000 --classes 1000
//
// The pictures are the golden ones, made longer by comments in their headers, between 20 and 200 kB.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    records: { type: 'string', default: '20000' },
    classes: { type: 'string', default: '1000' },
  },
});
const [out] = positionals;
if (out === undefined) {
  throw new Error('usage: node scripts/simulate-imagenet.mjs OUT [--records N] [--classes N]');
}
const [records, classes] = [Number(values.records), Number(values.classes)];

const GOLDEN = fileURLToPath(new URL('../test/golden/pictures', import.meta.url));
const PICTURES = ['420.jpg', '422.jpg', '444.jpg', 'progressive.jpg', 'grey.jpg'].map((name) =>
  readFileSync(join(GOLDEN, name)),
);
const [SHORTEST, LONGEST] = [20_000, 200_000];
const LARGEST_SEGMENT = 65_000;

/**
 * The JPEG with comments behind its size, so that indexing meets a header as short as usual.
 *
 * @param {Buffer} jpeg
 * @param {number} length of the comments, in bytes
 */
function lengthened(jpeg, length) {
  const scan = jpeg.indexOf(Buffer.from('ffda', 'hex'));
  const comments = [];
  for (let left = length; left > 0; left -= LARGEST_SEGMENT) {
    const comment = Buffer.alloc(Math.min(left, LARGEST_SEGMENT) + 4, 0x20);
    comment.writeUInt16BE(0xfffe, 0);
    comment.writeUInt16BE(comment.length - 2, 2);
    comments.push(comment);
  }
  return Buffer.concat([jpeg.subarray(0, scan), ...comments, jpeg.subarray(scan)]);
}

const names = Array.from(
  { length: classes },
  (_, i) => `n${String(1_000_000 + 7 * i).padStart(8, '0')}`,
);
for (const name of names) mkdirSync(join(out, 'train', name), { recursive: true });
for (let i = 0; i < records; i++) {
  const name = names[i % classes] ?? '';
  const picture = PICTURES[i % PICTURES.length] ?? Buffer.alloc(0);
  // Spread evenly by the golden ratio.
  const length = SHORTEST + ((i * 0.618_033_988_75) % 1) * (LONGEST - SHORTEST);
  const path = join(out, 'train', name, `${name}_${i}.JPEG`);
  writeFileSync(path, lengthened(picture, Math.round(length)));
}
process.stdout.write(`${records} pictures in ${classes} classes: ${join(out, 'train')}\n`);
