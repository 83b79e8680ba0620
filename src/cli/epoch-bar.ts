// The progress bar of an epoch: loss, accuracy, speed, and the time that the whole run still takes.
import type { SingleBar } from 'cli-progress';
import type { RunStart, StepProgress, Told } from '../experiment/reporter.js';
import type { TrainingRow } from '../catalogue/task.js';
import { createBar } from './bar.js';
import { duration } from './duration.js';
import { decimals } from '../util/digits.js';

const FORMAT =
  'epoch {epoch}/{epochs} [{bar}] {value}/{total}  {running}  {speed} {examples}/s  {left} left';
const BAR_WIDTH = 20;

export class EpochBar {
  readonly #bar: SingleBar;
  readonly #maxSteps: number;
  #epochs = 1;
  #examples = 'examples';
  /**
   * The first step of this process; it pays for warming up, so that time is counted from its end.
   */
  #first: { readonly step: number; readonly time: number } | null = null;
  #visible = false;

  constructor(stream: NodeJS.WritableStream, maxSteps: number | null) {
    this.#maxSteps = maxSteps ?? Infinity;
    this.#bar = createBar(stream, FORMAT, BAR_WIDTH);
  }

  begin({ epochs, examples }: RunStart): void {
    this.#epochs = epochs;
    this.#examples = examples;
  }

  step(progress: StepProgress): void {
    const { stepInEpoch, stepsPerEpoch } = progress;
    const payload = {
      epoch: progress.epoch,
      epochs: this.#epochs,
      examples: this.#examples,
      running: progress.running.map(inWords).join('  '),
      speed: decimals(progress.imagesPerSecond, 0),
      left: this.#timeLeft(progress),
    };
    if (this.#visible) {
      this.#bar.update(stepInEpoch, payload);
    } else {
      this.#bar.start(stepsPerEpoch, stepInEpoch, payload);
      this.#visible = true;
    }
  }

  hide(): void {
    if (this.#visible) this.#bar.stop();
    this.#visible = false;
  }

  #timeLeft({ epoch, stepInEpoch, stepsPerEpoch }: StepProgress): string {
    const step = (epoch - 1) * stepsPerEpoch + stepInEpoch;
    const now = performance.now();
    this.#first ??= { step, time: now };
    const stepsTimed = step - this.#first.step;
    if (stepsTimed === 0) return '?';
    const lastStep = Math.min(this.#epochs * stepsPerEpoch, this.#maxSteps);
    const secondsPerStep = (now - this.#first.time) / 1000 / stepsTimed;
    return duration((lastStep - step) * secondsPerStep);
  }
}

function inWords({ measure: { running = '', unit }, value }: Told<TrainingRow>): string {
  return unit === 'percent'
    ? `${running} ${value.toFixed(1)} %`
    : `${running} ${decimals(value, 3)}`;
}
