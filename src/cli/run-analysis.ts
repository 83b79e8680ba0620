// What the commands below `fsam analyze` do with a run.
import { isDeepStrictEqual } from 'node:util';
import { analyse, type Analysis } from '../analysis/analyse.js';
import type { Results } from '../analysis/context.js';
import type { OneAxis } from '../analysis/directions.js';
import { ALONG_RUN, alongHessians } from '../analysis/figures.js';
import { analyseHessian } from '../analysis/hessian.js';
import {
  analyseMemorization,
  memorizationFigure,
  refuseRightLabels,
} from '../analysis/memorization.js';
import { hashOf, openAnalysed, readAnalysed, type Opened } from '../analysis/opened.js';
import { analyseSharpness } from '../analysis/sharpnesses.js';
import { analyseLandscape } from '../analysis/slices.js';
import { analyseSpectrum } from '../analysis/spectrum.js';
import { networkValues } from '../catalogue/identity.js';
import { fsamVersion } from '../experiment/environment.js';
import { refuseOtherClasses } from '../experiment/classes.js';
import { listCheckpoints, runFolder, type RunFolder } from '../experiment/folder.js';
import { openRun } from '../experiment/open-run.js';
import { largestPart } from '../experiment/steps.js';
import { batchNormOf, type BatchNormMode } from '../session/objective.js';
import { counted } from '../util/counted.js';
import { required, UserError } from '../util/errors.js';
import { isIn, refuseFoldersOfRuns } from './analysis-folder.js';
import { Interrupted } from './failure.js';
import { openToRead, type ReadOptions } from './open-to-read.js';
import { print, tell } from './output.js';
import { createRecordProgress } from './record-progress.js';
import { sharpnessesOf, type SharpnessFlags } from './sharpness-options.js';
import { watchSignals } from './signals.js';
import { refuseUnused } from './unused-options.js';

export type AnalysisName = 'hessian' | 'spectrum' | 'sharpness' | 'landscape' | 'memorization';

/** As commander names them; each command has some. */
export interface AnalyzeOptions extends ReadOptions, SharpnessFlags {
  readonly run: string;
  readonly alongRun?: boolean;
  readonly out?: string;
  readonly batchNorm?: BatchNormMode;
  readonly split?: 'train' | 'test';
  readonly samples?: number;
  readonly batch?: number;
  readonly seed?: number;
  readonly top?: number;
  readonly bottom?: number;
  readonly tolerance?: number;
  readonly probes?: number;
  readonly runs?: number;
  readonly kind?: 'line' | 'plane' | 'path';
  readonly to?: string;
  readonly oneAxis?: OneAxis;
  readonly range?: number;
  readonly points?: number;
}

/**
 * 1. Open the run and its images.
 * 2. Analyse, until a signal comes.
 * 3. Print what was found, and where it stands.
 */
export async function runAnalysis(name: AnalysisName, options: AnalyzeOptions): Promise<void> {
  const controller = new AbortController();
  const watch = watchSignals((signal) => {
    tell(`${signal}: leaving after the pass under way; a second Ctrl-C leaves at once`);
    controller.abort(new Interrupted(signal, 'the same command goes on'));
  });
  const bar = createRecordProgress();
  const progress = throttled(bar.show);
  try {
    const run = await openToRead(options.run, options, () => undefined);
    controller.signal.throwIfAborted();
    const opened = await openAnalysed(run.config, run.dataset);
    refuseOtherRuns(options, run);
    const other = await otherEnd(options, opened);
    const analysis = analysisOf(name, options, opened, other?.weights ?? null);
    const checkpoints =
      options.alongRun === true || name === 'memorization'
        ? (await listCheckpoints(run.folder)).reverse()
        : [run.checkpoint];
    tell(
      `${run.folder.path}: ${name} of ${counted(checkpoints.length, 'checkpoint')} on ${run.inUse}`,
    );
    const { split = 'train', samples = 5000, seed = 1 } = options;
    const batchNorm = batchNormOf(opened.network, options.batchNorm ?? 'evaluation');
    const batch = options.batch ?? largestPart(run.config);
    const { lines, files } = await analyse({
      analysis,
      opened,
      checkpoints,
      options: { split, samples, seed, batchNorm, batch },
      question: { ...questionOf(options), to: other?.hash, version: await fsamVersion() },
      folder: options.out ?? run.folder.analysis,
      signal: controller.signal,
      progress,
      note: tell,
    });
    bar.close();
    for (const line of [...lines, '', ...files]) print(line);
  } finally {
    bar.close();
    watch.release();
  }
}

/** Lines of a log do not come faster than this. */
const QUIET_MILLISECONDS = 10_000;

/** On a terminal a bar shows all; elsewhere a line now and then does. */
function throttled(show: (doing: string, done: number, of: number) => void): typeof show {
  if (process.stderr.isTTY) return show;
  let told = performance.now();
  return (doing, done, of) => {
    if (performance.now() - told < QUIET_MILLISECONDS) return;
    told = performance.now();
    tell(`${doing}: ${done} of ${of} at most`);
  };
}

