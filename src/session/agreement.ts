// What a network answers on labels that may be wrong: whether it agrees with the one given, or with the true one.
import { setImmediate } from 'node:timers/promises';
import type { Source } from '../data/source.js';
import type { FunctionSpec } from '../graph/program.js';
import { ofRank } from '../native/rank.js';
import { tf, type Scalar, type Tensor, type Tensor1D } from '../native/tensorflow.js';
import type { Network } from '../nn/network.js';
import { required } from '../util/errors.js';
import { nameOf } from './evaluation.js';
import { OUTPUT } from './measure.js';
import { openSession, type Session } from './session.js';
import { networkSlots, vector, type State } from './slot.js';
import type { Task } from './task.js';

/** Numbers of images. A label is wrong where the one given is not the true one. */
export interface Agreement {
  readonly wrong: number;
  /** Of those with a wrong label: the answer is that label, or the true one. */
  readonly wrongAsGiven: number;
  readonly wrongAsTrue: number;
  readonly right: number;
  readonly rightAsGiven: number;
}

const NAMES = ['wrong', 'wrongAsGiven', 'wrongAsTrue', 'right', 'rightAsGiven'] as const;
const FUNCTION = 'agreement';

interface AgreementParts {
  readonly network: Network;
  readonly task: Pick<Task, 'plain'>;
  /** Of images with `labels`, and `originalLabels` where some are wrong. */
  readonly source: Source;
  /** Ends it between two batches, with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** In evaluation mode, over all images of the source. */
export async function agreementOf(parts: AgreementParts, state: State): Promise<Agreement> {
  const { network, source } = parts;
  const functions = source.sizes.map(
    (size) => [nameOf(FUNCTION, source, size), agreementOn(parts, size)] as const,
  );
  const session = openSession(
    { slots: networkSlots(network), held: source.held, functions: Object.fromEntries(functions) },
    'compiled',
  );
  try {
    session.writeState(state);
    const sums = await summed(session, source, parts.signal);
    const found = NAMES.map((name, i) => [name, required(sums[i], name)] as const);
    return Object.fromEntries(found) as Record<(typeof NAMES)[number], number>;
  } finally {
    session.dispose();
  }
}

async function summed(
  session: Session,
  source: Source,
  signal: AbortSignal | undefined,
): Promise<number[]> {
  const sums = NAMES.map(() => 0);
  for await (const { examples, inputs } of source.batches(0, 0)) {
    signal?.throwIfAborted();
    const { [OUTPUT]: numbers } = session.run(nameOf(FUNCTION, source, examples), inputs);
    NAMES.forEach((name, i) => (sums[i] = (sums[i] ?? 0) + required(numbers?.[i], name)));
    // Lets signal handlers run.
    await setImmediate();
  }
  return sums;
}

function agreementOn({ network, task, source }: AgreementParts, size: number): FunctionSpec {
  return {
    inputs: source.inputs(size),
    lent: source.lent,
    state: ['parameters', 'statistics', ...Object.keys(source.held)],
    body: (state, inputs) => {
      const gathered = source.gather(state, inputs);
      const labels = required(gathered['labels'], 'labels');
      const truth = gathered['originalLabels'] ?? labels;
      const [w, s] = [vector(state, 'parameters'), vector(state, 'statistics')];
      const { output } = network.forward(w, s, task.plain(gathered).input, 'evaluation');
      const answers = tf.argMax<Tensor1D>(ofRank(output, 2, 'the output of the network'), 1);
      const isRight = tf.equal(labels, truth);
      const isWrong = tf.logicalNot(isRight);
      const [asGiven, asTrue] = [tf.equal(answers, labels), tf.equal(answers, truth)];
      const both = (a: Tensor, b: Tensor): Tensor => tf.logicalAnd(a, b);
      const counts = [
        isWrong,
        both(isWrong, asGiven),
        both(isWrong, asTrue),
        isRight,
        both(isRight, asGiven),
      ].map((which) => tf.sum<Scalar>(tf.cast(which, 'float32')));
      return { outputs: { [OUTPUT]: tf.stack(counts) } };
    },
  };
}
