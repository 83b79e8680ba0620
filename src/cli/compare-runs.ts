// What `fsam compare` prints of two runs: where their configurations differ, their numbers, their curves.
import { differences as differencesOf } from '../catalogue/identity.js';
import { readProgress, type Epoch, type Progressed } from '../report/runs.js';
import { textTable } from '../report/table.js';
import { decimals } from '../util/digits.js';
import { UserError } from '../util/errors.js';
import { drawChart, type Curve } from './chart.js';
import { print } from './output.js';

export async function compareRuns(first: string, second: string): Promise<void> {
  const runs = [await readProgress(first), await readProgress(second)] as const;
  for (const { folder, epochs } of runs) {
    if (epochs.length > 0) continue;
    throw new UserError(
      `${folder}: has no finished epoch yet, so that there is nothing to compare`,
    );
  }
  runs.forEach((run, i) => {
    print(`${i + 1}  ${run.folder}  (${describe(run)})`);
  });
  const differences = differencesOf(runs[0].config, runs[1].config);
  print(differences.length === 0 ? '\nsame configuration' : '\nconfiguration, 1 -> 2:');
  for (const line of differences) print(`  ${line}`);
  print('');
  for (const line of textTable(cells(runs[0], runs[1]))) print(line);
  chart('test accuracy (%)', runs, 'test_accuracy');
  chart('training loss', runs, 'train_loss');
}

const describe = ({ epochs, config }: Progressed): string =>
  epochs.length < config.epochs
    ? `${epochs.length} of ${config.epochs} epochs`
    : `${config.epochs} epochs`;

function cells(first: Progressed, second: Progressed): string[][] {
  const last = ({ epochs }: Progressed, column: keyof Epoch) => epochs.at(-1)?.[column] ?? null;
  const row = (name: string, column: keyof Epoch): string[] => {
    const [a, b] = [last(first, column), last(second, column)];
    const difference = a === null || b === null ? '' : signed(b - a);
    return [name, shown(a), shown(b), difference];
  };
  return [
    ['', '1', '2', '2 - 1'],
    row('test accuracy, last (%)', 'test_accuracy'),
    row('test accuracy, best (%)', 'best_test_accuracy'),
    ...(last(first, 'validation_accuracy') === null && last(second, 'validation_accuracy') === null
      ? []
      : [row('validation accuracy, last (%)', 'validation_accuracy')]),
    row('test loss, last', 'test_loss'),
    row('train accuracy, last (%)', 'train_accuracy'),
    row('train loss, last', 'train_loss'),
  ];
}

const shown = (value: number | null): string => (value === null ? '' : decimals(value, 3));
/** What floats add to a difference of numbers of seven digits is not shown. */
const signed = (value: number): string =>
  `${value < 0 ? '' : '+'}${decimals(Number(value.toFixed(9)), 3)}`;

function chart(title: string, runs: readonly Progressed[], column: keyof Epoch): void {
  const curves: Curve[] = runs.map(({ epochs }, i) => ({
    values: epochs.map((epoch) => epoch[column] ?? NaN),
    every: i === 0 ? 1 : 4,
  }));
  print(`\n${title}, epochs 1 to ${Math.max(...curves.map(({ values }) => values.length))}`);
  for (const line of drawChart(curves, shown)) print(line);
}
