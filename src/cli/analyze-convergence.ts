// What `fsam analyze convergence` does: probed runs side by side.
import { existsSync } from 'node:fs';
import { lockAnalyses, writeResults } from '../analysis/analyse.js';
import { analyseConvergence } from '../analysis/convergences.js';
import { taskOf } from '../catalogue/task.js';
import { runFolder } from '../experiment/folder.js';
import { readEveryProbe } from '../experiment/probes.js';
import { copyNotes, pointsOf } from '../report/points.js';
import { lastNumber, readRuns, type Run } from '../report/runs.js';
import { counted } from '../util/counted.js';
import { required, UserError } from '../util/errors.js';
import { makeFolders } from '../util/folders.js';
import { refuseFoldersOfRuns } from './analysis-folder.js';
import { refuseDamaged } from './make-report.js';
import { print, tell } from './output.js';

export async function analyzeConvergence(
  paths: readonly string[],
  { out }: { readonly out?: string },
): Promise<void> {
  const [first = ''] = paths;
  if (out === undefined && paths.length > 1) {
    throw new UserError('--out: missing, wanted the folder for the analysis of several paths');
  }
  const { runs, unfinished, damaged } = await readRuns(paths);
  if (out !== undefined) {
    refuseFoldersOfRuns(out, runs.length === 1 ? runs.map(({ folder }) => folder) : []);
  }
  const probesOf = (folder: string) => runFolder(folder).probes;
  const probed = runs.filter(({ folder }) => existsSync(probesOf(folder)));
  if (probed.length === 0) {
    const all = paths.join(', ');
    throw new UserError(
      runs.length === 0
        ? `${all}: got no finished run (${counted(unfinished.length, 'unfinished one')}), wanted one with a probes.csv`
        : `${all}: none of the ${runs.length} finished runs has a probes.csv; train with probes.every`,
    );
  }
  if (unfinished.length > 0) tell(`${counted(unfinished.length, 'unfinished run')} left out`);
  const points = pointsOf(probed, probedBy);
  for (const note of copyNotes(points)) tell(note);
  const read = points.flatMap(({ label, runs: ofPoint }) =>
    ofPoint.map(async ({ folder, config, epochs }) => ({
      label,
      seed: config.seed,
      samples: config.probes.samples,
      examples: taskOf(config).examples,
      rows: await readEveryProbe(
        probesOf(folder),
        config,
        required(lastNumber(epochs, 'step') ?? undefined, 'steps'),
      ),
    })),
  );
  const results = analyseConvergence(await Promise.all(read));
  const folder = out ?? runFolder(first).analysis;
  await makeFolders(folder);
  const lock = await lockAnalyses(folder);
  const files = await writeResults(folder, 'convergence', results).finally(lock.release);
  for (const line of [...results.lines, '', ...files]) print(line);
  refuseDamaged(damaged);
}

/** What decides which full gradient it is, and over which steps it is meant. */
const probedBy = ({ config: { probes } }: Run): ReadonlyMap<string, unknown> =>
  new Map<string, unknown>([
    ['probes.every', probes.every],
    // In a label a number has the name of its key, a word has none.
    ['probes.samples', probes.samples === 'all' ? 'samples-all' : probes.samples],
  ]);
