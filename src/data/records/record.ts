// What a record is: one picture with its label, somewhere in a file of a data set.
import { UserError } from '../../util/errors.js';

/**
 * What is read in one go: a shard, a class folder, or a class's archive within another. Plain data:
 * it goes to other threads and into files.
 */
export interface Part {
  readonly kind: 'tfrecord' | 'webdataset' | 'tar' | 'folder';
  readonly path: string;
  /** Where it lies in the file at `path`, in bytes; null: all of that. */
  readonly range: { readonly from: number; readonly to: number } | null;
  /** Of all its pictures; null where each record has its own. */
  readonly className: string | null;
}

/** Where a picture lies in its file, in bytes, and what is read along with it. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
  /** What is read begins so many bytes before the picture, and is so long; without more, 0 and `length`. */
  readonly lead: number;
  readonly span: number;
  /**
   * What reading checks: the masked CRC-32C of the span (TFRecord), or the file's time of change
   * (`folder`), in milliseconds modulo 2^32; 0 where nothing is known.
   */
  readonly stamp: number;
}

/** A record as a part's headers tell of it. */
export interface ScannedRecord extends Extent {
  /** The picture's name without folders; a number where it has none. Sorts records of a class. */
  readonly key: string;
  /** In a folder, the path below it; elsewhere as it is told in errors. */
  readonly name: string;
  /** As it stands in the data; null where there is none. */
  readonly label: number | null;
  readonly className: string | null;
  readonly picture: PictureFacts | { readonly fault: string };
}

export interface PictureFacts {
  readonly kind: 'jpeg' | 'png';
  readonly width: number;
  readonly height: number;
  readonly components: number;
}

/** One record is damaged; others may be read. */
export class RecordFault extends UserError {
  constructor(
    readonly file: string,
    readonly record: string,
    readonly reason: string,
  ) {
    super(`${file}: ${record} ${reason}`);
  }
}

/** `n01440764_10026` of `train/n01440764/n01440764_10026.JPEG`, the same in every form. */
export function keyOf(name: string): string {
  const base = name.slice(name.lastIndexOf('/') + 1);
  const dot = base.lastIndexOf('.');
  // WebDataset ends a key at the first dot, so that none can stay.
  return (dot > 0 ? base.slice(0, dot) : base).replaceAll('.', '_');
}

/** Names as of pictures. */
export const isPictureName = (name: string): boolean => /\.(jpe?g|png)$/i.test(name);

/** A file's time of change as `Extent.stamp` has it. */
export const changeStamp = (mtimeMs: number): number => Math.floor(mtimeMs) % 2 ** 32;
