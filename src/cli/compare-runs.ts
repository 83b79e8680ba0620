// What `fsam compare` prints of two runs: where their configurations differ, their numbers, their curves.
import { differences as differencesOf } from '../catalogue/identity.js';
import { bestOf, columnOver, evaluationRows, taskOf } from '../catalogue/task.js';
import { TRAIN_LOSS, type Unit } from '../catalogue/tasks.js';
import { metricsColumns } from '../experiment/metrics.js';
import { withUnit } from '../report/judged.js';
import {
  numberAt,
  readProgress,
  refuseUnlikeTasks,
  usedBy,
  type Progressed,
} from '../report/runs.js';
import { textTable } from '../report/table.js';
import { counted } from '../util/counted.js';
import { decimals } from '../util/digits.js';
import { required, UserError } from '../util/errors.js';
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
  refuseUnlikeTasks(runs);
  runs.forEach((run, i) => {
    print(`${i + 1}  ${run.folder}  (${describe(run)})`);
  });
  const differences = differencesOf(runs[0].config, runs[1].config);
  print(differences.length === 0 ? '\nsame configuration' : '\nconfiguration, 1 -> 2:');
  for (const line of differences) print(`  ${line}`);
  const used = usedOtherwise(runs[0], runs[1]);
  if (used.length > 0) print('\nused, 1 -> 2:');
  for (const line of used) print(`  ${line}`);
  print('');
  for (const line of textTable(cells(runs[0], runs[1]))) print(line);
  const { test } = bestOf(runs[0].config);
  chart(withUnit(test.name, test.unit), runs, test.column);
  chart('training loss', runs, TRAIN_LOSS);
}

/** Where they ran on other devices, or on another number of workers. */
function usedOtherwise(first: Progressed, second: Progressed): string[] {
  const [before, after] = [new Map(usedBy(first)), new Map(usedBy(second))];
  return [...before.keys()]
    .map((name) => [name, told(before, name), told(after, name)] as const)
    .filter(([, from, to]) => from !== to)
    .map(([name, from, to]) => `${name}: ${from} -> ${to}`);
}
type Used = ReadonlyMap<string, string | null>;
const told = (used: Used, name: string): string =>
  used.get(name) ?? (name === 'workers' ? '1' : 'not known');

const describe = ({ epochs, config }: Progressed): string =>
  epochs.length < config.epochs
    ? `${epochs.length} of ${counted(config.epochs, 'epoch')}`
    : counted(config.epochs, 'epoch');

/** Both runs are of one task. */
function cells(first: Progressed, second: Progressed): string[][] {
  const task = taskOf(first.config);
  const { test, validation, soFar } = bestOf(first.config);
  const others = evaluationRows(task, 'test').filter(({ measure }) => measure !== test.measure);
  const trained = [test, ...others].flatMap(({ measure, unit }) => {
    const column = columnOver('train', measure);
    return column in task.training ? [{ column, name: `train ${measure}`, unit }] : [];
  });
  const isValidated = [first, second].some(({ config }) => config.data.validation !== null);
  const rows: readonly Compared[] = [
    { ...test, when: 'last' },
    { ...test, column: soFar.column, when: 'best' },
    ...[...(isValidated ? [validation] : []), ...others, ...trained].map((row) => ({
      ...row,
      when: 'last',
    })),
  ];
  return [['', '1', '2', '2 - 1'], ...rows.map((row) => compared(row, first, second))];
}

interface Compared {
  readonly column: string;
  readonly name: string;
  readonly unit: Unit;
  readonly when: string;
}

function compared(
  { column, name, unit, when }: Compared,
  ...runs: [Progressed, Progressed]
): string[] {
  const [a, b] = runs.map((run) => lastOf(run, column)) as [number | null, number | null];
  const difference = a === null || b === null ? '' : signed(b - a);
  return [withUnit(`${name}, ${when}`, unit), shown(a), shown(b), difference];
}

/** Null where the column is of images held out, and there are none, or of what another data set has. */
function lastOf({ config, epochs }: Progressed, column: string): number | null {
  if (!metricsColumns(config).includes(column)) return null;
  return numberAt(required(epochs.at(-1), 'an epoch'), column);
}

const shown = (value: number | null): string => (value === null ? '' : decimals(value, 3));
/** What floats add to a difference of numbers of seven digits is not shown. */
const signed = (value: number): string =>
  `${value < 0 ? '' : '+'}${decimals(Number(value.toFixed(9)), 3)}`;

function chart(title: string, runs: readonly Progressed[], column: string): void {
  const curves: Curve[] = runs.map(({ epochs }, i) => ({
    values: epochs.map((epoch) => numberAt(epoch, column) ?? NaN),
    every: i === 0 ? 1 : 4,
  }));
  print(`\n${title}, epochs 1 to ${Math.max(...curves.map(({ values }) => values.length))}`);
  for (const line of drawChart(curves, shown)) print(line);
}
