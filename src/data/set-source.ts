// A split of any data set as training reads it.
import {
  isText,
  ofImages,
  ofText,
  type Dataset,
  type DatasetShape,
  type Split,
} from './dataset.js';
import { imageSource } from './image-source.js';
import type { Batching } from './order.js';
import type { Source } from './source.js';
import { textSource } from './text/text-source.js';

/** @param dataset left out: only the shape counts, as for a listing of the graph. */
export const sourceOf = (
  split: Split,
  shape: DatasetShape,
  batching: Batching,
  dataset?: Dataset,
): Source =>
  isText(shape)
    ? textSource(split, shape, batching, dataset && ofText(dataset)[split])
    : imageSource(split, shape, batching, dataset && ofImages(dataset)[split]);
