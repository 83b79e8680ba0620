// What `fsam sample` does: it draws token after token from what a trained network expects.
import { setImmediate } from 'node:timers/promises';
import { taskNameOf } from '../catalogue/task.js';
import { readClasses } from '../experiment/classes.js';
import { loadCheckpoint } from '../experiment/checkpoint.js';
import { alphabetOf } from '../data/text/alphabet.js';
import { openContinuation } from '../tasks/continuation.js';
import { drawToken } from '../tasks/draw-token.js';
import { UserError } from '../util/errors.js';
import { randomStream } from '../util/random.js';
import { openWithoutData, type ReadOptions } from './open-to-read.js';
import { tell } from './output.js';

export interface SampleOptions extends Omit<ReadOptions, 'dataDir'> {
  readonly prompt?: string;
  readonly tokens: number;
  readonly temperature: number;
  readonly top?: number;
  readonly seed: number;
}

/** Errors: UserError where the run is of images, or the prompt has characters that its text had not. */
export async function sample(path: string, options: SampleOptions): Promise<void> {
  const { prompt, tokens, temperature, top, seed } = options;
  const { folder, config, checkpoint, inUse } = await openWithoutData(path, options, (of) => {
    if (taskNameOf(of) === 'language') return;
    throw new UserError(
      `${path}: is a run of the task ${taskNameOf(of)}, wanted one of language, such as of configs/moby-dick-gpt.yaml`,
    );
  });
  const names = config.data.tokens === 'bytes' ? null : await readClasses(folder.classes);
  const alphabet = alphabetOf(names, folder.classes);
  const text = prompt === undefined ? alphabet.beginning : alphabet.encode(prompt);
  const continuation = openContinuation(config, alphabet.count);
  try {
    const { progress } = await loadCheckpoint(checkpoint, continuation);
    tell(`${checkpoint}: ${progress.step} steps, on ${inUse}`);
    const decode = alphabet.decoder();
    if (prompt !== undefined) process.stdout.write(decode(text));
    const random = randomStream(seed, 'continuation');
    for (let i = 0; i < tokens; i++) {
      const next = drawToken(continuation.next(text), { temperature, top }, random);
      text.push(next);
      process.stdout.write(decode([next]));
      // Lets the news in that nobody reads any more.
      await setImmediate();
    }
    process.stdout.write('\n');
  } finally {
    continuation.dispose();
  }
}
