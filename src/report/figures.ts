// The figures of a report, as descriptions for Vega-Lite.
import type { TopLevelSpec } from 'vega-lite';
import { namesOf, shortName } from '../catalogue/label.js';
import { rowOf } from '../catalogue/keys.js';
import { columnOver, taskOf, trainingRows } from '../catalogue/task.js';
import { TASKS, TRAIN_LOSS } from '../catalogue/tasks.js';
import { OPTIMIZER_TITLES, optimizerTitle } from '../catalogue/optimizers.js';
import type { Figure } from '../figures/render.js';
import { base, EPOCH, quantitative, series, type Datum } from '../figures/style.js';
import { judgedBy, withUnit } from './judged.js';
import { scoresOf, validationOf, type Point } from './points.js';
import { numberAt } from './runs.js';
import { keysOf } from './summary.js';
import { describe } from './statistics.js';
import { capital } from '../util/capital.js';
import { required } from '../util/errors.js';
import { valueAxis } from './value-axis.js';

/** More curves than this in one panel cannot be told apart. */
const LARGEST_PANEL = 6;

const [TRAINING, MEMORISATION] = ['train-loss', 'memorisation'];
/** Of a task's best measure. */
const over = (split: 'test' | 'validation', measure: string): string => `${split}-${measure}`;
const against = (measure: string): string => `${measure}-by-`;

/** Whether a figure of a report, on whatever task, may have this name. */
export const isFigureName = (name: string): boolean =>
  [TRAINING, MEMORISATION].includes(name) ||
  Object.values(TASKS).some(
    ({ best: { measure } }) =>
      [over('test', measure), over('validation', measure)].includes(name) ||
      name.startsWith(against(measure)),
  );

/** Every figure that these points have something to show in. */
export function figuresOf(points: readonly Point[]): Figure[] {
  const validated = points.filter((point) => validationOf(point) !== null);
  const best = judgedBy(points);
  const ofBest = (of: readonly Point[], split: 'test' | 'validation'): Figure => {
    const { column, name, unit, measure } = best[split];
    return curves(of, column, over(split, measure), withUnit(name, unit));
  };
  return [
    ofBest(points, 'test'),
    ...(validated.length === 0 ? [] : [ofBest(validated, 'validation')]),
    curves(points, TRAIN_LOSS, TRAINING, 'training loss at w'),
    ...numericKeys(points).map((key, _, keys) => scoresBy(points, key, keys)),
    ...memorisation(points),
  ];
}

/** A column of metrics.csv over the epochs: means over seeds, with a band of one standard deviation. */
function curves(points: readonly Point[], column: string, name: string, title: string): Figure {
  const values = points.flatMap((point) => meanCurve(point, column));
  const split = points.length > LARGEST_PANEL;
  const names = points.map(({ label }) => label);
  const layers = [
    {
      mark: { type: 'area', opacity: 0.12 },
      encoding: {
        x: EPOCH,
        y: { ...quantitative('low', title) },
        y2: { field: 'high' },
        color: series('point', names).color,
      },
    },
    {
      mark: { type: 'line', strokeWidth: 1.8 },
      encoding: { x: EPOCH, y: quantitative('mean', title), ...series('point', names) },
    },
  ] as const;
  return {
    name,
    caption: `${capital(title)} over epochs: means over seeds${spreadNote(points)}.`,
    spec: split
      ? panels(points, values, layers as never)
      : { ...base(values), width: 520, height: 330, layer: layers as never },
  };
}

/** One panel for each optimizer, each with a legend of its own. */
function panels(points: readonly Point[], values: readonly Datum[], layers: never): TopLevelSpec {
  const titleOf = ({ runs: [{ config }] }: Point): string =>
    optimizerTitle(config.optimizer.name, config.optimizer.adaptive);
  const ofOptimizer = (name: string): string[] =>
    points.filter((point) => titleOf(point) === name).map(({ label }) => label);
  const names = OPTIMIZER_TITLES.filter((name) => ofOptimizer(name).length > 0);
  return {
    ...base(values),
    columns: 2,
    resolve: {
      scale: { color: 'independent', strokeDash: 'independent', x: 'shared', y: 'shared' },
    },
    concat: names.map((name) => {
      const own = ofOptimizer(name);
      return {
        title: { text: name, fontSize: 13 },
        width: 330,
        height: 230,
        transform: [{ filter: { field: 'point', oneOf: own } }],
        layer: restyled(layers, own),
      };
    }) as never,
  };
}

/** The layers with colours and dashes for the points of one panel. */
function restyled(
  layers: readonly { readonly encoding: object }[],
  names: readonly string[],
): unknown[] {
  const styles = series('point', names);
  return layers.map((layer) => ({
    ...layer,
    encoding: {
      ...layer.encoding,
      color: styles.color,
      ...('strokeDash' in layer.encoding ? { strokeDash: styles.strokeDash } : {}),
    },
  }));
}

/** Keys with several numbers, such as optimizer.rho. */
function numericKeys(points: readonly Point[]): string[] {
  return keysOf(points).filter((key) => {
    const values = points.flatMap(({ values: own }) => (own.has(key) ? [own.get(key)] : []));
    return values.every((value) => typeof value === 'number') && new Set(values).size > 1;
  });
}

