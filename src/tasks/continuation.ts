// A language model as it was trained, asked for the token after some.
import type { Config } from '../catalogue/schema.js';
import { rowsOf } from '../native/embedding.js';
import { ofRank } from '../native/rank.js';
import { tf } from '../native/tensorflow.js';
import { buildModel } from '../models/models.js';
import { createOptimizer } from '../optim/optimizer.js';
import { openSession, type Session } from '../session/session.js';
import { evaluatedSlots, trainingSlots, vector } from '../session/slot.js';
import { required } from '../util/errors.js';

/** Its state is that of a run, which a checkpoint has. */
export interface Continuation extends Pick<
  Session,
  'slots' | 'readState' | 'writeState' | 'dispose'
> {
  /** Logits [V] of the token after these, of which it sees the last ones, as many as a window has; at least one. */
  next(tokens: readonly number[]): Float32Array;
}

/** @param classes tokens V that there are */
export function openContinuation(config: Config, classes: number): Continuation {
  const { context } = config.data;
  const network = buildModel(config.model, { context, classes });
  const { tensors } = network.parameters;
  const optimizer = createOptimizer(config.optimizer, tensors, config.schedule.learningRate);
  const slots = trainingSlots(network, optimizer, config.weightAverage);
  const { parameters, statistics } = evaluatedSlots(slots);
  const next = {
    inputs: {
      tokens: { dtype: 'int32', shape: [1, context] },
      place: { dtype: 'int32', shape: [1] },
    },
    state: [parameters, statistics],
    body: (state, inputs) => {
      const [w, s] = [vector(state, parameters), vector(state, statistics)];
      const tokens = required(inputs['tokens'], 'tokens');
      const { output } = network.forward(w, s, tokens, 'evaluation');
      const rows = tf.reshape(output, [context, classes]);
      const place = ofRank(required(inputs['place'], 'place'), 1, 'the place');
      return { outputs: { logits: rowsOf(ofRank(rows, 2, 'logits'), place) } };
    },
  } as const satisfies Parameters<typeof openSession>[0]['functions'][string];
  const session = openSession({ slots, held: {}, functions: { next } }, 'compiled');
  return {
    slots,
    readState: () => session.readState(),
    writeState: (state) => session.writeState(state),
    dispose: () => session.dispose(),
    next: (tokens) => {
      const seen = tokens.slice(-context);
      // No token sees those after it: whatever they are.
      const window = new Int32Array(context);
      window.set(seen);
      const fed = { tokens: window, place: Int32Array.of(seen.length - 1) };
      return required(session.run('next', fed)['logits'], 'the logits') as Float32Array;
    },
  };
}
