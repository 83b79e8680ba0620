// What a run shows: a line an epoch on stdout, notes on stderr, a progress bar where stderr is a
// terminal.
import type { WriteStream } from 'node:tty';
import type { Best, MeasureRow } from '../catalogue/task.js';
import type { EpochEnd, Reporter, RunEnd, RunStart, Told } from '../experiment/reporter.js';
import { shown } from '../report/judged.js';
import { counted } from '../util/counted.js';
import { EpochBar } from './epoch-bar.js';
import { createRecordProgress } from './record-progress.js';
import { duration } from './duration.js';
import { decimals } from '../util/digits.js';

export interface RunReporter extends Reporter {
  /** Takes the bar off the terminal, so that an error gets a line of its own. */
  close(): void;
}

interface ReporterOptions {
  readonly quiet: boolean;
  /** Of the configuration. */
  readonly maxSteps: number | null;
}

type Output = Pick<WriteStream, 'write'>;
type Terminal = NodeJS.WritableStream & { readonly isTTY?: boolean };

const nothing = (): void => undefined;
const SILENT: RunReporter = {
  indexing: nothing,
  start: nothing,
  step: nothing,
  epoch: nothing,
  note: nothing,
  end: nothing,
  close: nothing,
};

/**
 * Both streams may be the same terminal: the bar leaves it before a line is written, and comes back
 * with the next step.
 */
export function createReporter(
  { quiet, maxSteps }: ReporterOptions,
  stdout: Output = process.stdout,
  stderr: Terminal = process.stderr,
): RunReporter {
  if (quiet) return SILENT;
  const bar = stderr.isTTY === true ? new EpochBar(stderr, maxSteps) : null;
  const indexing = createRecordProgress(stderr);
  const line = (stream: Output, text: string): void => {
    indexing.close();
    bar?.hide();
    stream.write(`${text}\n`);
  };
  let [epochs, examples] = [1, 'examples'];
  return {
    indexing: indexing.index,
    start: (run) => {
      ({ epochs, examples } = run);
      line(stderr, startLine(run));
      bar?.begin(run);
    },
    step: (progress) => {
      bar?.step(progress);
    },
    epoch: (epoch) => {
      line(stdout, epochLine(epoch, epochs, examples));
    },
    note: (text) => {
      line(stderr, text);
    },
    end: (run) => {
      for (const text of endLines(run)) line(stdout, text);
    },
    close: () => {
      indexing.close();
      bar?.hide();
    },
  };
}

function startLine(run: RunStart): string {
  const { folder, parameters, device, epochs, stepsPerEpoch, stepsDone, preparationSeconds } = run;
  const done = stepsDone > 0 ? `, ${stepsDone} steps done before` : '';
  return (
    `${folder}: ${parameters.toLocaleString('en')} parameters on ${device}, ${counted(epochs, 'epoch')} of ` +
    `${counted(stepsPerEpoch, 'step')}${done}; ready after ${duration(preparationSeconds)}`
  );
}

function epochLine(end: EpochEnd, epochs: number, examples: string): string {
  const { epoch, learningRate, measured, best, seconds, imagesPerSecond } = end;
  const total = String(epochs);
  return [
    `epoch ${String(epoch).padStart(total.length)}/${total}`,
    `lr ${decimals(learningRate, 5)}`,
    ...inGroups(measured),
    `best ${told(best)}`,
    duration(seconds),
    `${decimals(imagesPerSecond, 0)} ${examples}/s`,
  ].join('  ');
}

/** `train 0.1234 95.00 %`: what was measured, by where. */
function inGroups(measured: readonly Told[]): string[] {
  const groups = new Map<string, string[]>();
  for (const one of measured) {
    const [group = ''] = one.measure.tag.split('/');
    groups.set(group, [...(groups.get(group) ?? []), told(one)]);
  }
  return [...groups].map(([group, numbers]) => `${group} ${numbers.join(' ')}`);
}

/** Percentages take the same room, but for 100 %. */
const told = ({ measure, value }: Told): string =>
  withSign(value, measure).padStart(measure.unit === 'percent' ? ' 9.99 %'.length : 0);

/** In its unit: `81.19 %`. */
export const withSign = (value: number, { unit }: Pick<MeasureRow, 'unit'>): string =>
  `${shown(value, unit)}${unit === 'percent' ? ' %' : ''}`;

/** Who chose the best epoch. */
export const bySet = ({ by }: Best): string =>
  by.split === 'validation' ? 'by the validation set' : 'by the test set itself';

function endLines(run: RunEnd): string[] {
  const { folder, judged, totalSeconds } = run;
  const measure = judged.test;
  const [last, best] = [run.last, run.best].map((value) => told({ measure, value }));
  const chosen = `after epoch ${run.bestEpoch}, the best ${bySet(judged)}`;
  return [
    `${measure.name} ${last} after the last epoch, ${best} ${chosen}; ${duration(totalSeconds)} of training`,
    `run folder ${folder}`,
  ];
}
