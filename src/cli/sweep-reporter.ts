// What a sweep shows: how far its points are and a line for each that ends on stdout, remarks on stderr, a progress bar
// where stderr is a terminal.
import type { ExpectedTime, KeptThreads } from '../sweep/outlook.js';
import { isValid, type Point } from '../sweep/points.js';
import type { QueuedPoint } from '../sweep/queue.js';
import type { PointEnd, PointResult, Standings, SweepReporter } from '../sweep/reporter.js';
import type { PointState } from '../sweep/state.js';
import { counted } from '../util/counted.js';
import { duration } from './duration.js';
import { print, tell } from './output.js';
import { withSign } from './reporter.js';
import { SweepBar } from './sweep-bar.js';

const nothing = (): void => undefined;

/** Both streams may be the same terminal: the bar leaves it while a line is written. */
export function createSweepReporter(quiet: boolean): SweepReporter {
  let bar: SweepBar | null = null;
  const line = (write: () => void): void => (bar === null ? write() : bar.above(write));
  const loud: SweepReporter = {
    note: tell,
    queueUnknown: (reason) => tell(`the queue is not known: ${reason}`),
    standings: (standings) => standingLines(standings).forEach(print),
    keptThreads: (threads, kept) => print(keptThreadsLine(threads, kept)),
    expectedTime: (time) => print(expectedTimeLine(time)),

    begin: (points) => {
      if (!process.stderr.isTTY) return;
      bar = new SweepBar(process.stderr, points);
      bar.show();
    },
    stopping: (signal) => {
      const note =
        'every running point finishes its step and saves; a second Ctrl-C leaves at once';
      line(() => tell(`${signal}: ${note}`));
    },
    pointEnd: (end) => {
      bar?.pointDone();
      line(() => print(pointLine(end)));
    },
    end: () => {
      bar?.hide();
      bar = null;
    },

    script: (text) => print(`\n${text}`),
    nothingToSubmit: () => print('nothing to submit: every point is done, invalid or in the queue'),
    arraySubmitted: ({ array, tasks, logs }) =>
      print(`submitted array ${array}: ${counted(tasks, 'task')}; logs in ${logs}`),
    allSubmitted: () => print('fsam sweep --status with the same file tells how far they are'),
  };
  const silent = { standings: nothing, begin: nothing, pointEnd: nothing };
  return quiet ? { ...loud, ...silent } : loud;
}

/** The sums, then one line a point. */
function standingLines({ name, folder, standings, queued }: Standings): string[] {
  const width = Math.max(...standings.map(({ point }) => point.name.length));
  const counts = new Map<string, number>();
  for (const { state } of standings) counts.set(state.kind, (counts.get(state.kind) ?? 0) + 1);
  const sums = [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ');
  return [
    `sweep ${name}: ${counted(standings.length, 'point')} in ${folder}: ${sums}`,
    ...standings.map(
      ({ point, state }) =>
        `${String(point.number).padStart(5)}  ${point.name.padEnd(width)}  ${describe(point, state)}${inQueue(queued.get(point.name))}`,
    ),
  ];
}

function describe(point: Point, state: PointState): string {
  const epochs = isValid(point) ? point.config.epochs : 0;
  switch (state.kind) {
    case 'new':
    case 'done':
      return state.kind;
    case 'unfinished':
    case 'running':
      return `${state.kind}, ${state.epochs} of ${epochs} epochs done`;
    case 'failed':
    case 'invalid':
      return `${state.kind}: ${state.reason.split('\n').join('; ')}`;
    default:
      return state satisfies never;
  }
}

function inQueue(queued: QueuedPoint | undefined): string {
  if (queued === undefined) return '';
  const { array, number, state, reason } = queued;
  return `, Slurm task ${array}_${number}: ${state}${state === 'PENDING' ? ` (${reason})` : ''}`;
}

function keptThreadsLine(threads: number, kept: readonly KeptThreads[]): string {
  const names = kept.map((point) => `${point.name} ${point.threads}`).join(', ');
  return `${threads} threads a point; those that go on keep what they began with: ${names}`;
}

function expectedTimeLine(time: ExpectedTime): string {
  if ('problem' in time) return `expected time: not known (${time.problem})`;
  const { seconds, points, jobs } = time;
  return `expected time: about ${duration(seconds)} for ${counted(points, 'point')}, ${jobs} at a time`;
}

const pointLine = ({ name, result, seconds, ended, of }: PointEnd): string =>
  `[${ended}/${of}] ${name}  ${describeResult(result)}  ${duration(seconds)}`;

function describeResult(result: PointResult): string {
  switch (result.kind) {
    case 'interrupted':
      return `interrupted by ${result.signal}`;
    case 'failed':
      return `failed: ${result.reason}`;
    case 'done': {
      const { measure, last, best } = result;
      return `${measure.name} ${withSign(last, measure)}, best ${withSign(best, measure)}`;
    }
    default:
      return result satisfies never;
  }
}
