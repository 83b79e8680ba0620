// What the networks of the golden tests learn: cross-entropy without smoothing.
import { shapeOf } from '../../../src/data/dataset.js';
import type { Task } from '../../../src/session/task.js';
import { createTask } from '../../../src/tasks/tasks.js';
import { tinyConfig, tinyDataset } from './engine.js';

const config = tinyConfig();

/** Of any images and classes. */
export const CROSS_ENTROPY: Pick<Task, 'loss' | 'count'> = createTask(
  config,
  shapeOf(tinyDataset(config)),
);
