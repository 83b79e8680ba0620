// Threads that each do one task after the other, so that slow disks are asked for several at once, cores
// share what there is to compute, and signals are heeded meanwhile.
import { parentPort, Worker } from 'node:worker_threads';
import { InternalError, required, RunError, UserError } from '../../util/errors.js';
import { messageOf } from '../../util/file-errors.js';

export interface Crew<Task, Result> {
  /** Threads, and so tasks at a time. */
  readonly size: number;
  /**
   * Does a task when a thread is free: those that are asked for first come first.
   *
   * Errors: UserError and RunError as in the thread; RunError where it has ended.
   */
  readonly run: (task: Task) => Promise<Result>;
  /**
   * Ends the threads and waits for none: one may be reading from a disk that does not answer. What runs
   * comes to nothing.
   */
  readonly close: () => void;
}

/** What a thread does. @param tell of so many records more of the task under way */
export type Work<Task, Result> = (task: Task, tell: (count: number) => void) => Result;

type Message<Result> =
  | { readonly kind: 'records'; readonly count: number }
  | { readonly kind: 'done'; readonly result: Result }
  | { readonly kind: 'failed'; readonly message: string; readonly user: boolean };

interface Asked<Task, Result> {
  readonly task: Task;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: Error) => void;
}

/**
 * @param script of the threads, which calls `serve`
 * @param onRecords told as the threads get on
 */
export function startCrew<Task, Result>(
  script: URL,
  size: number,
  onRecords: (count: number) => void = () => undefined,
): Crew<Task, Result> {
  const queue: Asked<Task, Result>[] = [];
  const idle: Worker[] = [];
  const busy = new Map<Worker, Asked<Task, Result>>();
  let ended: Error | null = null;

  const handOut = (): void => {
    while (queue.length > 0 && idle.length > 0) {
      const [asked, thread] = [required(queue.shift(), 'a task'), required(idle.shift(), 'one')];
      busy.set(thread, asked);
      thread.postMessage(asked.task);
    }
  };
  const fail = (error: Error): void => {
    if (ended !== null) return;
    ended = error;
    for (const { reject } of [...busy.values(), ...queue]) reject(error);
  };
  const hear = (thread: Worker, message: Message<Result>): void => {
    if (ended !== null) return;
    if (message.kind === 'records') {
      onRecords(message.count);
      return;
    }
    const { resolve, reject } = required(busy.get(thread), 'the task');
    busy.delete(thread);
    idle.push(thread);
    if (message.kind === 'done') resolve(message.result);
    else reject(new (message.user ? UserError : RunError)(message.message));
    handOut();
  };

  const threads = Array.from({ length: size }, () => {
    const thread = new Worker(script);
    thread.on('message', (message: Message<Result>) => hear(thread, message));
    thread.on('error', (error) => fail(new RunError(`reading the data: ${messageOf(error)}`)));
    thread.on('exit', () => fail(new RunError('a thread that read the data has ended')));
    return thread;
  });
  idle.push(...threads);
  return {
    size,
    run: (task) =>
      new Promise((resolve, reject) => {
        if (ended !== null) {
          reject(ended);
          return;
        }
        queue.push({ task, resolve, reject });
        handOut();
      }),
    close: () => {
      ended ??= new InternalError('the threads are closed');
      for (const thread of threads) void thread.terminate();
    },
  };
}

/** Does the tasks of a crew, in its thread. */
export function serve(work: Work<never, unknown>): void {
  const port = required(parentPort, 'the port of a thread');
  const post = (message: Message<unknown>): void => port.postMessage(message);
  const tell = (count: number): void => post({ kind: 'records', count });
  port.on('message', (task: unknown) => {
    try {
      post({ kind: 'done', result: work(task as never, tell) });
    } catch (error) {
      post({ kind: 'failed', message: messageOf(error), user: error instanceof UserError });
    }
  });
}
