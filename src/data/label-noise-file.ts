// label-noise.csv: the labels that a run was trained on, beside the original ones; written into its
// folder, and read to train on the same again.
import { readCsv } from '../util/csv.js';
import { UserError } from '../util/errors.js';
import { writeFileAtomically } from '../util/atomic-file.js';

const COLUMNS = 'index,original,noisy';

/** A line for each training image, in the order they are numbered in. */
export async function writeNoisyLabels(
  path: string,
  original: Int32Array,
  noisy: Int32Array,
): Promise<void> {
  const lines = Array.from(noisy, (label, i) => `${i},${original[i] ?? ''},${label}`);
  await writeFileAtomically(path, `${[COLUMNS, ...lines].join('\n')}\n`);
}

/**
 * The noisy labels [N] of the file at `path`, for a training set with the labels `original` [N].
 *
 * Errors: UserError where it is not such a file, is of another length or for other images, or holds
 * a label that is not a class.
 */
export async function readNoisyLabels(
  path: string,
  original: Int32Array,
  classes: number,
): Promise<Int32Array> {
  const [header, ...lines] = await readCsv(path);
  const columns = header?.fields.join(',') ?? '';
  if (columns !== COLUMNS) {
    throw new UserError(
      `${path}:1: got ${JSON.stringify(columns.slice(0, 60))}, wanted the columns ${COLUMNS}, as a run's ` +
        'label-noise.csv has them',
    );
  }
  if (lines.length !== original.length) {
    throw new UserError(
      `${path}: has ${lines.length} labels, wanted ${original.length}, one for each training image; set data.subset ` +
        'and data.validation as in the run that wrote it',
    );
  }
  return Int32Array.from(lines, ({ number, fields }, i) => {
    const [index, before, noisy = ''] = fields;
    const place = `${path}:${number}`;
    if (index !== String(i) || before !== String(original[i])) {
      throw new UserError(
        `${place}: got image ${index ?? ''} of class ${before ?? ''}, wanted image ${i} of class ${original[i] ?? ''}: ` +
          'the file is for other training images',
      );
    }
    if (!/^\d+$/.test(noisy) || Number(noisy) >= classes) {
      throw new UserError(
        `${place}: got the label ${JSON.stringify(noisy)}, wanted a class from 0 to ${classes - 1}`,
      );
    }
    return Number(noisy);
  });
}
