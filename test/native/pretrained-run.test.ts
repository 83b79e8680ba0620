// Runs that begin with weights from a file: resumed to the byte, exported and begun with again, and better than from
// scratch.
import { appendFileSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { configSchema, type Config } from '../../src/catalogue/schema.js';
import { exportWeights } from '../../src/experiment/export-weights.js';
import { runFolder } from '../../src/experiment/folder.js';
import { openRun } from '../../src/experiment/open-run.js';
import { sha256OfFile } from '../../src/util/file-hash.js';
import { readHeader } from '../../src/util/safetensors.js';
import { messageOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';
import { resultOf, tensorsOf } from '../unit/experiment-support.js';
import { sitting } from './support/sitting.js';

/** Two layers, on synthetic images. */
function configOf(model: object, keys: object = {}, classes = 3): Config {
  return configSchema.parse({
    name: 'transfer',
    epochs: 2,
    batchSize: 8,
    evaluationBatchSize: 20,
    data: { name: 'synthetic', synthetic: { train: 20, test: 20, size: 16, classes } },
    model: { name: 'vit', width: 8, patch: 4, layers: 2, heads: 2, dropPath: 0.2, ...model },
    optimizer: { name: 'fsam', base: 'adamw', rho: 0.05, weightDecay: 0.05 },
    schedule: { learningRate: 0.001 },
    weightAverage: 0.5,
    ...keys,
  });
}

let [donor, weights] = ['', ''];

beforeAll(async () => {
  donor = join(temporaryFolder(), 'donor');
  await sitting(configOf({}), donor, Infinity);
  weights = join(temporaryFolder(), 'weights.safetensors');
  const { checkpoint } = await openRun(donor, null);
  await exportWeights(checkpoint, weights, 'pytorch');
});

describe('a run that begins with exported weights', () => {
  test('stopped and resumed gives the bytes of the straight one', async () => {
    const root = temporaryFolder();
    const [straight, stopped] = [join(root, 'straight'), join(root, 'stopped')];
    const own = join(root, 'weights.safetensors');
    await exportWeights((await openRun(donor, null)).checkpoint, own, 'pytorch');
    const config = configOf({ pretrained: own });
    await sitting(config, straight, Infinity);
    for (const stopAfter of [2, Infinity]) await sitting(config, stopped, stopAfter);
    expect(await resultOf(stopped)).toEqual(await resultOf(straight));
    const scratch = join(root, 'scratch');
    await sitting(configOf({}), scratch, Infinity);
    expect((await resultOf(scratch)).csv).not.toBe((await resultOf(straight)).csv);

    const environment = JSON.parse(readFileSync(runFolder(stopped).environment, 'utf8')) as Record<
      string,
      unknown
    >;
    expect(environment['pretrained']).toEqual({ file: own, sha256: await sha256OfFile(own) });
  });

  test('is not gone on with under another content, and needs the file no more', async () => {
    const root = temporaryFolder();
    const own = join(root, 'weights.safetensors');
    await exportWeights((await openRun(donor, null)).checkpoint, own, 'fsam');
    const folder = join(root, 'run');
    const config = configOf({ pretrained: own });
    await sitting(config, folder, 2);
    appendFileSync(own, ' ');
    expect(await messageOf(sitting(config, folder, 1))).toMatch(
      /^model\.pretrained: .*weights\.safetensors: got another content \(sha256 [0-9a-f]{12}\) than the run in .* began with/,
    );
    rmSync(own);
    expect(await sitting(config, folder, Infinity)).toBe('finished');
    expect(await messageOf(sitting(configOf({}), folder, 1))).toContain('model.pretrained');
  });
});

test('a run that was killed before its first checkpoint begins anew with the same content alone', async () => {
  const root = temporaryFolder();
  const own = join(root, 'weights.safetensors');
  await exportWeights((await openRun(donor, null)).checkpoint, own, 'fsam');
  const folder = join(root, 'run');
  const config = configOf({ pretrained: own });
  await sitting(config, folder, 1);
  rmSync(runFolder(folder).checkpoints, { recursive: true });
  const other = join(root, 'other');
  await sitting(configOf({}, { seed: 2 }), other, Infinity);
  await exportWeights((await openRun(other, null)).checkpoint, own, 'fsam');
  expect(await messageOf(sitting(config, folder, 1))).toMatch(
    /weights\.safetensors: got another content .* bring that file back, or start anew with --overwrite$/,
  );
  await exportWeights((await openRun(donor, null)).checkpoint, own, 'fsam');
  expect(await sitting(config, folder, Infinity)).toBe('finished');
});

test('exported weights are the averaged ones, and the names and axes are PyTorch’s', async () => {
  const { checkpoint } = await openRun(donor, null);
  const state = await tensorsOf(checkpoint);
  const { metadata, tensors } = await readHeader(weights);
  expect(metadata['format']).toBe('pt');
  const exported = await tensorsOf(weights);
  const shapes = Object.fromEntries(tensors.map(({ name, shape }) => [name, shape]));
  expect(shapes['patch_embed.proj.weight']).toEqual([8, 3, 4, 4]);
  expect(shapes['blocks.1.mlp.fc1.weight']).toEqual([32, 8]);
  expect(exported['norm.weight']).toEqual(state['average.norm.weight']);
  expect(exported['norm.weight']).not.toEqual(state['norm.weight']);
  // [in out] -> [out in]: one step along out is one number there, and 8 here.
  const [ours, theirs] = [
    state['average.blocks.1.mlp.fc1.weight'],
    exported['blocks.1.mlp.fc1.weight'],
  ];
  expect(theirs?.[8 * 5 + 3]).toBe(ours?.[32 * 3 + 5]);
  const kernel = state['average.patch_embed.proj.weight'];
  // [kh kw I O] -> [O I kh kw]
  expect(exported['patch_embed.proj.weight']?.[((7 * 3 + 2) * 4 + 1) * 4 + 3]).toBe(
    kernel?.[((1 * 4 + 3) * 3 + 2) * 8 + 7],
  );
});

test.each(['pytorch', 'fsam'] as const)(
  '%s names: begun with at rate 0, they are kept',
  async (names) => {
    const own = join(temporaryFolder(), 'weights.safetensors');
    await exportWeights((await openRun(donor, null)).checkpoint, own, names);
    const folder = join(temporaryFolder(), 'still');
    const still = { weightAverage: null, maxSteps: 1, schedule: { learningRate: 1e-30 } };
    await sitting(configOf({ pretrained: own }, still), folder, Infinity);
    const [before, after] = [
      await tensorsOf((await openRun(donor, null)).checkpoint),
      await tensorsOf((await openRun(folder, null)).checkpoint),
    ];
    expect(after['blocks.0.attn.qkv.weight']).toEqual(before['average.blocks.0.attn.qkv.weight']);
    expect(after['head.weight']).toEqual(before['average.head.weight']);
    // For other classes the classifier is drawn.
    const other = join(temporaryFolder(), 'other');
    await sitting(configOf({ pretrained: own }, still, 5), other, Infinity);
    const drawn = await tensorsOf((await openRun(other, null)).checkpoint);
    expect(drawn['head.weight']).toHaveLength(40);
    expect(drawn['norm.bias']).toEqual(before['average.norm.bias']);
  },
);

test('a network of ImageNet’s shape that knows other patterns learns new ones in an epoch that from scratch does not', async () => {
  const root = temporaryFolder();
  const of = (keys: object, synthetic: object, pretrained: string | null) =>
    configSchema.parse({
      name: 'transfer',
      data: { name: 'synthetic', synthetic: { size: 32, ...synthetic } },
      augmentation: { cropPadding: 2, cutout: 0 },
      model: { name: 'imagenet-resnet18', width: 8, pretrained },
      optimizer: { name: 'fsam', rho: 0.05 },
      schedule: { learningRate: 0.05 },
      ...keys,
    });
  const known = join(root, 'known');
  const donorConfig = of({ epochs: 3, batchSize: 32 }, { train: 512, test: 64, classes: 8 }, null);
  await sitting(donorConfig, known, Infinity);
  const { checkpoint } = await openRun(known, null);
  const accuracyOf = async (seed: number, pretrained: string | null) => {
    const folder = join(root, `${seed}-${pretrained === null ? 'scratch' : 'pretrained'}`);
    const target = { train: 120, test: 240, classes: 6 };
    await sitting(of({ seed, epochs: 1, batchSize: 16 }, target, pretrained), folder, Infinity);
    const [header = '', row = ''] = readFileSync(runFolder(folder).metrics, 'utf8').split('\n');
    return Number(row.split(',')[header.split(',').indexOf('test_accuracy')]);
  };
  // Other seeds draw other patterns. Chance is 17 %.
  for (const seed of [2, 4]) {
    expect(await accuracyOf(seed, null)).toBeLessThan(40);
    expect(await accuracyOf(seed, checkpoint)).toBeGreaterThan(60);
  }
});
