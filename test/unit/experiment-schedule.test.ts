// Learning rates against the authors' runs and numbers computed by hand.
import { describe, expect, it } from 'vitest';
import { scheduleSchema } from '../../src/catalogue/schema.js';
import { createSchedule } from '../../src/optim/schedule.js';

function rates(config: Record<string, unknown>, epochs: number, stepsPerEpoch: number): number[] {
  const schedule = createSchedule(scheduleSchema.parse(config), { epochs, stepsPerEpoch });
  return Array.from({ length: epochs * stepsPerEpoch }, (_, step) => schedule(step));
}

describe('createSchedule', () => {
  it("cosine gives the rates of the authors' optimizer runs, ten steps from 0.05", () => {
    // The `lr` of each step as their PyTorch code had it.
    const authors = [
      0.05, 0.048776412907378844, 0.04522542485937369, 0.03969463130731183, 0.032725424859373686,
      0.025, 0.017274575140626316, 0.010305368692688175, 0.004774575140626317,
      0.0012235870926211618,
    ];
    const ours = rates({ name: 'cosine', learningRate: 0.05 }, 2, 5);
    for (const [step, rate] of authors.entries()) expect(ours[step]).toBeCloseTo(rate, 15);
  });

  it('cosine goes over the steps after the warm-up, whose first step is above 0', () => {
    const ours = rates({ name: 'cosine', learningRate: 4, warmupEpochs: 1.5 }, 3, 2);
    // W = 3: 1/4, 2/4, 3/4 of 4; then 4 (1 + cos(pi k / 3)) / 2.
    for (const [step, rate] of [1, 2, 3, 4, 3, 1].entries()) {
      expect(ours[step]).toBeCloseTo(rate, 12);
    }
  });

  it('a warm-up that rounds up to the whole run leaves its last step', () => {
    // W = min(round(0.5), 1 - 1) = 0, and min(round(1.6), 2 - 1) = 1.
    expect(rates({ name: 'cosine', learningRate: 4, warmupEpochs: 0.5 }, 1, 1)).toEqual([4]);
    expect(rates({ name: 'cosine', learningRate: 4, warmupEpochs: 0.8 }, 1, 2)).toEqual([2, 4]);
  });

  it("cosine to a floor after a warm-up gives nanoGPT's rates, as in test/golden/gpt.json", () => {
    // get_lr with two steps of warm-up, decay to 1e-4 at step 6.
    const theirs = [0.000333333333333, 0.000666666666667, 0.001, 0.000868198051534];
    const keys = { name: 'cosine', learningRate: 1e-3, warmupEpochs: 1, floor: 0.1 };
    const ours = rates(keys, 3, 2);
    for (const [step, rate] of theirs.entries()) expect(ours[step]).toBeCloseTo(rate, 14);
  });

  it('step multiplies at the milestones, epochs counted from 0', () => {
    const ours = rates(
      { name: 'step', learningRate: 1, milestones: [1, 3], factor: 0.5, warmupEpochs: 0.5 },
      4,
      2,
    );
    // One step of warm-up: 1/2.
    expect(ours).toEqual([0.5, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25]);
  });

  it('inverse-sqrt falls with the root of the steps after the warm-up', () => {
    const ours = rates({ name: 'inverse-sqrt', learningRate: 6, warmupEpochs: 1 }, 5, 2);
    expect(ours.slice(0, 3)).toEqual([2, 4, 6]);
    expect(ours[5]).toBe(3);
    expect(rates({ name: 'inverse-sqrt', learningRate: 1 }, 9, 1)[8]).toBeCloseTo(1 / 3, 12);
  });

  it('constant stays', () => {
    expect(rates({ name: 'constant', learningRate: 0.1 }, 1, 3)).toEqual([0.1, 0.1, 0.1]);
  });
});
