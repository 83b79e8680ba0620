// scripts/bench_pytorch.py: its networks and steps are the authors' (test/golden), and ours.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { timePytorch } from '../../src/cli/bench-pytorch.js';
import { LISTED_NETWORKS, networkOf } from '../../src/catalogue/network.js';
import { NETWORKS, type NetworkOption } from '../../src/catalogue/networks.js';
import { modelSchema, type ModelConfig } from '../../src/catalogue/schema.js';
import { buildModel } from '../../src/models/models.js';
import { processorFlags } from '../../src/native/onednn.js';
import { configFrom, yamlIn } from '../support/configs.js';

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const SCRIPTS = here('../../scripts');
const GOLDEN = here('../golden');
const CONFIGS = here('../../configs');

const python = process.env['FSAM_TEST_PYTHON'] ?? 'python3';
const hasTorch = spawnSync(python, ['-c', 'import torch']).status === 0;
const title = `in ${python}${hasTorch ? '' : ', which has no torch (FSAM_TEST_PYTHON names another)'}`;

function ask(args: readonly string[], input = '', variables: NodeJS.ProcessEnv = {}): unknown {
  const { status, stdout, stderr } = spawnSync(python, args, {
    input,
    encoding: 'utf8',
    env: { ...process.env, ...variables },
  });
  expect([status, stderr]).toEqual([0, '']);
  return JSON.parse(stdout);
}

/** Options of networks, and what they are called in Python. */
const OPTIONS = {
  width: 'width',
  dropout: 'dropout',
  dropPath: 'drop_path',
  stageBlocks: 'stage_blocks',
  block: 'block',
  patch: 'patch',
  layers: 'layers',
  heads: 'heads',
  bias: 'bias',
  tied: 'tied',
} satisfies Record<NetworkOption | 'width', string>;

/** HWIO -> OIHW, [in out] -> [out in]. */
function theirShape(shape: readonly number[]): readonly number[] {
  const order = { 4: [3, 2, 0, 1], 2: [1, 0] }[shape.length];
  return order === undefined ? shape : order.map((axis) => shape[axis] as number);
}

/** Sizes of images that a network takes. */
const sideOf = ({ name }: ModelConfig) => (name.startsWith('imagenet') ? 64 : 32);

describe.skipIf(!hasTorch)(title, () => {
  it('gives the golden logits and losses', () => {
    const script = here('../fixtures/pytorch-golden.py');
    const found = ask([script, SCRIPTS, GOLDEN]) as Record<string, Record<string, number>>;
    const count = (group: string) => Object.keys(found[group] ?? {}).length;
    const groups = ['networks', 'vit', 'decay', 'optimizers', 'family'];
    expect(groups.map(count)).toEqual([7, 1, 5, 8, 10]);
    const apart = Object.entries({ ...found['networks'], ...found['vit'] });
    expect(apart.filter(([, distance]) => !(distance < 1e-4))).toEqual([]);
    // Scales that are decayed and scales that are not end 2.6e-4 apart.
    expect(Object.entries(found['decay'] ?? {}).filter(([, d]) => !(d < 1e-4))).toEqual([]);
    // A wrong rule is further off.
    expect(Object.entries(found['family'] ?? {}).filter(([, d]) => !(d < 2e-4))).toEqual([]);
    // What the golden README allows.
    expect(Object.entries(found['optimizers'] ?? {}).filter(([, d]) => !(d < 2e-4))).toEqual([]);
  });

  it('has every network that fsam lists or a configuration names, parameter by parameter', () => {
    const files = ['', 'tiny'].flatMap((folder) =>
      yamlIn(path.join(CONFIGS, folder)).map((name) => path.join(CONFIGS, folder, name)),
    );
    const models = [
      ...LISTED_NETWORKS.map(({ name }) => modelSchema.parse({ name })),
      ...files.map((config) => configFrom(config).model),
      modelSchema.parse({ name: 'pyramidnet-20-12', block: 'basic' }),
      modelSchema.parse({ name: 'wrn-16-2', stageBlocks: 'paper' }),
      modelSchema.parse({ name: 'vit', patch: 8, layers: 1, heads: 4, width: 16 }),
      // Those of tokens are made elsewhere there.
    ].filter((model) => NETWORKS[networkOf(model).family].reads === 'images');
    const networks = models.map((model) => {
      const size = sideOf(model);
      const { parameters } = buildModel(model, {
        height: size,
        width: size,
        channels: 3,
        classes: 7,
      });
      return parameters.tensors.map(({ name, shape }) => [name, theirShape(shape)]);
    });
    const asked = models.map((model) => ({
      ...{ name: model.name, height: sideOf(model), channels: 3, classes: 7 },
      options: Object.fromEntries(
        Object.entries(OPTIONS).flatMap(([option, theirs]) => {
          const value = model[option as keyof typeof OPTIONS];
          return value === null ? [] : [[theirs, value]];
        }),
      ),
    }));
    const program = `
import json, sys
sys.path.insert(0, ${JSON.stringify(SCRIPTS)})
import torch
from pytorch.networks import build
# Shapes alone.
torch.set_default_device("meta")
made = [build(a["name"], a["classes"], a["channels"], a["height"], **a["options"]) for a in json.load(sys.stdin)]
print(json.dumps([[[n, list(p.shape)] for n, p in m.named_parameters()] for m in made]))`;
    expect(ask(['-c', program], JSON.stringify(asked))).toEqual(networks);
  });

  it('runs the step of a configuration, and refuses another number of parameters', async () => {
    const config = configFrom(
      path.join(CONFIGS, 'tiny/cifar10-vit.yaml'),
      'microBatches=3',
      'labelSmoothing=0.1',
      'weightAverage=0.9',
      'batchSize=4',
    );
    const shape = {
      classes: 10,
      height: 28,
      width: 28,
      channels: 1,
      trainCount: 16,
      testCount: 16,
    };
    const { parameters } = buildModel(config.model, shape);
    const job = {
      ...{ python, script: path.join(SCRIPTS, 'bench_pytorch.py'), config },
      shape: {
        ...shape,
        mean: [0],
        std: [1],
        labelNoise: false,
        streamed: false,
        validationCount: 0,
      },
      ...({ mode: 'default', device: 'cpu' } as const),
      ...{ threads: 1, warmup: 0, steps: 2 },
    };
    const time = (count: number) =>
      timePytorch({ ...job, parameters: count }, new AbortController().signal);
    const outcome = await time(parameters.size);
    expect(outcome).toMatchObject({ timing: { parameters: parameters.size, device: 'cpu' } });
    expect(await time(parameters.size + 1)).toEqual({
      failure: `exit code 1: vit has ${parameters.size} parameters here, wanted ${parameters.size + 1}: not the same network`,
    });
  });

  it.skipIf(!processorFlags().has('avx2'))('is held to AVX2 where oneDNN is', () => {
    const program = `
import json, sys
sys.path.insert(0, ${JSON.stringify(SCRIPTS)})
import bench_pytorch
print(json.dumps(bench_pytorch.torch.backends.cpu.get_cpu_capability()))`;
    expect(ask(['-c', program], '', { ONEDNN_MAX_CPU_ISA: 'avx2' })).toBe('AVX2');
  });
});
