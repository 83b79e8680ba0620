// The lines of a run, and its progress bar on a terminal.
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createReporter } from '../../src/cli/reporter.js';
import type { Reporter } from '../../src/experiment/reporter.js';
import { bestOf, columnsOf } from '../../src/catalogue/task.js';

const config = { data: { name: 'cifar100', validation: null } } as const;
const judged = bestOf(config);

/** What the console shows of these numbers. */
const told = (numbers: Readonly<Record<string, number>>) =>
  columnsOf(config).measures.flatMap((measure) => {
    const value = numbers[measure.column];
    return measure.console && value !== undefined ? [{ measure, value }] : [];
  });
const NUMBERS = {
  train_loss: 4.06244,
  train_accuracy: 9.312,
  test_loss: 3.72149,
  test_accuracy: 11.614,
};
const CLIMB = { perturbed_loss: 4.2, perturbed_accuracy: 8.5 };
const EPOCH = {
  epoch: 1,
  learningRate: 0.0346,
  measured: told({ ...NUMBERS, ...CLIMB }),
  best: { measure: judged.test, value: 12 },
  seconds: 13.21,
  imagesPerSecond: 3790.4,
};
const RUN = {
  folder: 'results/x',
  parameters: 11_220_132,
  device: 'CPU',
  epochs: 20,
  stepsPerEpoch: 4,
  stepsDone: 0,
  preparationSeconds: 2.06,
  examples: 'windows',
};
const running = told(NUMBERS).flatMap(({ measure, value }) =>
  !('split' in measure) ? [{ measure, value }] : [],
);
const STEP = { epoch: 1, stepsPerEpoch: 4, running, imagesPerSecond: 262.4 };
const END = {
  folder: 'results/x',
  judged,
  last: 81.19,
  best: 81.38,
  bestEpoch: 17,
  totalSeconds: 12_000,
} as const;

function stream(isTTY: boolean) {
  const output = Object.assign(new PassThrough(), { isTTY });
  return { output, text: () => String(output.read() ?? '') };
}

function play(reporter: Reporter): void {
  reporter.start(RUN);
  reporter.step({ ...STEP, stepInEpoch: 1 });
  reporter.step({ ...STEP, stepInEpoch: 2 });
  reporter.note('a remark');
  reporter.epoch(EPOCH);
  reporter.end(END);
}

const EPOCH_LINE =
  'epoch  1/20  lr 0.03460  train 4.0624  9.31 %  perturbed 4.2000  8.50 %  ' +
  'test 3.7215 11.61 %  best 12.00 %  13 s  3790 windows/s';

describe('away from a terminal', () => {
  it('puts results on stdout and all else on stderr, in plain lines', () => {
    const [stdout, stderr] = [stream(false), stream(false)];
    play(createReporter({ quiet: false, maxSteps: null }, stdout.output, stderr.output));
    expect(stdout.text().split('\n')).toEqual([
      EPOCH_LINE,
      'test accuracy 81.19 % after the last epoch, 81.38 % after epoch 17, the best by the test set itself; 3 h 20 min of training',
      'run folder results/x',
      '',
    ]);
    expect(stderr.text().split('\n')).toEqual([
      'results/x: 11,220,132 parameters on CPU, 20 epochs of 4 steps; ready after 2.1 s',
      'a remark',
      '',
    ]);
  });

  it('leaves out what an optimizer with one pass does not have', () => {
    const [stdout, stderr] = [stream(false), stream(false)];
    const reporter = createReporter({ quiet: false, maxSteps: null }, stdout.output, stderr.output);
    reporter.epoch({ ...EPOCH, measured: told(NUMBERS) });
    expect(stdout.text()).not.toContain('perturbed');
  });

  it('says nothing when it is to be quiet', () => {
    const [stdout, stderr] = [stream(false), stream(true)];
    play(createReporter({ quiet: true, maxSteps: null }, stdout.output, stderr.output));
    expect(stdout.text() + stderr.text()).toBe('');
  });
});

describe('on a terminal', () => {
  it('shows loss, accuracy, speed and the time left, and clears the bar before each line', () => {
    const terminal = stream(true);
    const reporter = createReporter(
      { quiet: false, maxSteps: null },
      terminal.output,
      terminal.output,
    );
    play(reporter);
    const text = terminal.text();
    expect(text).toContain(
      'epoch 1/20 [=====               ] 1/4  loss 4.062  accuracy 9.3 %  262 windows/s',
    );
    // Clears the line from its first column on, then writes.
    const clear = '\u001b[1G\u001b[2K';
    expect(text).toContain(`${clear}a remark\n${EPOCH_LINE}\n`);
  });

  it('counts the time left to the end of the run, which --max-steps may bring nearer', async () => {
    const terminal = stream(true);
    const reporter = createReporter(
      { quiet: false, maxSteps: 2 },
      terminal.output,
      terminal.output,
    );
    reporter.start(RUN);
    reporter.step({ ...STEP, stepInEpoch: 1 });
    expect(terminal.text()).toContain('? left');
    await sleep(20);
    reporter.step({ ...STEP, stepInEpoch: 2 });
    reporter.close();
    expect(terminal.text()).toContain('2/4  loss 4.062  accuracy 9.3 %  262 windows/s  0.0 s left');
  });
});
