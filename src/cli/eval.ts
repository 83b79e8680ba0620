// fsam eval: loss and accuracy of a run's checkpoint.
import { Option, type Command } from 'commander';
import type { Config } from '../config/schema.js';
import type { Dataset } from '../data/dataset.js';
import type { Evaluation, Split, State } from '../train/engine.js';
import { UserError } from '../util/errors.js';
import { print, tell } from './output.js';
import { threadNumber } from './whole-number.js';

interface EvalOptions {
  readonly dataDir?: string;
  readonly device?: string;
  readonly checkpoint?: string;
  readonly split: Split;
  readonly probe?: string;
  readonly threads?: number;
}

export function registerEval(program: Command): void {
  program
    .command('eval')
    .description("Prints loss and accuracy of a run's newest checkpoint.")
    .argument('<run-folder>', 'such as results/quickstart/VARIANT/seed-1')
    .option(
      '--data-dir <path>',
      "where the data set is now (default: as the run's config.yaml says)",
    )
    .option('--device <device>', 'auto, cpu or gpu')
    .option(
      '--checkpoint <file>',
      'best (of checkpoint.keepBest), or another checkpoint of the same network and optimizer',
    )
    .addOption(
      new Option('--split <split>', 'images to evaluate on, without augmentation')
        .choices(['train', 'validation', 'test'])
        .default('test'),
    )
    .option('--threads <n>', 'threads that compute (default: as the run)', threadNumber)
    .option('--probe <file>', 'also write logits for scripts/check_pytorch_weights.py there')
    .action(evaluate);
}

async function evaluate(folder: string, options: EvalOptions): Promise<void> {
  const { dataDir, device, split, probe, threads = null } = options;
  if (probe !== undefined) {
    const { refuseOthersFile } = await import('../util/output-file.js');
    await refuseOthersFile('--probe', probe, ['input', 'logits']);
  }
  const { openRun, runFolder } = await import('../experiment/folder.js');
  const { checkpoint, isBest } = await openRun(folder, options.checkpoint ?? null);
  const { loadConfig } = await import('../config/load.js');
  const overrides = { dataDirectory: dataDir, device };
  const { ABSENT } = await import('../catalogue/identity.js');
  const { noteOnGone, workingFolderOf } = await import('../experiment/working-folder.js');
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
  const { openDevice } = await import('../native/device.js');
  const { begunWith, settingsToEvaluate } = await import('../experiment/processor.js');
  const settings = settingsToEvaluate(await begunWith(runFolder(folder)), threads);
  const { inUse } = await openDevice(config.device, settings);
  const { loadDataset } = await import('../data/load.js');
  const { hasLabelNoise } = await import('../data/label-noise.js');
  const { pathsFrom } = await import('../config/paths.js');
  const dataset = await loadDataset(pathsFrom(working.path, config).data, config.seed);
  for (const line of dataset.passedOver ?? []) {
    tell(`not whole: ${line}; reading ${dataset.source}`);
  }
  // Only now: this loads TensorFlow, which openDevice has made ready for the device.
  const { createEngine } = await import('../train/engine.js');
  const { loadCheckpoint } = await import('../experiment/checkpoint.js');
  const engine = createEngine(config, dataset, { mode: 'compiled' });
  try {
    const { progress } = await loadCheckpoint(checkpoint, engine);
    const { bestBy } = await import('../experiment/metrics.js');
    const { bySet } = await import('./reporter.js');
    const best = isBest ? `, epoch ${progress.epoch}, the best ${bySet(bestBy(config))}` : '';
    tell(`${checkpoint}: ${progress.step} steps${best}, on ${inUse}`);
    // The set is read without its label noise, so that these are the true labels.
    const isNoisy = split === 'train' && hasLabelNoise(config.labelNoise);
    const labels = isNoisy ? ', against the labels before label noise' : '';
    printEvaluation(split, engine.evaluate(split), labels);
    if (probe !== undefined) await writeProbe(probe, config, dataset, engine.readState());
  } finally {
    engine.dispose();
  }
}

/** Digits as in metrics.csv. */
function printEvaluation(
  split: string,
  { images, loss, correct }: Evaluation,
  labels: string,
): void {
  const accuracy = ((100 * correct) / images).toFixed(3);
  print(
    `${split} loss ${loss.toPrecision(7)}  accuracy ${accuracy} %  (${images} images${labels})`,
  );
}

async function writeProbe(
  file: string,
  config: Config,
  dataset: Dataset,
  state: State,
): Promise<void> {
  const { probe } = await import('../train/probe.js');
  const { writeFileAtomically } = await import('../util/atomic-file.js');
  await writeFileAtomically(file, `${JSON.stringify(probe(config, dataset, state))}\n`);
  tell(`logits written to ${file}`);
}
