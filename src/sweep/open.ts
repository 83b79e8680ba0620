// The sweep that a command names: its file, read and expanded, and its folder.
import { join } from 'node:path';
import type { ConfigRequest } from '../config/load.js';
import { render, type Mistake } from '../config/mistakes.js';
import { readOverlays } from '../config/overrides.js';
import { noteOnGone, recordedFolder } from '../experiment/working-folder.js';
import { UserError } from '../util/errors.js';
import { loadSweep } from './load.js';
import { readPlan } from './plan-file.js';
import { countPoints, expand, isValid, keysWithoutEffect, type Point } from './points.js';
import type { SweepReporter } from './reporter.js';
import { selectPoints } from './select.js';

/** `config` names the sweep file; the rest of ConfigRequest is laid over every point. */
export interface OpenRequest extends ConfigRequest {
  /** Null for results/NAME. */
  readonly folder: string | null;
  /** `KEY=VALUE` each. */
  readonly filters: readonly string[];
  /** More points than this are refused; null for any number. */
  readonly mostPoints: number | null;
}

export interface OpenSweep {
  readonly name: string;
  /** What `config` named. */
  readonly source: string;
  readonly folder: string;
  /** What relative paths are relative to. */
  readonly workingFolder: string;
  readonly points: readonly Point[];
  /** Those that the filters leave. */
  readonly chosen: readonly Point[];
}

/** Errors: UserError for what is wrong with the file or the request, or where the folder is not a sweep's. */
export async function openSweep(request: OpenRequest, reporter: SweepReporter): Promise<OpenSweep> {
  const { config: source, mostPoints } = request;
  const mistakes: Mistake[] = [];
  const overlays = readOverlays(request, mistakes);
  if (mistakes.length > 0) throw new UserError(render(mistakes));
  const file = loadSweep(source);
  const count = countPoints(file);
  if (mostPoints !== null && count > mostPoints) {
    throw new UserError(
      `${source}: has ${count.toLocaleString('en')} points; to start more than ${mostPoints}, say --yes`,
    );
  }
  const folder = request.folder ?? join('results', file.name);
  // Refuses a sweep.json that is not ours: its content tells whose it is.
  const working = recordedFolder((await readPlan(folder))?.workingFolder ?? null);
  const points = expand(file, overlays, working.path);
  const chosen = selectPoints(points, request.filters);
  const gone = points.flatMap((point) =>
    isValid(point) ? [noteOnGone(working, point.config)] : [],
  );
  for (const key of keysWithoutEffect(file, points)) {
    reporter.note(`${source}: ${key} changes nothing in any point, and is left out`);
  }
  for (const note of new Set(gone)) if (note !== null) reporter.note(note);
  return { source, name: file.name, folder, workingFolder: working.path, points, chosen };
}
