// Augmentation against the recipe carried out pixel by pixel, and the draws it is made with.
import { describe, expect, test } from 'vitest';
import { augmentationSchema, type Config } from '../../src/catalogue/schema.js';
import {
  augment,
  augmentationInputs,
  drawAugmentation,
  plainImages,
  type ImageFormat,
} from '../../src/data/augment.js';
import { loadGraph, traceProgram } from '../../src/graph/compile.js';
import { runEagerly } from '../../src/graph/eager.js';
import type { ProgramSpec } from '../../src/graph/program.js';
import { gatherRows } from '../../src/native/kernels.js';
import type { Tensor } from '../../src/native/tensorflow.js';
import { required } from '../../src/util/errors.js';
import { randomStream } from '../../src/util/random.js';

type Augmentation = Config['augmentation'];
type Draws = Readonly<Record<string, Int32Array>>;

const off: Augmentation = { flip: false, cropPadding: 0, cutout: 0, cutoutProbability: 0.5 };
const recipe = augmentationSchema.parse({});

const COUNT = 5;

/** As a source gathers them. */
const gathered = (images: Tensor | undefined, indices: Tensor | undefined): Tensor =>
  gatherRows(required(images, 'images'), required(indices, 'indices'), 'uint8');

function programOf(format: ImageFormat, config: Augmentation, batch: number): ProgramSpec {
  const { height, width, channels } = format;
  const indices = { dtype: 'int32', shape: [batch] } as const;
  return {
    variables: { images: { dtype: 'uint8', shape: [COUNT, height, width, channels] } },
    functions: {
      augment: {
        inputs: { indices, ...augmentationInputs(config, batch) },
        state: ['images'],
        body: ({ images }, { indices, ...draws }) => ({
          outputs: {
            images: augment(gathered(images, indices), draws, format, config),
          },
        }),
      },
      plain: {
        inputs: { indices },
        state: ['images'],
        body: ({ images }, { indices }) => ({
          outputs: {
            images: plainImages(gathered(images, indices), format),
          },
        }),
      },
    },
  };
}

/** The same in plain loops over one image, step by step in the recipe's order; `draw(name)` is this image's. */
function byHand(
  image: Uint8Array,
  { height, width, channels, mean, std }: ImageFormat,
  config: Augmentation,
  draw: (name: string) => number,
): number[] {
  const pixels = new Array<number>(image.length).fill(0);
  const at = (y: number, x: number, c: number) => (y * width + x) * channels + c;
  const eachPixel = (visit: (y: number, x: number, c: number) => void) => {
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) for (let c = 0; c < channels; c++) visit(y, x, c);
  };
  let source = Array.from(image);
  if (config.flip && draw('flip') === 1) {
    const before = source;
    source = before.map(() => 0);
    eachPixel((y, x, c) => {
      source[at(y, x, c)] = before[at(y, width - 1 - x, c)] ?? NaN;
    });
  }
  const pad = config.cropPadding;
  const padded = new Map<string, number>();
  eachPixel((y, x, c) => padded.set(`${y + pad} ${x + pad} ${c}`, source[at(y, x, c)] ?? NaN));
  // The window's corner in the padded image: 0 .. 2 pad.
  const [top, left] = pad === 0 ? [0, 0] : [draw('cropTop') + pad, draw('cropLeft') + pad];
  eachPixel((y, x, c) => {
    const value = padded.get(`${y + top} ${x + left} ${c}`) ?? 0;
    pixels[at(y, x, c)] = (value / 255 - (mean[c] ?? NaN)) / (std[c] ?? NaN);
  });
  if (config.cutout > 0) {
    const [cutTop, cutLeft] = [draw('cutTop'), draw('cutLeft')];
    eachPixel((y, x, c) => {
      const inside = (place: number, start: number) =>
        place >= start && place < start + config.cutout;
      if (inside(y, cutTop) && inside(x, cutLeft)) pixels[at(y, x, c)] = 0;
    });
  }
  return pixels;
}

