// How a download goes: a bar where stderr is a terminal, elsewhere a line for each tenth.
import type { FetchEvent } from '../data/fetch.js';
import { createBar, tenths } from './bar.js';
import { duration } from './duration.js';

const FORMAT = '{percentage} % [{bar}] {received} of {size} MB  {speed} MB/s  {left} left';

interface FetchProgress {
  readonly show: (event: FetchEvent) => void;
  /** Takes the bar off the terminal. */
  readonly close: () => void;
}

type Receiving = Extract<FetchEvent, { kind: 'receiving' }>;

export function createFetchProgress(
  stderr: NodeJS.WritableStream & { readonly isTTY?: boolean } = process.stderr,
): FetchProgress {
  const line = (text: string): void => {
    stderr.write(`${text}\n`);
  };
  const meter = stderr.isTTY === true ? barMeter(stderr) : lineMeter(line);
  let source: string | null = null;
  const show = (event: FetchEvent): void => {
    if (event.kind === 'receiving') {
      if (event.url !== source) {
        source = event.url;
        line(`receiving ${event.url}`);
      }
      meter.receive(event);
      return;
    }
    meter.close();
    source = null;
    line(describe(event));
  };
  return { show, close: meter.close };
}

function describe(event: Exclude<FetchEvent, Receiving>): string {
  switch (event.kind) {
    case 'failed':
      return `${event.url}: ${event.reason}`;
    case 'checking':
      return `checking ${event.path}`;
    case 'unpacking':
      return `unpacking ${event.path}`;
    default:
      return event satisfies never;
  }
}

interface Meter {
  receive(event: Receiving): void;
  readonly close: () => void;
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);

function lineMeter(line: (text: string) => void): Meter {
  const isAnotherTenth = tenths();
  return {
    receive: ({ received, total }) => {
      if (isAnotherTenth(received, total)) {
        line(`${megabytes(received)} of ${megabytes(total)} MB`);
      }
    },
    close: () => undefined,
  };
}

function barMeter(stream: NodeJS.WritableStream): Meter {
  const bar = createBar(stream, FORMAT);
  let first: { readonly received: number; readonly time: number } | null = null;
  return {
    receive: ({ received, total }) => {
      const start = (first ??= { received, time: performance.now() });
      const seconds = (performance.now() - start.time) / 1000;
      const speed = seconds > 0 ? (received - start.received) / seconds : 0;
      const payload = {
        received: megabytes(received),
        size: megabytes(total),
        speed: megabytes(speed),
        left: speed > 0 ? duration((total - received) / speed) : '?',
      };
      if (bar.isActive) bar.update(received, payload);
      else bar.start(total, received, payload);
    },
    close: () => {
      bar.stop();
      first = null;
    },
  };
}
