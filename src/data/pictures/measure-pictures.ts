// What a benchmark has to know of the pictures of a stream: where each lies and what is made of it, and
// how long each part of that takes.
import { writePixelsTimed, type Cut } from '../../native/pixels.js';
import { isStream, type Images } from '../dataset.js';
import { RecordReader, type Place } from '../records/read-record.js';
import { columnsOfSplit } from '../records/record-index.js';
import { cutOf } from './framing.js';
import { exampleBytes, recordsAt, type PictureStream } from './picture-stream.js';

/** A batch of training. */
export interface BatchOfEpoch {
  /** From 0. */
  readonly epoch: number;
  /** Of the images. [B] */
  readonly indices: Int32Array;
}

/** A picture in its file, and what becomes of it. */
export interface FramedPicture extends Place {
  readonly cut: Cut;
}

/** Milliseconds an image. */
export interface PictureTimes {
  readonly read: number;
  readonly decode: number;
  /** Cropping and flipping are part of it. */
  readonly resize: number;
}

export const isPictureStream = (images: Images): images is PictureStream =>
  isStream(images) && 'pictures' in images;

/** In the order in which training reads them. */
export function framedPictures(
  stream: PictureStream,
  batches: readonly BatchOfEpoch[],
): FramedPicture[] {
  const { split, framing } = stream.pictures;
  const reader = new RecordReader(split);
  const columns = columnsOfSplit(split);
  return batches.flatMap(({ epoch, indices }) =>
    Array.from(recordsAt(stream, indices), (record) => ({
      ...reader.placeOf(record),
      cut: cutOf(framing, columns, record, epoch),
    })),
  );
}

/**
 * The means over all pictures of `batches`, one after the other on this thread. All are read once before,
 * so that none waits for the disk.
 *
 * Errors: UserError for a picture that cannot be read.
 */
export function timePictures(
  stream: PictureStream,
  batches: readonly BatchOfEpoch[],
): PictureTimes {
  const { split, framing } = stream.pictures;
  const reader = new RecordReader(split);
  const columns = columnsOfSplit(split);
  const buffer = new Uint8Array(split.largestSpan);
  const example = new Uint8Array(exampleBytes(framing));
  const pictures = batches.flatMap(({ epoch, indices }) =>
    Array.from(recordsAt(stream, indices), (record) => ({ record, epoch })),
  );
  for (const { record } of pictures) reader.read(record, buffer);
  const sums = { read: 0, decode: 0, resize: 0 };
  for (const { record, epoch } of pictures) {
    const start = performance.now();
    const bytes = reader.read(record, buffer);
    sums.read += performance.now() - start;
    const times = writePixelsTimed(bytes, cutOf(framing, columns, record, epoch), example);
    if (typeof times === 'string') throw reader.faultOf(record, times);
    sums.decode += times.decode;
    sums.resize += times.resize;
  }
  reader.close();
  const mean = (sum: number): number => sum / pictures.length;
  return { read: mean(sums.read), decode: mean(sums.decode), resize: mean(sums.resize) };
}
