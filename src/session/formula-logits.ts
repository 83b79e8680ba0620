// Logits of a network for images made by a formula, so that another program can check its weights
// without any data.
import type { Config } from '../catalogue/schema.js';
import type { ImageShape } from '../data/dataset.js';
import { networkInput } from '../data/resize.js';
import { buildModel } from '../models/models.js';
import type { TensorType } from '../native/types.js';
import { required } from '../util/errors.js';
import { hashedUniform } from '../util/hashed.js';
import { forward } from './forward.js';
import { openSession } from './session.js';
import { networkSlots, type State } from './slot.js';

/** What scripts/check_pytorch_weights.py reads. */
export interface FormulaLogits {
  /** Shape of the images as PyTorch has them: [N C H W]. */
  readonly input: readonly [number, number, number, number];
  /** In evaluation mode. [N][K] */
  readonly logits: readonly (readonly number[])[];
}

const IMAGES = 4;
/** Which stream of the formula the images are. */
const STREAM = 9999;

/**
 * Runs the network that `config` and `shape` describe, with the weights of `state`, on four images
 * with values from -1 to 1.
 */
export function formulaLogits(
  config: Pick<Config, 'model' | 'data'>,
  shape: Pick<ImageShape, 'height' | 'width' | 'channels' | 'classes'>,
  state: State,
): FormulaLogits {
  const input = networkInput(config.data, shape);
  const { height, width, channels, classes } = input;
  const network = buildModel(config.model, input);
  const images: TensorType = {
    dtype: 'float32',
    shape: [IMAGES, height, width, channels],
  };
  const slots = networkSlots(network);
  const functions = { forward: forward(network, images) };
  const session = openSession({ slots, held: {}, functions }, 'compiled');
  try {
    session.writeState(
      new Map(slots.map(({ name }) => [name, required(state.get(name), `state ${name}`)])),
    );
    const inputs = { input: formulaImages(IMAGES, height, width, channels) };
    const logits = [...required(session.run('forward', inputs)['logits'], 'the logits')];
    return {
      input: [IMAGES, channels, height, width],
      logits: Array.from({ length: IMAGES }, (_, i) =>
        logits.slice(i * classes, (i + 1) * classes),
      ),
    };
  } finally {
    session.dispose();
  }
}

/** [N H W C]; the formula counts elements in the order [N C H W]. */
function formulaImages(
  count: number,
  height: number,
  width: number,
  channels: number,
): Float32Array {
  const plane = height * width;
  return Float32Array.from({ length: count * plane * channels }, (_, i) => {
    const [pixel, channel] = [Math.floor(i / channels), i % channels];
    const [image, place] = [Math.floor(pixel / plane), pixel % plane];
    return 2 * hashedUniform(STREAM, (image * channels + channel) * plane + place);
  });
}
