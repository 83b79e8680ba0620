// Training on noisy labels: what is counted against which labels, and resuming.
import './support/without-onednn.js';
import { expect, test } from 'vitest';
import { withLabelNoise } from '../../src/data/label-noise.js';
import { createEngine } from '../../src/train/engine.js';
import { batchOf, tinyConfig, tinyDataset } from './support/engine.js';

const config = tinyConfig({ keys: { labelNoise: { rate: 0.6, exclusive: true } } });

test.each(['compiled', 'eager'] as const)(
  'right answers are counted against both labels, %s',
  async (mode) => {
    const clean = tinyDataset(config);
    const noisy = await withLabelNoise(clean, config);
    const start = (dataset: typeof clean) => createEngine(config, dataset, { mode });
    // The same first step on clean labels: its `correct` is what the noisy run's original labels give.
    const [onNoisy, onClean] = [start(noisy), start(clean)];
    const indices = batchOf(config, 0);
    const [a, b] = [onNoisy, onClean].map((engine) => engine.trainStep(0, indices, 0.05));
    expect(a?.originalCorrect).toBe(b?.correct);
    expect(b?.originalCorrect).toBeNaN();
    expect(a?.loss).not.toBe(b?.loss);
    onNoisy.dispose();
    onClean.dispose();
  },
);
