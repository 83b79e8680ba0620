// The checksum of TFRecord files: CRC-32C, masked.
// https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details
import { crc32c } from '@node-rs/crc32';

const MASK = 0xa282ead8;

/** Turned and moved on, so that a checksum of bytes that hold checksums is a good one. */
export function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + MASK) >>> 0;
}
