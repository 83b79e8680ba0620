// The rows of metrics.csv against numbers computed by hand.
import { describe, expect, it } from 'vitest';
import {
  epochNumbers,
  formatMetrics,
  metricsColumns,
  metricsTable,
} from '../../src/experiment/metrics.js';
import { addStep, epochSumsSchema, NO_SUMS, type EpochSums } from '../../src/experiment/sums.js';
import { isTraining } from '../../src/session/measure.js';
import { measuresOf } from '../support/measures.js';

const position = { epoch: 1, step: 2, learningRate: 0.05 };
const config = { data: { name: 'synthetic', validation: null } } as const;
const measures = measuresOf();
const always = measuresOf({ climb: false, labelNoise: false });
const test = { examples: 8, numbers: { test_loss: 1 / 3, test_accuracy: 75 } };

describe('the rows of metrics.csv', () => {
  const steps = [
    {
      examples: 6,
      numbers: {
        train_loss: 1,
        train_accuracy: 3,
        train_accuracy_clean: 4,
        perturbed_loss: 2,
        perturbed_accuracy: 0,
        gradient_norm: 1,
        perturbation_cosine: 0.5,
      },
    },
    {
      examples: 2,
      numbers: {
        train_loss: 5,
        train_accuracy: 0,
        train_accuracy_clean: 1,
        perturbed_loss: 6,
        perturbed_accuracy: 2,
        gradient_norm: 2,
        perturbation_cosine: 1,
      },
    },
  ];
  const sums = steps.reduce<EpochSums>(
    (sum, step) => addStep(sum, step, measures.filter(isTraining)),
    NO_SUMS,
  );

  it('weigh losses and accuracies by images, norms and cosines by steps', () => {
    const before = { chosenBy: 80, test: 80 };
    expect(epochNumbers(config, position, sums, measures, { test }, before)).toEqual({
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

  it('go on from the sums of a checkpoint of an older version', () => {
    const older = {
      images: 8,
      steps: 2,
      loss: 16,
      correct: 3,
      originalCorrect: 5,
      perturbedLoss: 24,
      perturbedCorrect: 2,
      gradientNorm: 3,
      perturbationCosine: 1.5,
    };
    expect(epochSumsSchema.parse(older)).toEqual(sums);
  });

  it('leave empty what the steps of an older version did not measure, in their epoch', () => {
    const { train_loss, train_accuracy } = sums.totals;
    const totals = { train_loss: train_loss!, train_accuracy: train_accuracy! };
    const rows = measures.filter(isTraining);
    const on = addStep({ ...sums, totals }, steps[0]!, rows);
    expect(on.totals).not.toHaveProperty('gradient_norm');
    const before = { chosenBy: 80, test: 80 };
    const numbers = epochNumbers(config, position, on, measures, { test }, before);
    expect(numbers['gradient_norm']).toBeNull();
    expect(numbers['train_loss']).toBe(22 / 14);
    expect(addStep(NO_SUMS, steps[0]!, rows).totals).toHaveProperty('gradient_norm', 1);
  });

  it('of a run with a validation set are refused without it', () => {
    const validated = { data: { ...config.data, validation: 8 } };
    expect(metricsTable(validated).needed).toContain('validation_accuracy');
    expect(metricsTable(config).needed).not.toContain('validation_accuracy');
  });

  it('leave empty what an optimizer with one pass does not have', () => {
    const numbers = { train_loss: 1, train_accuracy: 1, gradient_norm: 1 };
    const one = addStep(NO_SUMS, { examples: 4, numbers }, always.filter(isTraining));
    const first = { chosenBy: null, test: 0 };
    const row = formatMetrics(config, epochNumbers(config, position, one, always, { test }, first));
    expect(Object.keys(row)).toEqual(metricsColumns(config));
    expect(Object.values(row).join(',')).toBe(
      '1,2,0.05000000,1.000000,25.000,,,,0.3333333,75.000,75.000,1.000000,',
    );
  });
});
