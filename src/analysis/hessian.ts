// `analyze hessian`: both ends of the spectra of the Hessian H and the Gauss-Newton matrix G, and their traces.
import type { Objective } from '../session/objective.js';
import {
  digits,
  digitsOf,
  examplesOf,
  halvesOf,
  normalisedBy,
  withError,
  objectiveOf,
  POSITION,
  positionOf,
  prefixOf,
  watchOf,
  type Context,
  type Results,
  type Row,
} from './context.js';
import { checkDeterminism } from './determinism.js';
import { edgesOf } from './edges.js';
import { findExtremes, ritzVector, type RitzPair } from './eigenvalues.js';
import { tracesByLayer } from './figures.js';
import { pieceByLanczos } from './krylov.js';
import { lanczosFrom, startStream } from './lanczos.js';
import { MATRICES, productOf, type Matrix } from './matrices.js';
import { sampleSize } from './opened.js';
import { traceProbes, traceRows, type TraceProbe, type TraceRow } from './trace.js';
import { required } from '../util/errors.js';
import { dot, drawNormal, norm } from './vectors.js';

export interface HessianOptions {
  /** Eigenvalues of either end. */
  readonly top: number;
  readonly bottom: number;
  /** Products at most, for the ends of a spectrum. */
  readonly steps: number;
  /** Residuals allowed, relative to the largest eigenvalue. */
  readonly tolerance: number;
  /** Random vectors of the trace. */
  readonly vectors: number;
}

const COLUMNS = [
  ...POSITION,
  ...['matrix', 'quantity', 'name', 'value', 'error', 'converged', 'products'],
];

/** Of a spectrum. */
interface Ends {
  readonly top: readonly Eigenvalue[];
  readonly bottom: readonly Eigenvalue[];
  readonly products: number;
  /** Of the angle between the eigenvector of the largest and the gradient. */
  readonly cosine: number;
}

interface Spectrum extends Ends {
  readonly matrix: Matrix;
  readonly traces: readonly TraceRow[];
}

/** Of products in float32, relative to the largest eigenvalue. */
const PRECISION = 1e-6;

type Eigenvalue = Pick<RitzPair, 'value' | 'residual' | 'converged'>;

/** Of a whole sample: the matrices, and the gradient. */
interface OfSample {
  readonly samples: number;
  readonly loss: number;
  readonly gradientNorm: number;
  readonly spectra: readonly Spectrum[];
}

/** Of the sample and of its first half: how far both are apart is the error that sampling makes. */
export async function analyseHessian(context: Context, options: HessianOptions): Promise<Results> {
  const all = sampleSize(context.opened, context.options);
  const found: OfSample[] = [];
  for (const samples of halvesOf(all)) {
    found.push(await ofSample(context, options, samples));
  }
  const [whole] = found as [OfSample];
  return {
    columns: COLUMNS,
    rows: found.flatMap((one) => rowsOf(context, one)),
    figures: [tracesByLayer(whole.spectra.map(({ matrix, traces }) => ({ matrix, traces })))],
    lines: linesOf(context, options, found),
  };
}

async function ofSample(
  context: Context,
  options: HessianOptions,
  samples: number,
): Promise<OfSample> {
  const prefix = `${prefixOf(context)}${samples}/`;
  const objective = objectiveOf(
    context,
    ['loss', 'gradient', 'hessian', 'gaussNewton'],
    [0, samples],
  );
  try {
    const { loss, gradientNorm } = await context.journal.piece(`${prefix}gradient`, async () => {
      await checkDeterminism(objective, watchOf(context, 'whether the loss is a function, passes'));
      const at = await objective.lossAndGradient(objective.weights);
      return { loss: at.loss, gradientNorm: norm(at.gradient) };
    });
    const spectra: Spectrum[] = [];
    for (const matrix of MATRICES) {
      spectra.push(await spectrumOf(context, options, objective, matrix, samples, prefix));
    }
    return { samples, loss, gradientNorm, spectra };
  } finally {
    objective.dispose();
  }
}

