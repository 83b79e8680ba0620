// The bytes of one CIFAR file, binary or pickled, into pixels and checked labels.
import { UserError } from '../util/errors.js';
import {
  CIFAR_IMAGE_BYTES,
  CIFAR_SIDE,
  recordBytes,
  type CifarFile,
  type CifarForm,
  type CifarFormat,
} from './cifar-format.js';
import type { ImageSet } from './dataset.js';
import { readPickledBatch } from './pickle.js';

/**
 * Decodes the `bytes` of `file` into `target`, which is of its length exactly: images [N H W C],
 * labels [N].
 *
 * Errors: UserError when the file is not of the length or shape of the form, or a label is out of
 * range; `path` names it.
 */
export function decodeCifarFile(
  format: CifarFormat,
  form: CifarForm,
  file: CifarFile,
  path: string,
  bytes: Buffer,
  target: ImageSet<Uint8Array>,
): void {
  switch (form.encoding) {
    case 'binary':
      decodeBinary(format, file, path, bytes, target);
      break;
    case 'pickle':
      decodePickle(format, file, path, bytes, target);
      break;
    default:
      form.encoding satisfies never;
  }
  checkLabels(format, path, target.labels);
}

function decodeBinary(
  format: CifarFormat,
  file: CifarFile,
  path: string,
  bytes: Buffer,
  target: ImageSet<Uint8Array>,
): void {
  const stride = recordBytes(format);
  if (bytes.length !== file.records * stride) {
    throw new UserError(
      `${path}: has ${bytes.length} bytes; wanted ${file.records * stride} ` +
        `(${file.records} records of ${stride}); ${fetchHint(format)}`,
    );
  }
  const label = format.labelBytes - 1;
  for (let i = 0; i < file.records; i++) target.labels[i] = bytes[i * stride + label] as number;
  interleavePlanes(bytes, format.labelBytes, stride, file.records, target.images);
}

function decodePickle(
  format: CifarFormat,
  file: CifarFile,
  path: string,
  bytes: Buffer,
  target: ImageSet<Uint8Array>,
): void {
  const { data, shape, labels } = readPickledBatch(bytes, path, format.labelKey);
  const wanted = [file.records, CIFAR_IMAGE_BYTES].join(' ');
  if (shape.join(' ') !== wanted) {
    throw new UserError(
      `${path}: data has shape [${shape.join(' ')}]; wanted [${wanted}]; ${fetchHint(format)}`,
    );
  }
  if (labels.length !== file.records) {
    throw new UserError(
      `${path}: has ${labels.length} ${format.labelKey}; wanted ${file.records}; ${fetchHint(format)}`,
    );
  }
  // Before they become 32 bits wide, which would make small numbers of large ones.
  checkLabels(format, path, labels);
  target.labels.set(labels);
  interleavePlanes(data, 0, CIFAR_IMAGE_BYTES, file.records, target.images);
}

/** From planes, [C H W] at `offset` of each record of `stride` bytes, to pixels, [N H W C]. */
function interleavePlanes(
  source: Uint8Array,
  offset: number,
  stride: number,
  records: number,
  target: Uint8Array,
): void {
  const plane = CIFAR_SIDE * CIFAR_SIDE;
  let t = 0;
  for (let record = 0; record < records; record++) {
    const start = offset + record * stride;
    for (let red = start; red < start + plane; red++) {
      target[t++] = source[red] as number;
      target[t++] = source[red + plane] as number;
      target[t++] = source[red + 2 * plane] as number;
    }
  }
}

function checkLabels(
  format: CifarFormat,
  path: string,
  labels: Int32Array | readonly number[],
): void {
  const bad = labels.findIndex((label) => label < 0 || label >= format.classes);
  if (bad < 0) return;
  throw new UserError(
    `${path}: record ${bad} (the first is 0) has label ${labels[bad]}; ` +
      `wanted 0..${format.classes - 1}; ${fetchHint(format)}`,
  );
}

/** The way out of every damaged or missing file. */
export function fetchHint(format: CifarFormat): string {
  return `get the set again with fsam data fetch ${format.name} --data-dir DIR`;
}
