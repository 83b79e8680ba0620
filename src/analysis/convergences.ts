// `analyze convergence`: of runs that were probed, how the full gradient falls, and how near F-SAM's average comes to it.
import { digits, digitsOf, type Results, type Row } from './context.js';
import { boundShape, lastDecade, logLogSlope, runningMeans, type AtStep } from './convergence.js';
import { lines } from './figures.js';
import { meanOf } from './mean.js';
import { counted } from '../util/counted.js';

/** A run's probes.csv. */
export interface ProbedRun {
  /** The point that it is a run of: `fsam-lambda0.9`. */
  readonly label: string;
  readonly seed: number;
  /** That the full gradient is over; a number: at least so many, in whole batches. */
  readonly samples: number | 'all';
  /** What they are: `images`. */
  readonly examples: string;
  /** At least one. */
  readonly rows: readonly Readonly<Record<string, string>>[];
}

const COLUMNS = [
  ...['point', 'seed', 'samples', 'step', 'full_gradient_norm', 'mean_square', 'bound_shape'],
  ...['cosine_average_full', 'average_error'],
];

/** The bound's shape is put where the mean is at the first step of the last factor of ten. */
export function analyseConvergence(runs: readonly ProbedRun[]): Results {
  const found = runs.map((run) => ({ ...run, ...ofRun(run) }));
  // A colour for each point, a line for each of its seeds.
  const values = found.flatMap(({ label, seed, means }) =>
    means.map(({ step, value }) => ({ step, value, name: label, seed: String(seed) })),
  );
  const bound = (found[0]?.bound ?? []).map((at) => ({ ...at, name: BOUND, seed: '' }));
  const labels = [...new Set(runs.map(({ label }) => label))];
  return {
    columns: COLUMNS,
    rows: found.flatMap(rowsOf),
    figures: [
      lines(
        'convergence',
        'The mean squared length of the full gradient over the steps so far, a line for each seed, with the shape of the bound beside the first run.',
        [...values, ...bound],
        {
          x: ['step', 'step T'],
          y: ['value', 'mean of |f|^2 up to T'],
          of: 'name',
          each: 'seed',
          log: ['x', 'y'],
        },
      ),
    ],
    lines: labels.flatMap((label) =>
      linesOf(
        label,
        found.filter((run) => run.label === label),
      ),
    ),
  };
}

const BOUND = 'shape of log(T) / sqrt(T)';

interface Found {
  readonly means: readonly AtStep[];
  readonly bound: readonly AtStep[];
  /** The run's, and the bound's over the same steps; or why there is none. */
  readonly slope: { readonly own: number; readonly bound: number } | string;
}

function ofRun({ rows }: ProbedRun): Found {
  const squares = rows.map((row) => ({
    step: Number(row['step']),
    value: Number(row['full_gradient_norm']) ** 2,
  }));
  const means = runningMeans(squares);
  // At step 1 the shape is 0, which has no logarithm.
  const last = lastDecade(means).filter(({ step }) => step > 1);
  const shape = boundShape(last);
  const [first, begin] = [last[0], shape[0]];
  const [own, ofShape] = [logLogSlope(last), logLogSlope(shape)];
  const factor = first === undefined || begin === undefined ? 1 : first.value / begin.value;
  return {
    means,
    bound: shape.map(({ step, value }) => ({ step, value: factor * value })),
    slope:
      own === null || ofShape === null
        ? whyNoSlope(last)
        : { own: own.slope, bound: ofShape.slope },
  };
}

function whyNoSlope(last: readonly AtStep[]): string {
  const zero = last.find(({ value }) => !(value > 0));
  return zero === undefined
    ? `${counted(last.length, 'probe')} past step 1 there, wanted two`
    : `the mean is ${zero.value} at step ${zero.step}, which has no logarithm`;
}

const rowsOf = ({ label, seed, samples, rows, means, bound }: ProbedRun & Found): Row[] =>
  rows.map((row, i) => ({
    point: label,
    seed,
    samples,
    step: Number(row['step']),
    full_gradient_norm: row['full_gradient_norm'] ?? '',
    mean_square: digits(means[i]?.value ?? NaN),
    bound_shape: digitsOf(bound.find(({ step }) => step === means[i]?.step)?.value ?? null),
    cosine_average_full: row['cosine_average_full'] ?? '',
    average_error: row['average_error'] ?? '',
  }));

/** Over seeds; the average's first steps, in which it is none, are left out. */
function linesOf(label: string, runs: readonly (ProbedRun & Found)[]): string[] {
  const ofAverage = (column: string): string | null => {
    const means = runs.flatMap(({ rows }) => {
      const numbers = rows
        .slice(1)
        .flatMap((row) => (row[column] === '' ? [] : [Number(row[column])]));
      return numbers.length === 0 ? [] : [meanOf(numbers).mean];
    });
    return means.length === 0 ? null : told(means);
  };
  const [cosine, error] = [ofAverage('cosine_average_full'), ofAverage('average_error')];
  const ofBatch = ofAverage('cosine_gradient_full');
  return [
    `${label}: mean |f|^2 over the last factor of ten in steps: ${slopeOf(runs)}`,
    ...(cosine === null || error === null
      ? []
      : [
          `${label}: cosine of the average and the full gradient ${cosine}, of the batch's own gradient and it ${ofBatch ?? 'none'}, |m - f| / |f| ${error}`,
        ]),
    ...sampledLine(label, runs),
  ];
}

/** `slope -0.615 +- 0.021 (n = 2), of log(T) / sqrt(T) -0.322`, and why runs have none. */
function slopeOf(runs: readonly (ProbedRun & Found)[]): string {
  const slopes = runs.flatMap(({ slope }) => (typeof slope === 'string' ? [] : [slope]));
  const none = runs.flatMap(({ seed, slope }) =>
    typeof slope === 'string' ? [`no slope of seed ${seed}: ${slope}`] : [],
  );
  const [first] = slopes;
  const fall =
    first === undefined
      ? []
      : [
          `slope ${told(slopes.map(({ own }) => own))}`,
          `of log(T) / sqrt(T) ${first.bound.toFixed(3)}`,
        ];
  return [...fall, ...none].join(', ');
}

/** Runs of a point are over as many samples. */
function sampledLine(label: string, [first]: readonly ProbedRun[]): string[] {
  if (first === undefined || first.samples === 'all') return [];
  const { samples, examples } = first;
  return [
    `${label}: f is over whole batches with at least ${samples.toLocaleString('en')} ${examples}: |f|^2 has their sampling variance in it, and cosines and |m - f| / |f| are of such an f`,
  ];
}

function told(values: readonly number[]): string {
  const { mean, std, count } = meanOf(values);
  return `${mean.toFixed(3)}${std === null ? '' : ` +- ${std.toFixed(3)}`} (n = ${count})`;
}
