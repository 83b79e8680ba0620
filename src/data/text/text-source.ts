// A split of a text as training reads it: a batch feeds its windows.
//
// As in nanoGPT, the windows of an epoch are trained on from places drawn anew for each epoch, any of
// them as likely as another, and so now and then twice; what is evaluated is cut side by side.
import type { RandomStream } from '../../util/random.js';
import { InternalError, required } from '../../util/errors.js';
import { countOf, type Split, type TextSet, type TextShape } from '../dataset.js';
import { orderOf, type Batching } from '../order.js';
import type { Source } from '../source.js';
import { windowsIn } from './cut-text.js';

/**
 * The windows of a split. A batch gathers `tokens` [B T + 1] (int32): the T of a window, and the one after
 * them.
 *
 * Drawn windows are as many as the shape has of an epoch; those in order are all that lie side by side, or
 * those of `starts`, whatever `data.windows` is.
 *
 * @param set left out: only the shape counts, as for a listing of the graph.
 */
export function textSource(
  split: Split,
  shape: TextShape,
  batching: Batching,
  set?: TextSet,
): Source {
  const { context } = shape;
  const length = context + 1;
  // `data.windows` is of what is drawn.
  const examples =
    batching.shuffledBy === null && set !== undefined
      ? (set.starts?.length ?? windowsIn(set.tokens, context))
      : countOf(shape, split);
  const given = (): TextSet => required(set, `the ${split} text`);
  const drawn = (random: RandomStream): Int32Array => {
    const places = given().tokens.length - context;
    return Int32Array.from({ length: examples }, () => random.integer(places));
  };
  const { isShuffled, sizes, fed, batches } = orderOf(examples, batching, drawn);
  const startOf = (index: number): number =>
    isShuffled ? index : (set?.starts?.[index] ?? index * context);
  const windowsAt = (indices: Int32Array): Int32Array => {
    const { tokens } = given();
    const windows = new Int32Array(indices.length * length);
    indices.forEach((index, i) => {
      const start = startOf(index);
      const window = tokens.subarray(start, start + length);
      if (window.length < length) {
        throw new InternalError(`a window of the ${split} text ends behind it: token ${start}`);
      }
      windows.set(window, i * length);
    });
    return windows;
  };
  return {
    examples,
    sizes,
    held: {},
    fed,
    inputs: (batch) => ({ tokens: { dtype: 'int32', shape: [fed(batch).size, length] } }),
    lent: [],
    gather: (_, { tokens }) => ({ tokens: required(tokens, 'tokens') }),
    async *batches(epoch, from) {
      for (const { examples: all, indices } of batches(epoch, from)) {
        yield await Promise.resolve({ examples: all, inputs: { tokens: windowsAt(indices) } });
      }
    },
  };
}
