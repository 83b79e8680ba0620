// A process that is asked one thing and answers once: what loads TensorFlow for a command that
// stays light.
import { fork, type ChildProcess } from 'node:child_process';
import { hangUpIsIgnored } from '../util/stop-signals.js';

/** How a process ended that gave no answer. */
export interface Silence {
  readonly code: number | null;
  readonly signal: string | null;
  /** The end of what it wrote to stderr. */
  readonly complaint: string;
}

/** Starts the program at `file` and sends it `job`; `silent` makes an answer of none. */
export function askWorker<Answer>(
  file: URL,
  job: object,
  silent: (silence: Silence) => Answer,
): Promise<Answer> {
  const worker: ChildProcess = fork(file, {
    // Plain JSON would turn a number that is not finite into null.
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  return new Promise((resolve, reject) => {
    let complaint = '';
    let answer: Answer | null = null;
    worker.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-10_000);
    });
    worker.on('message', (message) => {
      answer = message as Answer;
    });
    worker.on('error', reject);
    worker.on('close', (code, signal) => {
      resolve(answer ?? silent({ code, signal, complaint }));
    });
    worker.send(job);
  });
}

/** The other side: answers the one job that is sent, which is of the kind it takes, and ends. */
export function answerJob(answer: (job: never) => Promise<object>): void {
  if (hangUpIsIgnored()) process.on('SIGHUP', () => undefined);
  // Who asked is gone.
  process.once('disconnect', () => process.exit());
  process.once('message', (job) => {
    void answer(job as never).then((result) => {
      process.send?.(result, () => {
        // TensorFlow's threads would keep the process alive.
        process.exit(0);
      });
    });
  });
}
