// The whole graph of one small training step, as `fsam graph` prints it: whatever changes it shows as a diff of
// test/golden/step-listing.txt.
//
// Renewed, once the diff is what was meant, by: npx vitest run test/native/listing.test.ts --update
import { expect, test } from 'vitest';
import { configSchema } from '../../src/catalogue/schema.js';
import { datasetShape } from '../../src/data/load.js';
import { openDevice } from '../../src/native/device.js';
import { describeStep } from '../../src/tasks/engine.js';

/** F-SAM over the smallest network with convolutions of every kind that ours are. */
const config = configSchema.parse({
  name: 'listing',
  batchSize: 4,
  data: { name: 'synthetic', synthetic: { train: 8, test: 4, size: 8, channels: 3, classes: 4 } },
  augmentation: { cropPadding: 1, cutout: 4 },
  model: { name: 'wrn-10-1', width: 4 },
  optimizer: { name: 'fsam' },
});

test('one step of F-SAM', async () => {
  // A GPU would have other convolutions.
  openDevice('cpu');
  const shape = { ...(await datasetShape(config.data, config.seed)), labelNoise: false };
  await expect(`${describeStep(config, shape)}\n`).toMatchFileSnapshot(
    '../golden/step-listing.txt',
  );
});
