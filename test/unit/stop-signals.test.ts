// What workers tell each other of signals, as sums of float32.
import { expect, test } from 'vitest';
import { signalCode, signalIn, STOP_SIGNALS } from '../../src/util/stop-signals.js';

const summed = (codes: readonly number[]): number =>
  codes.reduce((sum, code) => Math.fround(sum + code), 0);

test.each(STOP_SIGNALS)('%s of some of 63 workers is what all agree on', (signal) => {
  for (const got of [1, 2, 63]) {
    const codes = Array.from({ length: 63 }, (_, i) => signalCode(i < got ? signal : null));
    expect(signalIn(summed(codes))).toBe(signal);
  }
});

test('of two signals one is agreed on, of none none', () => {
  expect(signalIn(summed([signalCode('SIGTERM'), signalCode('SIGUSR1')]))).toBe('SIGUSR1');
  expect(signalIn(0)).toBeNull();
});