/** All that changes the answer; where things lie and how they are computed does not. */
function questionOf(options: AnalyzeOptions): Record<string, unknown> {
  const elsewhere = ['run', 'to', 'out', 'dataDir', 'device', 'threads'];
  return Object.fromEntries(Object.entries(options).filter(([name]) => !elsewhere.includes(name)));
}

/** Of a line or path. Each is a pass over the sample. */
const MOST_POINTS = 10_000;
/** Along either axis of a plane. */
const MOST_ACROSS = 200;

function analysisOf(
  name: AnalysisName,
  options: AnalyzeOptions,
  opened: Opened,
  to: Float32Array | null,
): Analysis {
  // Commander gives what a command has a default for.
  const has = <K extends keyof AnalyzeOptions>(key: K): NonNullable<AnalyzeOptions[K]> =>
    required(options[key] ?? undefined, key);
  switch (name) {
    case 'hessian': {
      const [top, bottom, steps] = [has('top'), has('bottom'), has('steps')];
      const all = { top, bottom, steps, tolerance: has('tolerance'), probes: has('probes') };
      if (all.probes < 2) {
        throw new UserError('--probes: got 1, wanted 2 at least: one has no error');
      }
      if (top + bottom > steps) {
        throw new UserError(
          `--top, --bottom: got ${top} and ${bottom}, wanted no more together than --steps, ${steps}`,
        );
      }
      return {
        name,
        analyse: (context) => analyseHessian(context, all),
        figures: ['hessian-traces', ALONG_RUN],
        along: alongHessians,
      };
    }
    case 'spectrum': {
      const all = { runs: has('runs'), steps: has('steps') };
      return { name, analyse: (context) => analyseSpectrum(context, all), figures: [name] };
    }
    case 'sharpness': {
      const all = sharpnessesOf(options);
      return { name, analyse: (context) => analyseSharpness(context, all), figures: [] };
    }
    case 'landscape': {
      const kind = has('kind');
      const { points = kind === 'plane' ? 11 : 25 } = options;
      if (points < 2) throw new UserError('--points: got 1, wanted 2 at least');
      const most = kind === 'plane' ? MOST_ACROSS : MOST_POINTS;
      if (points > most) {
        throw new UserError(
          `--points: got ${points} with --kind ${kind}, wanted ${most} at most along an axis`,
        );
      }
      const { range = 1, oneAxis = 'zero' } = options;
      if (kind === 'path') {
        const why = 'goes straight from one run to the other';
        refuseUnused(options, ['range', 'oneAxis'], `--kind path, which ${why}`);
      }
      const all = { kind, range, oneAxis, points, to };
      // Each kind has files of its own.
      const named = `landscape-${kind}`;
      return {
        name: named,
        analyse: (context): Promise<Results> => analyseLandscape(context, all),
        figures: [named],
      };
    }
    case 'memorization':
      refuseRightLabels(opened, options.run);
      return { name, analyse: analyseMemorization, figures: [name], along: memorizationFigure };
    default:
      return name satisfies never;
  }
}

/** What is found stands for the run in whose folder it lies. */
function refuseOtherRuns(
  { checkpoint, out }: AnalyzeOptions,
  run: { readonly folder: RunFolder; readonly checkpoint: string },
): void {
  const { path, checkpoints } = run.folder;
  if (checkpoint !== undefined && !isIn(path, run.checkpoint)) {
    throw new UserError(
      `--checkpoint ${checkpoint}: is not of ${path}, wanted one of ${checkpoints}, or best`,
    );
  }
  if (out !== undefined) refuseFoldersOfRuns(out, [path]);
}

/** The weights at the other end of a path, and what tells their checkpoint from others; null where there is no path. */
async function otherEnd(
  { kind, to, batchNorm }: AnalyzeOptions,
  opened: Opened,
): Promise<{ readonly weights: Float32Array; readonly hash: string } | null> {
  if (kind !== 'path') {
    if (to === undefined) return null;
    throw new UserError(
      `--to: got ${to} with --kind ${kind ?? ''}, which has no other end; wanted --kind path`,
    );
  }
  if (to === undefined) {
    throw new UserError('--to: missing, wanted the folder of the run at the other end of the path');
  }
  if (batchNorm === 'evaluation' && opened.network.statistics.size > 0) {
    throw new UserError(
      '--batch-norm: got evaluation with --kind path, where the statistics of this run are not those of the other; wanted recalibrated or batch',
    );
  }
  const { config, checkpoint } = await openRun(to, null);
  const [own, others] = [networkValues(opened.config), networkValues(config)];
  const differing = [...new Set([...own.keys(), ...others.keys()])]
    .filter((key) => !isDeepStrictEqual(own.get(key), others.get(key)))
    .map((key) => `${key} ${JSON.stringify(others.get(key))}, not ${JSON.stringify(own.get(key))}`);
  if (differing.length > 0) {
    throw new UserError(`--to ${to}: is of another network (${differing.join('; ')})`);
  }
  await refuseOtherClasses(runFolder(to).classes, opened.dataset);
  // With its own optimizer and weight average, which say what its checkpoint holds.
  const { state } = await readAnalysed({ config, dataset: opened.dataset }, checkpoint);
  const weights = required(state.get('parameters'), 'the weights');
  return { weights, hash: await hashOf(checkpoint) };
}
