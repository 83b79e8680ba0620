// `analyze landscape`: the loss along a random line, over a random plane, or on the way to another run.
import {
  digits,
  normalisedBy,
  objectiveOf,
  POSITION,
  positionOf,
  prefixOf,
  type Context,
  type Results,
} from './context.js';
import { drawDirection, filterNormalised, type OneAxis } from './directions.js';
import { lines, plane } from './figures.js';
import { evenly, linePlaces, pathPoint, planePlaces, slicePoint, type Place } from './landscape.js';
import { sampleSize } from './opened.js';
import type { Objective } from '../session/objective.js';
import { extentOf } from './vectors.js';
import { counted } from '../util/counted.js';
import { required } from '../util/errors.js';

export interface LandscapeOptions {
  readonly kind: 'line' | 'plane' | 'path';
  /** Along an axis, of points `points`: from -range to range; a path goes from 0, here, to 1, there. */
  readonly range: number;
  readonly points: number;
  /** What biases, and scales of normalisations, are in a random direction. */
  readonly oneAxis: OneAxis;
  /** The weights at the end of a path [P]; null for the others. */
  readonly to: Float32Array | null;
}

const COLUMNS = [...POSITION, 'kind', 'a', 'b', 'loss'];

export async function analyseLandscape(
  context: Context,
  options: LandscapeOptions,
): Promise<Results> {
  const { kind } = options;
  const objective = objectiveOf(context, ['loss']);
  try {
    const places = placesOf(options);
    const pointAt = pointsOf(context, objective, options);
    const losses: number[] = [];
    for (const [i, place] of places.entries()) {
      context.signal.throwIfAborted();
      const make = () => objective.loss(pointAt(place));
      losses.push(await context.journal.piece(`${prefixOf(context)}${kind} ${i}`, make));
      context.progress('points', i + 1, places.length);
    }
    return resultsOf(context, options, places, losses);
  } finally {
    objective.dispose();
  }
}

function placesOf({ kind, range, points }: LandscapeOptions): Place[] {
  const across = evenly(-range, range, points);
  switch (kind) {
    case 'line':
      return linePlaces(across);
    case 'plane':
      return planePlaces(across, across);
    case 'path':
      return linePlaces(evenly(0, 1, points));
    default:
      return kind satisfies never;
  }
}

function pointsOf(
  { options: { seed } }: Context,
  { weights, tensors, size }: Objective,
  { kind, to, oneAxis }: LandscapeOptions,
): (place: Place) => Float32Array {
  if (kind === 'path') return pathPoint(weights, required(to ?? undefined, 'the other weights'));
  const directions = (kind === 'line' ? [0] : [0, 1]).map((number) =>
    filterNormalised(drawDirection(size, seed, number), weights, tensors, oneAxis),
  );
  return slicePoint(weights, directions);
}

function resultsOf(
  context: Context,
  { kind }: LandscapeOptions,
  places: readonly Place[],
  losses: readonly number[],
): Results {
  const position = positionOf(context, sampleSize(context.opened, context.options));
  const values = places.map(([a = 0, b], i) => ({
    a,
    b: b ?? null,
    loss: losses[i] ?? NaN,
    name: kind,
  }));
  const drawn = values.filter(({ loss }) => Number.isFinite(loss));
  const how = normalisedBy(context);
  const caption = {
    line: `The loss along a random direction, as long as w filter by filter; ${how}.`,
    plane: `The loss over two random directions, as long as w filter by filter; ${how}.`,
    path: `The loss on the way from this run (0) to the other (1); ${how}.`,
  }[kind];
  const name = `landscape-${kind}`;
  const rounded = (x: number) => Number(x.toPrecision(3));
  return {
    columns: COLUMNS,
    rows: values.map(({ a, b, loss }) => ({
      ...position,
      ...{ kind, a: digits(a), b: b === null ? '' : digits(b), loss: digits(loss) },
    })),
    figures: [
      kind === 'plane'
        ? plane(
            name,
            caption,
            drawn.map(({ a, b, loss }) => ({ a: rounded(a), b: rounded(b ?? 0), loss })),
          )
        : lines(name, caption, drawn, {
            x: ['a', kind === 'path' ? 'share of the way' : 'step along it'],
            y: ['loss', 'loss'],
            of: 'name',
          }),
    ],
    lines: linesOf(kind, losses, how),
  };
}

function linesOf(kind: string, losses: readonly number[], how: string): string[] {
  const finite = losses.filter(Number.isFinite);
  const others = losses.length - finite.length;
  const left = `${others} of ${counted(losses.length, 'point')}: the loss is not finite; left out of the figure`;
  const [low, high] = extentOf(finite);
  return [
    ...(finite.length === 0
      ? []
      : [
          `${kind}: loss between ${digits(low)} and ${digits(high)} over ${counted(finite.length, 'point')}, ${how}`,
        ]),
    ...(others === 0 ? [] : [left]),
  ];
}
