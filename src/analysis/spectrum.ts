// `analyze spectrum`: the spectral density of the Hessian and of the Gauss-Newton matrix.
import {
  digits,
  objectiveOf,
  POSITION,
  positionOf,
  prefixOf,
  watchOf,
  type Context,
  type Results,
  type Row,
} from './context.js';
import { quadratures, quadratureStart, smoothedDensity, type Quadrature } from './density.js';
import { lines } from './figures.js';
import { pieceByLanczos } from './krylov.js';
import type { Objective } from '../session/objective.js';
import { MATRICES, productOf, type Matrix } from './matrices.js';
import { sampleSize } from './opened.js';
import { extentOf } from './vectors.js';
import { required } from '../util/errors.js';

export interface SpectrumOptions {
  /** Random vectors, and products of each. */
  readonly runs: number;
  readonly steps: number;
}

const COLUMNS = [...POSITION, 'matrix', 'kind', 'run', 'value', 'weight'];

/** Below it a density is not drawn: its axis is logarithmic. */
const FLOOR = 1e-6;

export async function analyseSpectrum(
  context: Context,
  options: SpectrumOptions,
): Promise<Results> {
  const objective = objectiveOf(context, ['hessian', 'gaussNewton']);
  try {
    const found: { matrix: Matrix; runs: readonly Quadrature[] }[] = [];
    for (const matrix of MATRICES) {
      const runs = await runsOf(context, options, matrix, objective);
      found.push({ matrix, runs });
    }
    return resultsOf(context, found);
  } finally {
    objective.dispose();
  }
}

async function runsOf(
  context: Context,
  { runs, steps }: SpectrumOptions,
  matrix: Matrix,
  objective: Objective,
): Promise<Quadrature[]> {
  const {
    journal,
    options: { seed },
  } = context;
  const { size } = objective;
  const product = productOf(objective, matrix);
  const watch = watchOf(context, `${matrix}, products`);
  const found: Quadrature[] = [];
  for (let run = 0; run < runs; run++) {
    const name = `${prefixOf(context)}${matrix} run ${run}`;
    const start = () => quadratureStart(size, seed, run);
    const quadrature = await pieceByLanczos(journal, name, start, async (kept) => {
      const these = quadratures(product, { size, runs, steps, seed, from: run, kept }, watch);
      const { value } = await these.next();
      return required(value, 'a quadrature');
    });
    found.push(quadrature);
  }
  return found;
}

function resultsOf(
  context: Context,
  found: readonly { readonly matrix: Matrix; readonly runs: readonly Quadrature[] }[],
): Results {
  const position = positionOf(context, sampleSize(context.opened, context.options));
  const densities = found.map(({ matrix, runs }) => ({ matrix, ...smoothedDensity(runs) }));
  const rows = found.flatMap(({ matrix, runs }, i): Row[] => {
    const { values, density } = densities[i] ?? { values: [], density: [] };
    const row = (kind: string, run: number | '', value: number, weight = NaN): Row => ({
      ...position,
      ...{ matrix, kind, run, value: digits(value), weight: digits(weight) },
    });
    return [
      ...runs.flatMap(({ nodes, weights }, run) =>
        nodes.map((node, j) => row('node', run + 1, node, weights[j])),
      ),
      ...values.map((value, j) => row('density', '', value, density[j])),
    ];
  });
  const curves = densities.flatMap(({ matrix, values, density }) =>
    values.map((value, j) => {
      const height = density[j] ?? 0;
      // Null is a gap in the curve.
      return { matrix, value, density: height > FLOOR ? Math.log10(height) : null };
    }),
  );
  return {
    columns: COLUMNS,
    rows,
    figures: [
      lines(
        'spectrum',
        'Spectral density: how many of the eigenvalues lie where; logarithm of base 10, each node of the quadrature as a Gaussian of a hundredth of the range.',
        curves,
        { x: ['value', 'eigenvalue'], y: ['density', 'log10 of the density'], of: 'matrix' },
      ),
    ],
    lines: densities.map(({ matrix, values, sigma }, i) => {
      const [low, high] = extentOf((found[i]?.runs ?? []).flatMap((run) => run.nodes));
      return `${matrix}: nodes from ${digits(low)} to ${digits(high)}, density at ${values.length} places with sigma ${sigma.toPrecision(3)}`;
    }),
  };
}
