// Writes weights made by a formula, for the experiments on pretrained weights in configs/tiny/:
//
//     node scripts/fill-weights.mjs configs/tiny/transfer-cifar10-deit-s.yaml data/filled-deit-s.safetensors
//
// The file is as timm would write it: PyTorch's axes, timm's names. It has the network of the experiment for images of two
// patches a side and seven classes, so that its positions are resampled and its classifier is left out. The same bytes each time.
import { compiled } from './compiled.mjs';

const [experiment, out] = process.argv.slice(2);
if (experiment === undefined || out === undefined || experiment.startsWith('-')) {
  console.error('usage: node scripts/fill-weights.mjs EXPERIMENT FILE');
  process.exit(2);
}

const { loadConfig } = /** @type {typeof import('../src/config/load.js')} */ (
  await compiled('config/load.js')
);
const { buildModel } = /** @type {typeof import('../src/models/models.js')} */ (
  await compiled('models/models.js')
);
const { shapeToPytorch } = /** @type {typeof import('../src/nn/pytorch-layout.js')} */ (
  await compiled('nn/pytorch-layout.js')
);
const { writeSafetensors } = /** @type {typeof import('../src/util/safetensors.js')} */ (
  await compiled('util/safetensors.js')
);
const { hashedUniform } = /** @type {typeof import('../src/util/hashed.js')} */ (
  await compiled('util/hashed.js')
);

const { model } = loadConfig({ config: experiment, assignments: [], overrides: {} });
const side = 2 * (model.patch ?? 16);
// The embedded set is grey.
const network = buildModel(model, { height: side, width: side, channels: 1, classes: 7 });

/** @param {readonly number[]} shape */
const sizeOf = (shape) => shape.reduce((product, extent) => product * extent, 1);

/**
 * Weights by their fan-in, scales of normalisations about 1, all others about 0: as test/golden/README.md has it.
 *
 * @param {string} name
 * @param {readonly number[]} shape in PyTorch's order
 */
function range(name, shape) {
  if (shape.length === 4) return [2 * Math.sqrt(6 / sizeOf(shape.slice(1))), 0];
  if (shape.length === 2) return [2 * Math.sqrt(3 / sizeOf(shape.slice(1))), 0];
  return [0.2, shape.length === 1 && name.endsWith('.weight') ? 1 : 0];
}

const tensors = network.parameters.tensors.map(({ name, shape: ours }, k) => {
  const shape = shapeToPytorch({ name, shape: ours });
  const [factor = 0, base = 0] = range(name, shape);
  const data = Float32Array.from(
    { length: sizeOf(shape) },
    (_, i) => base + factor * hashedUniform(k, i),
  );
  return { name, shape, data };
});
await writeSafetensors(out, tensors, { format: 'pt' });
console.log(`${out}: ${network.parameters.size.toLocaleString('en')} numbers by the formula`);
