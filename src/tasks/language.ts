// Learning to tell the next token of a text from those before it.
import { taskOf } from '../catalogue/task.js';
import type { TASKS } from '../catalogue/tasks.js';
import { ofText } from '../data/dataset.js';
import { sparseCrossEntropy } from '../native/kernels.js';
import { ofRank } from '../native/rank.js';
import {
  tf,
  type Scalar,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
} from '../native/tensorflow.js';
import type { Batch, Targets } from '../session/batch.js';
import type { CreateTask } from '../session/task.js';
import type { Tensors } from '../graph/program.js';
import { required } from '../util/errors.js';
import { lossOf } from './cross-entropy.js';
import { LOSSES, measuresOf, STEPS, type Traced } from './measures.js';

/** [B T V] -> [B*T V] */
function logitsOf(output: Tensor): Tensor2D {
  const logits = ofRank(output, 3, 'the output of the network');
  const [batch, context, tokens] = logits.shape;
  return tf.reshape(logits, [batch * context, tokens]);
}

/** [B T] -> [B*T] */
const nextOf = ({ next }: Targets): Tensor1D =>
  tf.reshape(ofRank(required(next, 'next'), 2, 'next'), [-1]);

/** Of a window the first tokens, and of each the one after it. */
function cut({ tokens }: Tensors): Batch {
  const windows = ofRank(required(tokens, 'tokens'), 2, 'tokens');
  const [batch, length] = windows.shape;
  return {
    input: tf.slice(windows, [0, 0], [batch, length - 1]),
    targets: { next: tf.slice(windows, [0, 1], [batch, length - 1]) },
  };
}

/** Over the windows of a batch, the sum of the mean over the tokens of each. */
function sumOfLosses(output: Tensor, targets: Targets): Scalar {
  const losses = sparseCrossEntropy(logitsOf(output), nextOf(targets));
  const [, context = 1] = output.shape;
  return tf.div(tf.sum<Scalar>(losses), context);
}

export const language: CreateTask = ({ labelSmoothing, ...config }, of, run) => {
  const { tokensPerCharacter } = ofText(of);
  const traced: Traced<typeof TASKS.language> = {
    training: LOSSES,
    evaluation: {
      loss: sumOfLosses,
      perplexity: sumOfLosses,
      bits_per_character: (output, targets, split) =>
        tf.mul(sumOfLosses(output, targets), tokensPerCharacter[split] / Math.LN2),
    },
    steps: STEPS,
  };
  return {
    drawn: () => ({}),
    draw: () => ({}),
    augmented: cut,
    plain: cut,
    loss: (output, targets) => lossOf(logitsOf(output), nextOf(targets), labelSmoothing),
    count: () => ({}),
    ...measuresOf(taskOf(config), traced, run),
  };
};
