// What is made of a picture of an index: which part, in what size.
import type { Cut } from '../../native/pixels.js';
import { required } from '../../util/errors.js';
import { evaluationCut, trainingCut } from '../boxes.js';
import type { Columns } from '../records/columns.js';

export interface Framing {
  /** Height and width of an example. */
  readonly side: number;
  /** What the shorter side is resized to where it is evaluated. */
  readonly resize: number;
  readonly seed: number;
}

/** @param epoch from 0; null: it is evaluated */
export function cutOf(
  { side, resize, seed }: Framing,
  columns: Pick<Columns, 'height' | 'width'>,
  record: number,
  epoch: number | null,
): Cut {
  const [height, width] = [columns.height[record], columns.width[record]];
  const size = { height: required(height, 'a height'), width: required(width, 'a width') };
  return epoch === null
    ? evaluationCut(size, resize, side)
    : trainingCut(seed, epoch, record, size, side);
}
