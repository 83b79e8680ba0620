// A process that is asked one thing and answers once: what loads TensorFlow for a command that
// stays light.
import { fork, type ChildProcess } from 'node:child_process';
import { hangUpIsIgnored } from '../util/stop-signals.js';
import { KEPT_COMPLAINT, killGroup, type Silence } from './program.js';

/**
 * Starts the program at `file` and sends it `job`; `silent` makes an answer of none. Where there is a
 * `stop`, that alone ends it early: signals of the terminal do not reach it.
 */
export function askWorker<Answer>(
  file: URL,
  job: object,
  silent: (silence: Silence) => Answer,
  stop?: AbortSignal,
): Promise<Answer> {
  const worker: ChildProcess = fork(file, {
    // Plain JSON would turn a number that is not finite into null.
    serialization: 'advanced',
    detached: stop !== undefined,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  return new Promise((resolve, reject) => {
    const kill = (): void => {
      killGroup(worker.pid);
    };
    stop?.addEventListener('abort', kill);
    let complaint = '';
    let answer: Answer | null = null;
    worker.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-KEPT_COMPLAINT);
    });
    worker.on('message', (message) => {
      answer = message as Answer;
    });
    worker.on('error', reject);
    worker.on('close', (code, signal) => {
      stop?.removeEventListener('abort', kill);
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
