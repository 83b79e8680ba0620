// Pictures to pixels: a JPEG or PNG decoded, cropped, resized and flipped as torchvision does on Pillow
// 12's pictures, to the byte. An addon of our own (src/native/pixels/), for Node's worker threads.
//
// Source: torchvision's RandomResizedCrop, Resize and CenterCrop; Pillow's resize, bilinear.
import { isMainThread } from 'node:worker_threads';
import { loadAddon } from './addon.js';
import { openTensorFlow } from './tensorflow.js';
import { InternalError } from '../util/errors.js';
import { messageOf } from '../util/file-errors.js';

export interface Size {
  readonly height: number;
  readonly width: number;
}

/** Pixels from (top, left) on. */
export interface Box extends Size {
  readonly top: number;
  readonly left: number;
}

/** What is made of a picture: its box resized, of that the window, left and right changed. */
export interface Cut {
  /** Of the picture. What lies around it has no part in the result. */
  readonly box: Box;
  /** What the box is resized to. */
  readonly size: Size;
  /** The part that is wanted of it. Nothing else is computed. */
  readonly window: Box;
  readonly flip: boolean;
}

/** What the first bytes of a file say. */
export type PictureHeader =
  | {
      readonly kind: 'jpeg' | 'png';
      readonly width: number;
      readonly height: number;
      /** Values a pixel, in the file: 1 (grey, or a palette's), 2, 3 or 4 (CMYK, or with alpha). */
      readonly components: number;
    }
  /** More are needed: at least so many from the first. A file that has no more is cut off. */
  | { readonly kind: 'unfinished'; readonly needed: number }
  /** No picture, or a broken one; why. */
  | { readonly kind: 'other'; readonly reason: string };

/** Pillow refuses pictures of more: twice what it warns of (its MAX_IMAGE_PIXELS). */
export const MOST_PIXELS = 178_956_970;

/** Milliseconds. */
export interface PixelTimes {
  readonly decode: number;
  /** Cropping and flipping are part of it. */
  readonly resize: number;
}

type Write<Result> = (
  picture: Uint8Array,
  cut: Cut,
  mostPixels: number,
  target: Uint8Array,
  offset: number,
) => Result;

interface Addon {
  readonly instructionSet: 'avx2' | 'plain';
  readonly write: Write<string | null>;
  readonly writeTimed: Write<PixelTimes | string>;
  readHeader(first: Uint8Array): PictureHeader;
  addressOf(array: Uint8Array): number;
}

let loaded: Addon | undefined;

/**
 * The main thread opens TensorFlow first, also for its workers, which leave tfjs aside: it must have
 * done so before they come here.
 */
function load(): Addon {
  if (isMainThread) openTensorFlow();
  return (loaded ??= loadAddon('pixels') as Addon);
}

function told<T>(body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw new InternalError(`pixels: ${messageOf(error)}`);
  }
}

/** What is there to resize with. The pixels do not depend on it. */
export const pixelInstructionSet = (): Addon['instructionSet'] => load().instructionSet;

/** Of a file's first bytes, or of all; the name of the file does not matter. */
export function readPictureHeader(first: Uint8Array): PictureHeader {
  const addon = load();
  return told(() => addon.readHeader(first));
}

/**
 * Whether a file's last bytes (two suffice) are a JPEG's end. Some whole files have more behind it:
 * `writePixels` finds it there, and otherwise calls the file cut off.
 */
export const endsAsJpeg = (last: Uint8Array): boolean =>
  last.length >= 2 && last.at(-2) === 0xff && last.at(-1) === 0xd9;

/**
 * Writes red, green and blue, a byte each, [window.height window.width 3], from `offset` on.
 *
 * @param picture all bytes of the file
 * @param target may lie in shared memory
 * @returns null, or in words why this picture cannot be had; the target may be written to in part.
 * @throws InternalError where the cut makes no sense, or the target has no room for it
 */
export function writePixels(
  picture: Uint8Array,
  cut: Cut,
  target: Uint8Array,
  offset = 0,
  mostPixels = MOST_PIXELS,
): string | null {
  const addon = load();
  const reason = told(() => addon.write(picture, cut, mostPixels, target, offset));
  return reason === null ? null : `cannot be decoded: ${reason}`;
}

/**
 * Decodes all of a picture of that size, and keeps nothing of it.
 *
 * @returns as `writePixels`
 */
export function pictureFault(picture: Uint8Array, { height, width }: Size): string | null {
  const pixel = { top: 0, left: 0, height: 1, width: 1 };
  const cut: Cut = { box: { ...pixel, height, width }, size: pixel, window: pixel, flip: false };
  return writePixels(picture, cut, new Uint8Array(3));
}

/** `writePixels`, timed: how long its parts took, or why this picture cannot be had. */
export function writePixelsTimed(
  picture: Uint8Array,
  cut: Cut,
  target: Uint8Array,
): PixelTimes | string {
  const addon = load();
  return told(() => addon.writeTimed(picture, cut, MOST_PIXELS, target, 0));
}

/** TensorFlow takes memory that begins at a multiple of this many bytes without a copy. */
export const ALIGNMENT = 64;

/** Bytes from the beginning of an array to the next multiple of 64 in memory: 0..63. */
export function bytesToAlignment(array: Uint8Array): number {
  const addon = load();
  return (ALIGNMENT - told(() => addon.addressOf(array))) % ALIGNMENT;
}
