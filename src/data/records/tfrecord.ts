// TFRecord shards of pictures: tf.train.Example protocol buffers behind one another, with checksums.
//
// A record is its length (8 bytes), the length's masked CRC-32C (4), an Example, and the Example's
// masked CRC-32C (4): https://www.tensorflow.org/tutorials/load_data/tfrecord
import { UserError } from '../../util/errors.js';
import { maskedCrc } from './crc.js';
import type { FileBytes } from './file-bytes.js';
import { pictureFacts } from './picture-facts.js';
import { keyOf, type ScannedRecord } from './record.js';
import { readVarint, WireError, wireFields } from './wire.js';

const LENGTH_BYTES = 8;
const CRC_BYTES = 4;
const HEAD_BYTES = LENGTH_BYTES + CRC_BYTES;

/** Of TensorFlow's own script for ImageNet, and of TensorFlow Datasets. */
const PICTURE = ['image/encoded', 'image'];
const LABEL = ['image/class/label', 'label'];
const SYNSET = ['image/class/synset'];
const FILE_NAME = ['image/filename', 'file_name'];

/** Errors: UserError, after the records before it, where the file is cut short, packed or no TFRecord. */
export function* scanTfrecord(bytes: FileBytes): Generator<ScannedRecord, void> {
  let at = 0;
  for (let number = 0; at < bytes.size; number++) {
    const length = readLength(bytes, at, number);
    const start = at + HEAD_BYTES;
    const example = readExample(bytes, start, start + length, number);
    const { picture, label, synset, fileName } = example;
    const size = picture.end - picture.start;
    const facts = pictureFacts(bytes, picture.start, size);
    yield {
      offset: picture.start,
      length: size,
      lead: picture.start - start,
      span: length,
      stamp: bytes.at(start + length, CRC_BYTES).readUInt32LE(0),
      key: fileName === null ? String(number).padStart(10, '0') : keyOf(fileName),
      name: recordName(number, at),
      label,
      className: synset,
      picture: facts,
    };
    at = start + length + CRC_BYTES;
  }
}

const recordName = (number: number, at: number): string => `record ${number} (byte ${at})`;

function readLength(bytes: FileBytes, at: number, number: number): number {
  const { path, size } = bytes;
  const cut = (wanted: number) =>
    new UserError(
      `${path}: ${recordName(number, at)} is cut short: ${size - at} bytes are there, wanted ${wanted}; get the shard again`,
    );
  if (at + HEAD_BYTES > size) throw cut(HEAD_BYTES);
  const head = bytes.at(at, HEAD_BYTES);
  if (maskedCrc(head.subarray(0, LENGTH_BYTES)) !== head.readUInt32LE(LENGTH_BYTES)) {
    if (at === 0) throw notTfrecord(path, head);
    throw new UserError(
      `${path}: ${recordName(number, at)} has a damaged length: its CRC differs; get the shard again`,
    );
  }
  const length = Number(head.readBigUInt64LE(0));
  const wanted = HEAD_BYTES + length + CRC_BYTES;
  if (at + wanted > size) throw cut(wanted);
  return length;
}

function notTfrecord(path: string, head: Buffer): UserError {
  if (head.readUInt16BE(0) === 0x1f8b) return gzipped(path);
  return new UserError(
    `${path}: is no TFRecord file, or its first length is damaged (the CRC differs); get the shard again`,
  );
}

export const gzipped = (path: string): UserError =>
  new UserError(
    `${path}: is packed with gzip, in which no record can be looked up; unpack it: gunzip < FILE > FILE-unpacked, or write the shards without compression`,
  );

interface Example {
  readonly picture: Span;
  readonly label: number | null;
  readonly synset: string | null;
  readonly fileName: string | null;
}

interface Span {
  readonly start: number;
  readonly end: number;
}

function readExample(bytes: FileBytes, start: number, end: number, number: number): Example {
  const name = recordName(number, start - HEAD_BYTES);
  try {
    const features = featuresOf(bytes, start, end);
    const find = (names: readonly string[]): Span | null => {
      const found = names.find((key) => features.has(key));
      return found === undefined ? null : firstValue(bytes, features.get(found));
    };
    const text = (names: readonly string[]): string | null => {
      const span = find(names);
      if (span === null || span.end === span.start) return null;
      return bytes.at(span.start, span.end - span.start).toString('utf8');
    };
    const picture = find(PICTURE);
    if (picture === null) throw lacks(bytes.path, name, 'picture', PICTURE, features);
    const labelSpan = find(LABEL);
    const label =
      labelSpan === null ? null : readVarint(bytes, labelSpan.start, labelSpan.end).value;
    const synset = text(SYNSET);
    if (label === null && synset === null) {
      throw lacks(bytes.path, name, 'label', [...LABEL, ...SYNSET], features);
    }
    return { picture, label, synset, fileName: text(FILE_NAME) };
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new UserError(
      `${bytes.path}: ${name} is no tf.train.Example (${error.message}); get the shard again`,
    );
  }
}

function lacks(
  path: string,
  record: string,
  what: string,
  wanted: readonly string[],
  features: ReadonlyMap<string, Span>,
): UserError {
  const found = [...features.keys()].slice(0, 8).join(', ');
  return new UserError(
    `${path}: ${record} has no ${what}; wanted the feature ${wanted.join(' or ')}, got ${found === '' ? 'none' : found}`,
  );
}

/** Example { Features = 1 { map<string, Feature> = 1 } }: where each feature's value stands. */
function featuresOf(bytes: FileBytes, start: number, end: number): Map<string, Span> {
  const features = new Map<string, Span>();
  for (const message of wireFields(bytes, start, end)) {
    if (message.number !== 1 || message.type !== 'bytes') continue;
    for (const entry of wireFields(bytes, message.start, message.end)) {
      if (entry.number !== 1 || entry.type !== 'bytes') continue;
      let name: string | null = null;
      let value: Span | null = null;
      for (const field of wireFields(bytes, entry.start, entry.end)) {
        if (field.number === 1 && field.end - field.start < 256) {
          name = bytes.at(field.start, field.end - field.start).toString('utf8');
        } else if (field.number === 2) value = field;
      }
      if (name !== null && value !== null) features.set(name, value);
    }
  }
  return features;
}

/**
 * Feature { BytesList = 1 | FloatList = 2 | Int64List = 3 }, each of repeated field 1: the first
 * string, or the bytes that the first integer begins. Null for an empty list, and floats.
 */
function firstValue(bytes: FileBytes, feature: Span | undefined): Span | null {
  if (feature === undefined) return null;
  for (const list of wireFields(bytes, feature.start, feature.end)) {
    if (list.type !== 'bytes' || list.number === 2) continue;
    for (const value of wireFields(bytes, list.start, list.end)) {
      if (value.number === 1 && value.type !== 'fixed' && value.end >= value.start) return value;
    }
  }
  return null;
}
