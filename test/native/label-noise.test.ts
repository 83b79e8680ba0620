// Training on noisy labels: what is counted against which labels, and resuming.
import { batchAt } from '../../src/data/image-source.js';
import './support/without-onednn.js';
import { expect, test } from 'vitest';
import { withLabelNoise } from '../../src/data/label-noise.js';
import { createEngine } from '../../src/tasks/engine.js';
import { batchOf, tinyConfig, tinyDataset } from './support/engine.js';

const config = tinyConfig({ keys: { labelNoise: { rate: 0.6, exclusive: true } } });

test.each(['compiled', 'eager'] as const)(
  'right answers are counted against both labels, %s',
  async (mode) => {
    const clean = tinyDataset(config);
    const noisy = await withLabelNoise(clean, config);
    const start = (dataset: typeof clean) => createEngine(config, dataset, { mode });
    // The same first step on clean labels: its right answers are what the noisy run's original labels give.
    const [onNoisy, onClean] = [start(noisy), start(clean)];
    const indices = batchOf(config, 0);
    const [a, b] = [onNoisy, onClean].map(
      (engine) => engine.trainStep(0, batchAt(indices), 0.05).numbers,
    );
    expect(a?.['train_accuracy_clean']).toBe(b?.['train_accuracy']);
    expect(b).not.toHaveProperty('train_accuracy_clean');
    expect(a?.['train_loss']).not.toBe(b?.['train_loss']);
    onNoisy.dispose();
    onClean.dispose();
  },
);