async function spectrumOf(
  context: Context,
  { vectors, ...options }: HessianOptions,
  objective: Objective,
  matrix: Matrix,
  samples: number,
  prefix: string,
): Promise<Spectrum> {
  const {
    journal,
    options: { seed },
  } = context;
  const { size, tensors } = objective;
  const product = productOf(objective, matrix);
  const over = `${matrix} over ${samples} ${examplesOf(context)}`;
  const start = () => lanczosFrom(drawNormal(size, startStream(seed, 0)));
  const ends = await pieceByLanczos(journal, `${prefix}${matrix} ends`, start, async (kept) => {
    const asked = { ...options, ...kept, seed };
    const watch = watchOf(context, `${over}, products for the ends of its spectrum`);
    const { top, bottom, state } = await findExtremes(product, size, asked, watch);
    const { gradient } = await objective.lossAndGradient(objective.weights);
    const first = required(top[0], 'the largest');
    const x = ritzVector(state, first);
    const largest = Math.max(Math.abs(first.value), Math.abs(bottom[0]?.value ?? 0));
    return {
      top: top.map((pair) => eigenvalueOf(pair, largest)),
      bottom: bottom.map((pair) => eigenvalueOf(pair, largest)),
      products: state.alpha.length,
      cosine: Math.abs(dot(x, gradient)) / norm(gradient),
    };
  });
  const watch = watchOf(context, `${over}, products for its trace`);
  const found: TraceProbe[] = [];
  for (let probe = 0; probe < vectors; probe++) {
    const make = async (): Promise<TraceProbe> => {
      const these = traceProbes(
        product,
        { size, tensors, probes: vectors, from: probe, seed },
        watch,
      );
      const { value } = await these.next();
      return required(value, 'a probe');
    };
    found.push(await journal.piece(`${prefix}${matrix} trace ${probe}`, make));
  }
  return { ...ends, matrix, traces: traceRows(found, tensors) };
}

/** What is kept of a pair: its coefficients are as many as there are products. */
const eigenvalueOf = ({ value, residual, converged }: RitzPair, largest: number): Eigenvalue => ({
  value,
  // Lanczos cannot see what its products lack.
  residual: Math.max(residual, PRECISION * Math.abs(largest)),
  converged,
});

function rowsOf(context: Context, { samples, loss, gradientNorm, spectra }: OfSample): Row[] {
  const position = positionOf(context, samples);
  const row = (
    matrix: string,
    quantity: string,
    name: string,
    value: number,
    rest: Row = {},
  ): Row => ({
    ...position,
    ...{ matrix, quantity, name, value: digits(value), error: '', converged: '', products: '' },
    ...rest,
  });
  return [
    row('', 'loss', '', loss),
    row('', 'gradient norm', '', gradientNorm),
    ...edgesOf(context, gradientNorm).map(({ name, value }) => row('', 'edge', name, value)),
    ...spectra.flatMap(({ matrix, top, bottom, traces, products, cosine }) => [
      ...(
        [
          ['top', top],
          ['bottom', bottom],
        ] as const
      ).flatMap(([end, pairs]) =>
        pairs.map(({ value, residual, converged }, i) =>
          row(matrix, 'eigenvalue', `${end} ${i + 1}`, value, {
            error: digits(residual),
            converged: converged ? 'yes' : 'no',
            products,
          }),
        ),
      ),
      row(matrix, 'cosine with the gradient', 'top 1', cosine),
      ...traces.map(({ kind, name, mean, stderr, count }) =>
        row(matrix, kind === 'whole' ? 'trace' : `trace of ${kind}`, name, mean, {
          error: digitsOf(stderr),
          products: count,
        }),
      ),
    ]),
  ];
}

function linesOf(
  context: Context,
  asked: Pick<HessianOptions, 'top' | 'bottom'>,
  [whole, half]: readonly OfSample[],
): string[] {
  if (whole === undefined || half === undefined) return [];
  const lines = [
    `loss ${digits(whole.loss)}, gradient ${digits(whole.gradientNorm)} long, over ${whole.samples} ${examplesOf(context)}, ${normalisedBy(context)}`,
    ...edgesOf(context, whole.gradientNorm).map(
      ({ name, value, rate }) => `${name} ${digits(value)}, of the last rate, ${digits(rate)}`,
    ),
  ];
  for (const [i, spectrum] of whole.spectra.entries()) {
    const other = half.spectra[i];
    lines.push(
      `${spectrum.matrix}, after ${spectrum.products} products; in brackets: over ${half.samples} ${examplesOf(context)}`,
    );
    for (const end of ['top', 'bottom'] as const) {
      const missing = asked[end] - spectrum[end].length;
      if (missing > 0) {
        lines.push(
          `  ${end}: ${missing} of the ${asked[end]} asked for are missing; more --steps find them, if there are any`,
        );
      }
      spectrum[end].forEach(({ value, residual, converged }, rank) => {
        const there = other?.[end][rank]?.value ?? NaN;
        const doubt = converged ? '' : ', not converged';
        lines.push(
          `  ${end} ${rank + 1}  ${digits(value)}  residual ${residual.toExponential(1)}${doubt}  (${digits(there)})`,
        );
      });
    }
    const [trace, there] = [spectrum.traces[0], other?.traces[0]];
    if (trace !== undefined && there !== undefined) {
      const [own, others] = [trace, there].map(({ mean, stderr }) => withError(mean, stderr));
      lines.push(`  trace  ${own}  (${others})`);
    }
  }
  return lines;
}