function format(size: number, channels: 1 | 3): ImageFormat {
  const colour = { mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.201] };
  const grey = { mean: [0.286], std: [0.353] };
  return { height: size, width: size, channels, ...(channels === 3 ? colour : grey) };
}

const cases: [string, Augmentation][] = [
  ['nothing', off],
  ['flip', { ...off, flip: true }],
  ['crop', { ...off, cropPadding: 4 }],
  ['cutout', { ...off, cutout: 16 }],
  ['flip and crop', { ...off, flip: true, cropPadding: 4 }],
  ['all', recipe],
  ['all, of other sizes', { ...recipe, cropPadding: 2, cutout: 7, cutoutProbability: 1 }],
];

const formats: [string, ImageFormat][] = [
  ['32x32, 3 channels', format(32, 3)],
  ['28x28, 1 channel', format(28, 1)],
];

describe.each(formats)('%s', (_, shape) => {
  const size = shape.height * shape.width * shape.channels;
  const stream = randomStream(3, 'synthetic');
  const images = Uint8Array.from({ length: COUNT * size }, () => stream.integer(256));
  const indices = Int32Array.of(4, 0, 0, 2, 1, 3, 4, 2, 1, 3, 0, 4);

  test.each(cases)('%s, pixel by pixel', (_, config) => {
    const draws = drawAugmentation(randomStream(1, 'augmentation'), indices.length, shape, config);
    const wanted = Array.from(indices).flatMap((index, i) =>
      byHand(images.subarray(index * size, (index + 1) * size), shape, config, (name) =>
        required(draws[name]?.[i], name),
      ),
    );
    const spec = programOf(shape, config, indices.length);
    for (const program of [runEagerly(spec), loadGraph(traceProgram(spec))]) {
      program.write('images', images);
      expectPixels(program.run('augment', { indices, ...draws })['images'], wanted);
      program.dispose();
    }
  });

  test('test images are normalised and nothing else', () => {
    const wanted = Array.from(indices).flatMap((index) =>
      byHand(images.subarray(index * size, (index + 1) * size), shape, off, () => NaN),
    );
    const program = loadGraph(traceProgram(programOf(shape, recipe, indices.length)));
    program.write('images', images);
    expectPixels(program.run('plain', { indices })['images'], wanted);
    program.dispose();
  });
});

function expectPixels(got: ArrayLike<number> | undefined, wanted: readonly number[]): void {
  expect(got).toHaveLength(wanted.length);
  const worst = wanted.reduce(
    (most, value, i) => Math.max(most, Math.abs((got?.[i] ?? NaN) - value)),
    0,
  );
  // Values go up to 2.6.
  expect(worst).toBeLessThan(1e-6);
}

test('a picture that can be checked by eye', () => {
  const tiny: ImageFormat = { height: 3, width: 3, channels: 1, mean: [0], std: [1 / 255] };
  const config = { ...off, flip: true, cropPadding: 1, cutout: 2 };
  const program = runEagerly(programOf(tiny, config, 4));
  program.write(
    'images',
    Uint8Array.from({ length: COUNT * 9 }, (_, i) => (i % 9) + 1),
  );
  const draws: Draws = {
    flip: Int32Array.of(0, 1, 0, 0),
    cropTop: Int32Array.of(0, 0, -1, 1),
    cropLeft: Int32Array.of(0, 0, 1, -1),
    cutTop: Int32Array.of(3, 3, 3, -1),
    cutLeft: Int32Array.of(3, 3, 3, 2),
  };
  const { images } = program.run('augment', { indices: new Int32Array(4), ...draws });
  const rows = Array.from(required(images, 'images'), Math.round);
  expect(rows.slice(0, 9)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(rows.slice(9, 18)).toEqual([3, 2, 1, 6, 5, 4, 9, 8, 7]);
  expect(rows.slice(18, 27)).toEqual([0, 0, 0, 2, 3, 0, 5, 6, 0]);
  // Moved by (1, -1), then the square at (-1, 2) takes the pixel at the upper right.
  expect(rows.slice(27, 36)).toEqual([0, 4, 0, 0, 7, 8, 0, 0, 0]);
  program.dispose();
});
