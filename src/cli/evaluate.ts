// What `fsam eval` does: a run's checkpoint on one of its sets.
import { bestOf, evaluationRows, taskOf } from '../catalogue/task.js';
import type { Config } from '../catalogue/schema.js';
import { isText, ofImages, type Dataset, type Split } from '../data/dataset.js';
import { hasLabelNoise } from '../data/label-noise.js';
import { loadCheckpoint } from '../experiment/checkpoint.js';
import { isOtherThan } from '../experiment/fingerprint.js';
import { formatOf } from '../experiment/metrics.js';
import { type Evaluation } from '../session/evaluation.js';
import { evaluatedState, type State } from '../session/slot.js';
import { createEngine } from '../tasks/engine.js';
import { formulaLogits } from '../session/formula-logits.js';
import { writeFileAtomically } from '../util/atomic-file.js';
import { required, UserError } from '../util/errors.js';
import { refuseOthersFile } from '../util/output-file.js';
import { print, tell } from './output.js';
import { openToRead, type ReadOptions } from './open-to-read.js';
import { bySet } from './reporter.js';

export interface EvalOptions extends ReadOptions {
  readonly split: Split;
  readonly logits?: string;
}

export async function evaluate(folder: string, options: EvalOptions): Promise<void> {
  const { split, logits } = options;
  if (logits !== undefined) {
    await refuseOthersFile('--logits', logits, ['input', 'logits']);
  }
  const run = await openToRead(folder, options, ({ data }) => {
    if (split === 'validation' && data.validation === null) {
      throw new UserError(
        '--split: got validation, wanted train or test: data.validation of this run holds nothing out',
      );
    }
  });
  const { config, dataset, checkpoint, isBest, inUse } = run;
  if (logits !== undefined && isText(dataset)) {
    throw new UserError(
      `--logits: got it for ${folder}, whose network reads tokens; wanted a run on images`,
    );
  }
  const engine = createEngine(config, dataset, {
    mode: 'compiled',
    evaluates: [split],
    trains: false,
  });
  try {
    const { progress, data } = await loadCheckpoint(checkpoint, engine);
    if (!hasLabelNoise(config.labelNoise) && isOtherThan(data, dataset)) {
      tell(
        `${dataset.source}: holds other ${taskOf(config).examples} than the run was trained with`,
      );
    }
    const best = isBest ? `, epoch ${progress.epoch}, the best ${bySet(bestOf(config))}` : '';
    tell(`${checkpoint}: ${progress.step} steps${best}, on ${inUse}`);
    // The set is read without its label noise, so that these are the true labels.
    const isNoisy = split === 'train' && hasLabelNoise(config.labelNoise);
    const labels = isNoisy ? ', against the labels before label noise' : '';
    printEvaluation(config, split, await engine.evaluate(split), labels);
    if (logits !== undefined) {
      const state = evaluatedState(engine.slots, engine.readState());
      await writeLogits(logits, config, dataset, state);
    }
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
  print(`${split} ${figures.join('  ')}  (${examples} ${taskOf(config).examples}${labels})`);
}

async function writeLogits(
  file: string,
  config: Config,
  dataset: Dataset,
  state: State,
): Promise<void> {
  await writeFileAtomically(
    file,
    `${JSON.stringify(formulaLogits(config, ofImages(dataset), state))}\n`,
  );
  tell(`logits written to ${file}`);
}
