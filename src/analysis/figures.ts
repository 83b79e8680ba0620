// The figures of analyses, as descriptions for Vega-Lite.
import type { Figure } from '../figures/render.js';
import { base, EPOCH, quantitative, series, type Datum } from '../figures/style.js';
import type { Results } from './context.js';
import type { TraceRow } from './trace.js';

const SIZE = { width: 520, height: 330 } as const;

/** Characters of a line below a title. */
const LINE = 84;

/** With a heading and its caption above it: a figure of an analysis stands by itself. */
export const titled = ({ spec, ...figure }: Figure, text: string): Figure => {
  const subtitle = wrapped(figure.caption, LINE);
  const title = { text, subtitle, anchor: 'start', offset: 10, fontSize: 13 } as const;
  return { ...figure, spec: { ...spec, title: { ...title, subtitlePadding: 4 } } };
};

/** In lines of no more than `width` characters, cut between words. */
function wrapped(text: string, width: number): string[] {
  const done: string[] = [];
  for (const word of text.split(' ')) {
    const last = done.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) {
      done[done.length - 1] = `${last} ${word}`;
    } else done.push(word);
  }
  return done;
}

/** Which layers have the curvature. */
export function tracesByLayer(
  spectra: readonly { readonly matrix: string; readonly traces: readonly TraceRow[] }[],
): Figure {
  const values = spectra.flatMap(({ matrix, traces }) =>
    traces
      .filter(({ kind }) => kind === 'layer')
      .map(({ name, mean, stderr }): Datum => {
        return { matrix, name, mean, low: mean - (stderr ?? 0), high: mean + (stderr ?? 0) };
      }),
  );
  const layers = [...new Set(values.map(({ name }) => name))];
  const axis = { labelLimit: 500 } as const;
  const y = { field: 'name', type: 'nominal', title: null, sort: layers, axis } as const;
  const names = spectra.map(({ matrix }) => matrix);
  // The same for both marks, or Vega-Lite warns.
  const legend = { symbolType: 'circle', symbolSize: 60 };
  const color = { ...series('matrix', names).color, legend } as never;
  const yOffset = { field: 'matrix', type: 'nominal', sort: names } as const;
  return {
    name: 'hessian-traces',
    caption: 'Trace by layer, with one standard error: which layers have the curvature.',
    spec: {
      ...base(values),
      width: SIZE.width,
      height: { step: 9 },
      layer: [
        {
          mark: { type: 'rule' },
          encoding: {
            y,
            yOffset,
            x: quantitative('low', 'trace'),
            x2: { field: 'high' },
            color,
          },
        },
        {
          mark: { type: 'point', filled: true, size: 30 },
          encoding: {
            y,
            yOffset,
            x: quantitative('mean', 'trace'),
            color,
          },
        },
      ],
    },
  };
}

/** Values over something, a line for each name. `log`: of both axes. */
export function lines(
  name: string,
  caption: string,
  values: readonly Datum[],
  {
    x,
    y,
    of,
    each,
    log = [],
  }: {
    readonly x: readonly [field: string, title: string];
    readonly y: readonly [field: string, title: string];
    /** The field that names a line. */
    readonly of: string;
    /** The field that sets lines of one name apart. */
    readonly each?: string;
    readonly log?: readonly ('x' | 'y')[];
  },
): Figure {
  const names = [...new Set(values.map((value) => String(value[of])))];
  const axis = ([field, title]: readonly [string, string], which: 'x' | 'y') => {
    if (field === EPOCH.field) return EPOCH;
    return log.includes(which)
      ? ({ field, title, type: 'quantitative', scale: { type: 'log', nice: false } } as const)
      : quantitative(field, title);
  };
  return {
    name,
    caption,
    spec: {
      ...base(values),
      ...SIZE,
      mark: { type: 'line', strokeWidth: 1.8, point: values.length < 40 * names.length },
      encoding: {
        x: axis(x, 'x'),
        y: axis(y, 'y'),
        ...(each === undefined ? {} : { detail: { field: each, type: 'nominal' } as const }),
        ...(series(of, names) as object),
      },
    },
  };
}

/** The loss over a plane, by colour. */
export function plane(name: string, caption: string, values: readonly Datum[]): Figure {
  const place = (field: string, title: string) =>
    ({
      field,
      type: 'ordinal',
      title,
      axis: { labelOverlap: 'greedy', labelAngle: 0 },
    }) as const;
  return {
    name,
    caption,
    spec: {
      ...base(values),
      width: 400,
      height: 400,
      mark: { type: 'rect' },
      encoding: {
        x: place('a', 'a, along the first direction'),
        y: { ...place('b', 'b, along the second direction'), sort: 'descending' },
        color: {
          field: 'loss',
          type: 'quantitative',
          title: 'loss',
          scale: { type: 'log', scheme: 'viridis' },
        },
      },
    },
  };
}

/** The name of the figure below, as a file. */
export const ALONG_RUN = 'hessian-along-run';

/** The largest eigenvalue along a run, and where steps would overshoot. */
export function alongHessians(all: readonly Results[]): Figure {
  const values = all.flatMap(({ rows }) => {
    const whole = rows[0]?.['samples'];
    return rows
      .filter(({ samples }) => samples === whole)
      .flatMap((row): Datum[] => {
        const { quantity, name, matrix, epoch = 0, value, converged } = row;
        // What has not converged is no eigenvalue.
        const isTop = quantity === 'eigenvalue' && name === 'top 1' && converged === 'yes';
        if (!isTop && quantity !== 'edge') return [];
        const of = isTop ? `largest, ${String(matrix)}` : String(name);
        return [{ epoch: Number(epoch), value: Number(value), name: of }];
      });
  });
  return lines(
    ALONG_RUN,
    'The largest eigenvalues along the run, and the curvature at which a step of the rate there overshoots.',
    values.filter(({ value }) => Number(value) > 0),
    { x: ['epoch', 'epoch'], y: ['value', 'eigenvalue'], of: 'name', log: ['y'] },
  );
}
