// What `fsam graph` prints: the training step as it is handed to TensorFlow.
import { loadConfig, type ConfigRequest } from '../config/load.js';
import { hasLabelNoise } from '../data/label-noise.js';
import { knownShape } from '../data/load.js';
import { openDevice } from '../native/device.js';
import { describeStep } from '../tasks/engine.js';
import { print, tell } from './output.js';

export async function printStep(request: ConfigRequest): Promise<void> {
  const config = loadConfig(request);
  const known = await knownShape(config.data, config.seed);
  if (known.note !== null) tell(known.note);
  const shape = { ...known.shape, labelNoise: hasLabelNoise(config.labelNoise) };
  openDevice(config.device);
  print(describeStep(config, shape));
}
