// What `analyze hessian` tells beside eigenvalues, of a run that was trained, against other ways to come to it.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { objectiveOf, type Context, type Results } from '../../src/analysis/context.js';
import { analyseHessian } from '../../src/analysis/hessian.js';
import { openJournal } from '../../src/analysis/journal.js';
import { MATRICES, productOf } from '../../src/analysis/matrices.js';
import { openAnalysed, readAnalysed } from '../../src/analysis/opened.js';
import { divided, dot, norm } from '../../src/analysis/vectors.js';
import { loadDataset } from '../../src/data/load.js';
import { listCheckpoints, runFolder } from '../../src/experiment/folder.js';
import { required } from '../../src/util/errors.js';
import { configFrom } from '../support/configs.js';
import { temporaryFolder } from '../support/folders.js';
import { sitting } from './support/sitting.js';

/** An analysis over 16 images of a small run. */
async function trained(): Promise<Context> {
  const config = configFrom('smoke', 'epochs=1', 'model.width=1', 'data.synthetic.size=8');
  const folder = join(temporaryFolder(), 'run');
  expect(await sitting(config, folder, Infinity)).toBe('finished');
  const opened = await openAnalysed(config, await loadDataset(config.data, config.seed));
  const [checkpoint] = await listCheckpoints(runFolder(folder));
  return {
    opened,
    analysed: await readAnalysed(opened, required(checkpoint, 'a checkpoint')),
    options: { split: 'train', samples: 16, batch: 16, seed: 1, batchNorm: 'evaluation' },
    journal: await openJournal(join(temporaryFolder(), 'work.partial'), 'a question'),
    signal: new AbortController().signal,
    progress: () => undefined,
  };
}

const OPTIONS = { top: 1, bottom: 1, steps: 60, tolerance: 1e-4, probes: 2 };

/** Of the whole sample. */
const valueIn = ({ rows }: Results, matrix: string, quantity: string, name: string): number => {
  const row = rows.find(
    (one) => one['matrix'] === matrix && one['quantity'] === quantity && one['name'] === name,
  );
  return Number(required(row, `${matrix} ${quantity} ${name}`)['value']);
};

test('the cosine of the gradient and the eigenvector, which many products of a vector come to', async () => {
  const context = await trained();
  const results = await analyseHessian(context, OPTIONS);
  const objective = objectiveOf(context, ['loss', 'gradient', 'hessian', 'gaussNewton']);
  const { gradient } = await objective.lossAndGradient(objective.weights);
  for (const matrix of MATRICES) {
    const product = productOf(objective, matrix);
    // Of the largest eigenvalues by size, which these are.
    let x = divided(gradient, norm(gradient));
    let value = 0;
    for (let i = 0; i < 200; i++) {
      const along = await product(x);
      value = dot(x, along);
      x = divided(along, norm(along));
    }
    const top = valueIn(results, matrix, 'eigenvalue', 'top 1');
    expect(value / top).toBeCloseTo(1, 4);
    const cosine = Math.abs(dot(x, gradient)) / norm(gradient);
    expect(cosine).toBeGreaterThan(0.01);
    expect(valueIn(results, matrix, 'cosine with the gradient', 'top 1')).toBeCloseTo(cosine, 3);
  }
  objective.dispose();
});
