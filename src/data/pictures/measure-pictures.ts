// What a benchmark has to know of the pictures of a stream: where each lies and what is made of it, and
// how long each part of that takes.
import { writePixelsTimed, type Cut } from '../../native/pixels.js';
import { required } from '../../util/errors.js';
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
  const time = ({ record, epoch }: (typeof pictures)[number]): PictureTimes => {
    const start = performance.now();
    const bytes = reader.read(record, buffer);
    const read = performance.now() - start;
    const times = writePixelsTimed(bytes, cutOf(framing, columns, record, epoch), example);
    if (typeof times === 'string') throw reader.faultOf(record, times);
    return { read, ...times };
  };
  for (const { record } of pictures) reader.read(record, buffer);
  // The first time of all, what decodes is opened.
  time(required(pictures[0], 'a picture to time'));
  const times = pictures.map(time);
  reader.close();
  const mean = (part: keyof PictureTimes): number =>
    times.reduce((sum, one) => sum + one[part], 0) / times.length;
  return { read: mean('read'), decode: mean('decode'), resize: mean('resize') };
}
