// Which part of a picture becomes an example: torchvision's random resized crop and flip for training,
// resize and centre crop for evaluation.
//
// Source: torchvision's RandomResizedCrop.get_params, RandomHorizontalFlip, Resize and CenterCrop. The
// draws are our own: a function of (seed, epoch, index), whatever order pictures are read in.
import type { Box, Cut, Size } from '../native/pixels.js';
import { InternalError } from '../util/errors.js';
import { randomStream, type RandomStream } from '../util/random.js';

/** Of the picture's area. */
const SCALE = { least: 0.08, most: 1 };
/** Width to height. */
const RATIO = { least: 3 / 4, most: 4 / 3 };
const TRIES = 10;

/** Indices below this have streams of their own in every epoch. */
const MOST_EXAMPLES = 2 ** 32;

type Draws = Pick<RandomStream, 'uniform' | 'integer'>;

/**
 * A crop of 8 to 100 % of the picture, resized to `side` x `side`, half of the time mirrored.
 *
 * @param index of the example in its data set
 */
export function trainingCut(
  seed: number,
  epoch: number,
  index: number,
  picture: Size,
  side: number,
): Cut {
  const stream = randomStream(seed, 'augmentation', epoch * MOST_EXAMPLES + index);
  const box = randomBox(stream, picture);
  const flip = stream.uniform() < 0.5;
  const size = { height: side, width: side };
  return { box, size, window: { top: 0, left: 0, ...size }, flip };
}

/**
 * The shorter side resized to `resize`, of which the central `side` x `side` is taken.
 *
 * Errors: InternalError where that is larger than what was resized.
 */
export function evaluationCut(picture: Size, resize: number, side: number): Cut {
  if (side > resize) throw new InternalError(`a centre crop of ${side} from ${resize}`);
  const { height, width } = picture;
  const longer = (long: number, short: number): number => Math.trunc((resize * long) / short);
  const size =
    width <= height
      ? { height: longer(height, width), width: resize }
      : { height: resize, width: longer(width, height) };
  const window = {
    top: roundHalfToEven((size.height - side) / 2),
    left: roundHalfToEven((size.width - side) / 2),
    height: side,
    width: side,
  };
  return { box: { top: 0, left: 0, height, width }, size, window, flip: false };
}

/** Of random area and shape, at a random place; the central one of the nearest shape where none of ten fits. */
export function randomBox(stream: Draws, picture: Size): Box {
  for (let i = 0; i < TRIES; i++) {
    const area = picture.height * picture.width * between(stream, SCALE.least, SCALE.most);
    const ratio = Math.exp(between(stream, Math.log(RATIO.least), Math.log(RATIO.most)));
    const width = roundHalfToEven(Math.sqrt(area * ratio));
    const height = roundHalfToEven(Math.sqrt(area / ratio));
    if (width < 1 || width > picture.width || height < 1 || height > picture.height) continue;
    const top = stream.integer(picture.height - height + 1);
    const left = stream.integer(picture.width - width + 1);
    return { top, left, height, width };
  }
  return centralBox(picture);
}

function centralBox(picture: Size): Box {
  const ratio = picture.width / picture.height;
  const height =
    ratio < RATIO.least ? roundHalfToEven(picture.width / RATIO.least) : picture.height;
  const width = ratio > RATIO.most ? roundHalfToEven(picture.height * RATIO.most) : picture.width;
  return {
    top: Math.floor((picture.height - height) / 2),
    left: Math.floor((picture.width - width) / 2),
    height,
    width,
  };
}

const between = (stream: Draws, least: number, most: number): number =>
  least + (most - least) * stream.uniform();

/** As Python's round: a half goes to the even neighbour. */
function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}