/** What points are judged by, after the last epoch, against a key: a line for whatever else tells the points apart. */
function scoresBy(points: readonly Point[], key: string, keys: readonly string[]): Figure {
  const { name, unit, measure } = judgedBy(points).test;
  const title = rowOf(key)?.title ?? shortName(key, keys);
  const others = keysOf(points).filter((other) => other !== key);
  const seriesOf = namesOf(
    points.map(({ values }) => values),
    others,
    () => 'all',
  );
  const rows = points.map((point, i) => {
    const { mean, std } = describe(scoresOf(point, 'last'));
    const x = point.values.get(key);
    return {
      series: seriesOf[i] ?? 'all',
      x: typeof x === 'number' ? x : null,
      mean,
      low: mean - (std ?? 0),
      high: mean + (std ?? 0),
    };
  });
  const swept = rows.filter(({ x }) => x !== null);
  const references = rows.filter(({ x }) => x === null);
  const lines = [...new Set(rows.map((row) => row.series))];
  const x = valueAxis(
    'x',
    title,
    swept.map(({ x }) => Number(x)),
  );
  const y = quantitative('mean', withUnit(name, unit));
  const styles = series('series', lines);
  const flat =
    references.length === 0
      ? []
      : [
          {
            data: { values: references },
            mark: { type: 'rule', strokeWidth: 1.8 },
            encoding: { y, ...styles },
          },
        ];
  return {
    name: `${against(measure)}${title.replaceAll(' ', '-')}`,
    caption:
      `${capital(name)} after the last epoch against ${title}: means over seeds${spreadNote(points)}.` +
      (references.length === 0
        ? ''
        : ` Level lines: ${references.map((row) => row.series).join(', ')}, without ${title}.`),
    spec: {
      ...base(swept),
      width: 440,
      height: 320,
      layer: [
        ...flat,
        {
          mark: { type: 'area', opacity: 0.12 },
          encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, color: styles.color },
        },
        { mark: { type: 'line', strokeWidth: 1.8 }, encoding: { x, y, ...styles } },
        {
          mark: { type: 'point', size: 55, filled: true, opacity: 1 },
          encoding: { x, y, color: styles.color },
        },
      ] as never,
    },
  };
}

/** What points are judged by, in training, on the labels given and on the true ones, where there is noise. */
function memorisation(points: readonly Point[]): Figure[] {
  const found = trainedAndTrue(points);
  if (found === null) return [];
  const [trained, clean] = found;
  const noisy = points.filter(({ runs: [{ epochs }] }) => {
    const [first] = epochs;
    return first !== undefined && numberAt(first, clean.column) !== null;
  });
  if (noisy.length === 0) return [];
  const kinds = [
    [trained.column, 'labels trained on'],
    [clean.column, 'true labels'],
  ] as const;
  const values = noisy.flatMap((point) =>
    kinds.flatMap(([column, labels]) =>
      meanCurve(point, column).map((row) => ({ ...row, labels })),
    ),
  );
  const names = kinds.map(([, labels]) => labels);
  return [
    {
      name: MEMORISATION,
      caption:
        `${capital(trained.name)} over epochs on the labels trained on, some of them wrong, and on the true ones: means over seeds. ` +
        'Where the first overtakes the second, wrong labels are learnt by heart.',
      spec: {
        ...base(values),
        columns: 3,
        facet: {
          field: 'point',
          type: 'nominal',
          title: null,
          sort: noisy.map(({ label }) => label),
        },
        spec: {
          width: 230,
          height: 170,
          mark: { type: 'line', strokeWidth: 1.8 },
          encoding: {
            x: EPOCH,
            y: quantitative('mean', withUnit(trained.name, trained.unit)),
            ...series('labels', names),
          },
        },
      } as never,
    },
  ];
}

/** Null where the task has no labels that may be wrong. */
function trainedAndTrue(points: readonly Point[]) {
  const rows = trainingRows(taskOf(required(points[0], 'a point').runs[0].config));
  const column = columnOver('train', judgedBy(points).test.measure);
  const trained = rows.find((row) => row.column === column);
  const clean = rows.find(({ needs }) => needs === 'labelNoise');
  return trained === undefined || clean === undefined ? null : ([trained, clean] as const);
}

/** Mean of a column over the runs of a point, epoch by epoch, as far as all of them go. */
function meanCurve({ label, runs }: Point, column: string): Datum[] {
  const epochs = Math.min(...runs.map((run) => run.epochs.length));
  return Array.from({ length: epochs }, (_, i) => i).flatMap((i) => {
    const values = runs.flatMap(
      (run) => numberAt(required(run.epochs[i], 'an epoch'), column) ?? [],
    );
    // A version that did not measure it has left its epochs empty.
    if (values.length === 0) return [];
    const { mean, std } = describe(values);
    return [{ point: label, epoch: i + 1, mean, low: mean - (std ?? 0), high: mean + (std ?? 0) }];
  });
}

function spreadNote(points: readonly Point[]): string {
  const counts = points.map(({ runs }) => runs.length);
  if (Math.max(...counts) === 1) return ' (n = 1: no band)';
  const single = counts.includes(1) ? '; points with n = 1 have no band' : '';
  return `, bands of one standard deviation${single}`;
}
