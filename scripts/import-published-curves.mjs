// Writes results/reference/published/ from the table of the authors' logs: node
// scripts/import-published-curves.mjs OFFICIAL_LOGS.csv. Run once; kept to show how it was done.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const compiled = new URL('../dist/experiment/metrics.js', import.meta.url).href;
const { metricsColumns } = /** @type {typeof import('../src/experiment/metrics.js')} */ (
  await import(compiled)
);

/** Nothing was held out for validation. */
const COLUMNS = metricsColumns({ data: { name: 'cifar100', validation: null } });
/** Steps of an epoch: 50,000 images in batches of 128. */
const STEPS = 391;
const RUNS = {
  'sam-rho0.2': 'sam',
  'fsam-rho0.2-sigma1-lambda0.6': 'fsam_l0.6',
  'fsam-rho0.2-sigma1-lambda0.95': 'fsam_l0.95',
};

const [source] = process.argv.slice(2);
if (source === undefined) throw new Error('wanted the path of the table of logs');
const [header = [], ...rows] = readFileSync(source, 'utf8')
  .trim()
  .split('\n')
  .map((line) => line.split(','));
const folder = fileURLToPath(
  new URL('../results/reference/published/cifar100-resnet18/', import.meta.url),
);
for (const [run, column] of Object.entries(RUNS)) {
  let best = 0;
  const lines = rows.map((row) => {
    /** @param {string} name */
    const value = (name) => row[header.indexOf(name)] ?? '';
    const accuracy = value(`${column}_test_acc`);
    best = Math.max(best, Number(accuracy));
    /** @type {Record<string, string | number>} */
    const known = {
      epoch: value('epoch'),
      step: Number(value('epoch')) * STEPS,
      train_loss: value(`${column}_train_loss`),
      test_accuracy: accuracy,
      best_test_accuracy: best,
    };
    return COLUMNS.map((name) => known[name] ?? '').join(',');
  });
  mkdirSync(`${folder}${run}/seed-1`, { recursive: true });
  const text = [COLUMNS.join(','), ...lines, ''].join('\n');
  writeFileSync(`${folder}${run}/seed-1/metrics.csv`, text);
}
