// The progress bar of a sweep: points done, and how long it has been going.
import type { SingleBar } from 'cli-progress';
import { createBar } from './bar.js';
import { duration } from './duration.js';

const REDRAW_MILLISECONDS = 1000;

export class SweepBar {
  readonly #bar: SingleBar;
  readonly #total: number;
  readonly #begun = performance.now();
  #done = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(stream: NodeJS.WritableStream, total: number) {
    this.#total = total;
    this.#bar = createBar(stream, 'points {value}/{total} [{bar}] {time}');
  }

  show(): void {
    this.#bar.start(this.#total, this.#done, this.#payload());
    this.#timer = setInterval(() => this.#bar.update(this.#payload()), REDRAW_MILLISECONDS);
  }

  /** Takes the bar off the terminal while a line is written. */
  above(write: () => void): void {
    this.hide();
    write();
    this.show();
  }

  pointDone(): void {
    this.#done++;
  }

  hide(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#bar.stop();
  }

  #payload(): { time: string } {
    return { time: duration((performance.now() - this.#begun) / 1000) };
  }
}
