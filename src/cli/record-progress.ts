// How work on many records goes: a bar where stderr is a terminal, elsewhere a line for each tenth.
import type { IndexEvent } from '../data/records/build-index.js';
import { createBar, tenths } from './bar.js';

/** An index that takes less is made without a word. */
const SHORT_MILLISECONDS = 2000;

interface RecordProgress {
  /** `doing`: what is done, as `indexing`; another one begins anew. */
  readonly show: (doing: string, done: number, total: number) => void;
  readonly index: (event: IndexEvent) => void;
  /** Takes the bar off the terminal. */
  readonly close: () => void;
}

export function createRecordProgress(
  stderr: NodeJS.WritableStream & { readonly isTTY?: boolean } = process.stderr,
): RecordProgress {
  const line = (text: string): void => {
    stderr.write(`${text}\n`);
  };
  const bar = createBar(stderr, '{doing} {percentage} % [{bar}] {value} of {total}');
  let current = '';
  let isAnotherTenth = tenths();
  const close = (): void => bar.stop();
  const show = (doing: string, done: number, total: number): void => {
    if (doing !== current) {
      close();
      [current, isAnotherTenth] = [doing, tenths()];
    }
    if (stderr.isTTY === true) {
      if (bar.isActive) bar.update(done, { doing });
      else bar.start(total, done, { doing });
      return;
    }
    if (isAnotherTenth(done, total)) line(`${doing}: ${done} of ${total}`);
  };
  let begun: number | null = null;
  const index = (event: IndexEvent): void => {
    switch (event.kind) {
      case 'scanning':
        begun ??= performance.now();
        if (performance.now() - begun < SHORT_MILLISECONDS) return;
        show('indexing, parts', event.partsDone, event.parts);
        return;
      case 'waiting':
        close();
        line(`index: ${event.reason}`);
        return;
      case 'renewing':
        close();
        line(`index: is made anew, for ${event.reason}`);
        return;
      default:
        event satisfies never;
    }
  };
  return { show, index, close };
}
