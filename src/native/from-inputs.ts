// Gradients of tfjs's ops that are differentiated once more.
//
// tfjs's tape has the copy of an output that is saved for a gradient before the output itself, so that no second
// gradient finds the way back through it. Here such a gradient computes the output anew, from the saved input, where
// another gradient is to come; where none is, it is tfjs's own.
import { isTaped, saved, single } from './kernel.js';
import { onceOpen, tf, type Tensor } from './tensorflow.js';

interface Op {
  readonly name: 'Softmax' | 'Tanh';
  readonly input: string;
  readonly again: (x: Tensor) => Tensor;
  /** The gradient of the input, by that of the output y, and y. */
  readonly gradient: (dy: Tensor, y: Tensor) => Tensor;
}

const OPS: readonly Op[] = [
  {
    name: 'Softmax',
    input: 'logits',
    again: (x) => tf.softmax(x),
    gradient: (dy, y) => {
      const dyTimesY = tf.mul(dy, y);
      return tf.sub(dyTimesY, tf.mul(tf.sum(dyTimesY, -1, true), y));
    },
  },
  {
    name: 'Tanh',
    input: 'x',
    again: (x) => tf.tanh(x),
    gradient: (dy, y) => tf.mul(tf.sub(tf.scalar(1), tf.square(y)), dy),
  },
];

onceOpen(() => {
  for (const { name, input, again, gradient } of OPS) {
    tf.unregisterGradient(name);
    tf.registerGradient({
      kernelName: name,
      inputsToSave: [input],
      outputsToSave: [true],
      gradFunc: (dy, tensors) => {
        const y = () => (isTaped() ? again(saved(tensors, 0)) : saved(tensors, 1));
        return { [input]: () => gradient(single(dy), y()) };
      },
    });
  }
});
