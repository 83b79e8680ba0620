// Draws a small set of pictures in class folders, for the experiments on ImageNet in configs/tiny/:
//
//     node scripts/draw-pictures.mjs data/drawn-pictures    # in a clone that is set up
//
// Four classes of 16 pictures to train on and 16 to test on, JPEGs of about 100 pixels a side: stripes, which run in
// another direction for each class, in colours that do not tell it. The same bytes each time.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [out] = process.argv.slice(2);
if (out === undefined || out.startsWith('-')) {
  console.error('usage: node scripts/draw-pictures.mjs FOLDER');
  process.exit(2);
}
const tensorflow = /** @type {typeof import('../src/native/tensorflow.js')} */ (
  await import(new URL('../dist/native/tensorflow.js', import.meta.url).href)
);
tensorflow.openTensorFlow();
const { tf } = tensorflow;

const [CLASSES, PICTURES] = [4, 16];
const QUALITY = 85;
/** Pixels from stripe to stripe. */
const PERIOD = 12;

/** A number from 0 to 1 that looks drawn: the golden ratio's and its like spread evenly. @param {number} i */
const spread = (i, step = 0.618_033_988_75) => (i * step) % 1;

/**
 * One picture, [height, width, 3].
 *
 * @param {number} label
 * @param {number} i
 */
function stripes(label, i) {
  const [height, width] = [80 + Math.floor(40 * spread(i)), 80 + Math.floor(40 * spread(i, 0.414))];
  const angle = (Math.PI * (label + 0.5 * (spread(i, 0.302) - 0.5))) / CLASSES;
  const [dx, dy] = [Math.cos(angle), Math.sin(angle)];
  const colours = [0, 1, 2].map((channel) => 64 + 191 * spread(3 * i + channel, 0.7548));
  const pixels = new Uint8Array(height * width * 3);
  for (let place = 0; place < height * width; place++) {
    const [y, x] = [Math.floor(place / width), place % width];
    const wave = 0.5 + 0.5 * Math.sin((2 * Math.PI * (x * dx + y * dy)) / PERIOD);
    colours.forEach((colour, channel) => {
      pixels[3 * place + channel] = Math.round(wave * colour);
    });
  }
  return tf.tensor3d(pixels, [height, width, 3], 'int32');
}

for (const [s, split] of ['train', 'val'].entries()) {
  for (let label = 0; label < CLASSES; label++) {
    const folder = join(out, split, `n0000000${label}`);
    mkdirSync(folder, { recursive: true });
    for (let i = 0; i < PICTURES; i++) {
      const picture = stripes(label, 1 + i + PICTURES * (label + CLASSES * s));
      const jpeg = await tf.node.encodeJpeg(picture, 'rgb', QUALITY);
      writeFileSync(join(folder, `n0000000${label}_${i}.JPEG`), jpeg);
      picture.dispose();
    }
  }
}
