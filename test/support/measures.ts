// The measures of classification, for tests of what is done with their numbers.
import { shapeOf } from '../../src/data/dataset.js';
import { makeSynthetic } from '../../src/data/synthetic.js';
import type { RunTraits } from '../../src/catalogue/task.js';
import type { Measure } from '../../src/session/measure.js';
import { classification } from '../../src/tasks/classification.js';
import { configFrom } from './configs.js';

const config = configFrom('smoke');

/** Of runs that have all of it but a validation set. */
export const measuresOf = (run: Partial<RunTraits> = {}): readonly Measure[] =>
  classification(config, shapeOf(makeSynthetic(config.data.synthetic, 1)), {
    climb: true,
    labelNoise: true,
    validation: false,
    ...run,
  }).measures;
