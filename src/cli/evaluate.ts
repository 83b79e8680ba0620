// What `fsam eval` does: a run's checkpoint on one of its sets.
import { ABSENT } from '../catalogue/identity.js';
import { bestOf, evaluationRows, taskOf } from '../catalogue/task.js';
import { loadConfig } from '../config/load.js';
import { pathsFrom } from '../config/paths.js';
import type { Config } from '../catalogue/schema.js';
import { remarksOn, type Dataset, type Split } from '../data/dataset.js';
import { hasLabelNoise } from '../data/label-noise.js';
import { loadDataset } from '../data/load.js';
import { loadCheckpoint } from '../experiment/checkpoint.js';
import { refuseOtherClasses } from '../experiment/classes.js';
import { runFolder } from '../experiment/folder.js';
import { openRun } from '../experiment/open-run.js';
import { formatOf } from '../experiment/metrics.js';
import { begunWith, settingsToEvaluate } from '../experiment/processor.js';
import { noteOnGone, workingFolderOf } from '../experiment/working-folder.js';
import { openDevice } from '../native/device.js';
import { type Evaluation } from '../session/evaluation.js';
import { type State } from '../session/slot.js';
import { createEngine } from '../tasks/engine.js';
import { formulaLogits } from '../session/formula-logits.js';
import { writeFileAtomically } from '../util/atomic-file.js';
import { required, UserError } from '../util/errors.js';
import { refuseOthersFile } from '../util/output-file.js';
import { print, tell } from './output.js';
import { createRecordProgress } from './record-progress.js';
import { bySet } from './reporter.js';

export interface EvalOptions {
  readonly dataDir?: string;
  readonly device?: string;
  readonly checkpoint?: string;
  readonly split: Split;
  readonly logits?: string;
  readonly threads?: number;
}

export async function evaluate(folder: string, options: EvalOptions): Promise<void> {
  const { dataDir, device, split, logits, threads = null } = options;
  if (logits !== undefined) {
    await refuseOthersFile('--logits', logits, ['input', 'logits']);
  }
  const { checkpoint, isBest } = await openRun(folder, options.checkpoint ?? null);
  const overrides = { dataDirectory: dataDir, device };
  const working = await workingFolderOf(runFolder(folder));
  const written = { config: runFolder(folder).config, assignments: [], beneath: ABSENT };
  const config = loadConfig({ ...written, overrides, workingFolder: working.path });
  const note = noteOnGone(working, { ...config, labelNoise: { ...config.labelNoise, file: null } });
  if (note !== null) tell(note);
  if (split === 'validation' && config.data.validation === null) {
    throw new UserError(
      '--split: got validation, wanted train or test: data.validation of this run holds no images out',
    );
  }
  const settings = settingsToEvaluate(await begunWith(runFolder(folder)), threads);
  const { inUse } = openDevice(config.device, settings);
  const indexing = createRecordProgress();
  const { data } = pathsFrom(working.path, config);
  const dataset = await loadDataset(data, config.seed, indexing.index).finally(indexing.close);
  for (const line of remarksOn(dataset)) tell(line);
  await refuseOtherClasses(runFolder(folder).classes, dataset);
  const engine = createEngine(config, dataset, {
    mode: 'compiled',
    evaluates: [split],
    trains: false,
  });
  try {
    const { progress } = await loadCheckpoint(checkpoint, engine);
    const best = isBest ? `, epoch ${progress.epoch}, the best ${bySet(bestOf(config))}` : '';
    tell(`${checkpoint}: ${progress.step} steps${best}, on ${inUse}`);
    // The set is read without its label noise, so that these are the true labels.
    const isNoisy = split === 'train' && hasLabelNoise(config.labelNoise);
    const labels = isNoisy ? ', against the labels before label noise' : '';
    printEvaluation(config, split, await engine.evaluate(split), labels);
    if (logits !== undefined) await writeLogits(logits, config, dataset, engine.readState());
  } finally {
    engine.dispose();
  }
}

/** Digits as in metrics.csv. */
function printEvaluation(
  config: Config,
  split: Split,
  { examples, numbers }: Evaluation,
  labels: string,
): void {
  const figures = evaluationRows(taskOf(config), split).map(({ column, called, unit }) => {
    const value = formatOf(unit)(required(numbers[column], column));
    return `${called} ${value}${unit === 'percent' ? ' %' : ''}`;
  });
  print(`${split} ${figures.join('  ')}  (${examples} images${labels})`);
}

async function writeLogits(
  file: string,
  config: Config,
  dataset: Dataset,
  state: State,
): Promise<void> {
  await writeFileAtomically(file, `${JSON.stringify(formulaLogits(config, dataset, state))}\n`);
  tell(`logits written to ${file}`);
}
