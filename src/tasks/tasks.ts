// The task that a configuration names, over its data set.
import { climbs } from '../catalogue/optimizers.js';
import type { Config } from '../catalogue/schema.js';
import { taskNameOf } from '../catalogue/task.js';
import type { TaskName } from '../catalogue/tasks.js';
import type { DatasetShape } from '../data/dataset.js';
import type { CreateTask, Task } from '../session/task.js';
import { classification } from './classification.js';
import { language } from './language.js';

const CREATES: Readonly<Record<TaskName, CreateTask>> = { classification, language };

export const createTask = (config: Config, shape: DatasetShape): Task =>
  CREATES[taskNameOf(config)](config, shape, {
    climb: climbs(config.optimizer),
    labelNoise: shape.labelNoise,
    validation: shape.validationCount > 0,
  });
