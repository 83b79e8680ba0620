// The rows of metrics.csv against numbers computed by hand.
import { describe, expect, it } from 'vitest';
import {
  addStep,
  formatMetrics,
  METRICS_COLUMNS,
  metricsRow,
  NO_SUMS,
  type EpochSums,
} from '../../src/experiment/metrics.js';

const position = { epoch: 1, step: 2, learningRate: 0.05 };
const measured = { twoPasses: true, labelNoise: true };
const test = { images: 8, loss: 1 / 3, correct: 6 };
const before = { chosenBy: 80, testAccuracy: 80 };

describe('the rows of metrics.csv', () => {
  it('weigh losses and accuracies by images, norms and cosines by steps', () => {
    const first = {
      images: 6,
      loss: 1,
      correct: 3,
      originalCorrect: 4,
      perturbedLoss: 2,
      perturbedCorrect: 0,
    };
    const last = {
      images: 2,
      loss: 5,
      correct: 0,
      originalCorrect: 1,
      perturbedLoss: 6,
      perturbedCorrect: 2,
    };
    const steps = [
      { ...first, gradientNorm: 1, perturbationCosine: 0.5 },
      { ...last, gradientNorm: 2, perturbationCosine: 1 },
    ];
    const sums = steps.reduce<EpochSums>((sum, step) => addStep(sum, step, measured), NO_SUMS);
    expect(metricsRow(position, sums, measured, { test }, before)).toEqual({
      epoch: 1,
      step: 2,
      learning_rate: 0.05,
      train_loss: 2, // (6 * 1 + 2 * 5) / 8
      train_accuracy: 37.5,
      train_accuracy_clean: 62.5, // 5 of 8
      perturbed_loss: 3,
      perturbed_accuracy: 25,
      test_loss: 1 / 3,
      test_accuracy: 75,
      best_test_accuracy: 80,
      gradient_norm: 1.5,
      perturbation_cosine: 0.75,
    });
  });

  it('leave empty what an optimizer with one pass does not have', () => {
    const first = { chosenBy: null, testAccuracy: 0 };
    const step = { images: 4, loss: 1, correct: 1, originalCorrect: NaN, gradientNorm: 1 };
    const none = { perturbedLoss: NaN, perturbedCorrect: NaN, perturbationCosine: NaN };
    const sums = addStep(NO_SUMS, { ...step, ...none }, { twoPasses: false, labelNoise: false });
    const fields = formatMetrics(
      metricsRow(position, sums, { twoPasses: false, labelNoise: false }, { test }, first),
    );
    expect(METRICS_COLUMNS.map((column) => fields[column]).join(',')).toBe(
      '1,2,0.05000000,1.000000,25.000,,,,0.3333333,75.000,75.000,1.000000,',
    );
  });
});
