// Files of weights as a user names them: what is wrong with one is a line and exit code 2, and nothing is written.
import { existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/folders.js';
import { f32, safetensorsFile, type Written } from '../support/safetensors.js';
import { contentOf, fsam } from './support/fsam.js';

const CONFIG = `name: tiny
epochs: 1
batchSize: 8
data: { name: synthetic, synthetic: { train: 8, test: 8, size: 16, classes: 3 } }
model: { name: vit, width: 8, patch: 8, layers: 1, heads: 2 }
optimizer: { name: sgd }
`;

let folder = '';
let run = '';
let weights = '';

beforeAll(async () => {
  folder = temporaryFolder();
  writeFileSync(join(folder, 'tiny.yaml'), CONFIG);
  run = join(folder, 'run');
  expect((await fsam(folder, ['train', '--config', 'tiny.yaml', '--out', run])).code).toBe(0);
  weights = join(folder, 'weights.safetensors');
});

describe('fsam export', () => {
  test('writes the weights, and writes over no file but its own', async () => {
    const { code, stdout } = await fsam(folder, ['export', 'run', '--to', 'weights.safetensors']);
    expect([code, stdout]).toEqual([
      0,
      'weights.safetensors: weights of run/checkpoints/step-00000001.safetensors: 20 tensors, 2,507 numbers, as timm names them\n',
    ]);
    const again = await fsam(folder, [
      ...['export', 'run', '--to', 'weights.safetensors', '--names', 'fsam'],
    ]);
    expect(again.code).toBe(0);
    const others = readFileSync(join(folder, 'tiny.yaml'));
    const refused = await fsam(folder, ['export', 'run', '--to', 'tiny.yaml']);
    expect([refused.code, refused.stderr]).toEqual([
      2,
      'fsam: --to tiny.yaml: is not from the same command, which would write over it; move it away, or name another file\n',
    ]);
    expect(readFileSync(join(folder, 'tiny.yaml'))).toEqual(others);
    const checkpoint = join(run, 'checkpoints', 'step-00000001.safetensors');
    expect((await fsam(folder, ['export', 'run', '--to', checkpoint])).code).toBe(2);
    const none = await fsam(folder, ['export', 'nowhere', '--to', 'x.safetensors']);
    expect([none.code, none.stderr]).toEqual([
      2,
      expect.stringContaining('nowhere: there is no such folder'),
    ]);
  });

  test('says whose names they are, and takes no checkpoint of another network', async () => {
    const trained = ['train', '--config', 'smoke', '--max-steps', '1', '--out', 'resnet'];
    expect((await fsam(folder, trained)).code).toBe(0);
    const { stdout } = await fsam(folder, ['export', 'resnet', '--to', 'resnet.safetensors']);
    expect(stdout).toMatch(
      /, with PyTorch's axes, and names that are fsam's own: no library is known to have resnet18\n$/,
    );
    const checkpoint = join('resnet', 'checkpoints', 'step-00000001.safetensors');
    const words = ['export', 'run', '--to', 'other.safetensors', '--checkpoint', checkpoint];
    const refused = await fsam(folder, words);
    expect([refused.code, refused.stderr]).toEqual([
      2,
      `fsam: --checkpoint ${checkpoint}: is of another network than the run: cls_token: got missing, wanted [1, 1, 8] as in run/checkpoints/step-00000001.safetensors\n`,
    ]);
    expect(existsSync(join(folder, 'other.safetensors'))).toBe(false);
  });

  test('and a run begins with them', async () => {
    const { code, stderr } = await fsam(folder, [
      ...['train', '--config', 'tiny.yaml', '--set', 'model.pretrained=weights.safetensors'],
    ]);
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /model\.pretrained: begins with 20 of 20 tensors of weights\.safetensors \(sha256 [0-9a-f]{12}\)/,
    );
    // Its folder is another than that of a run from scratch.
    expect(existsSync(join(folder, 'results', 'tiny', 'sgd-pretrained', 'seed-1'))).toBe(true);
  });
});

/** One tensor that no network here has. */
const other = (): string =>
  safetensorsFile([f32('conv1.weight', [2, 3, 3, 3], new Float32Array(54))]);

const claiming = (bytes: bigint): string => {
  const path = other();
  const content = readFileSync(path);
  content.writeBigUInt64LE(bytes);
  writeFileSync(path, content);
  return path;
};

/** The exported weights with one tensor changed. */
function changed(name: string, change: (written: Written) => Written): string {
  const content = readFileSync(weights);
  const length = Number(content.readBigUInt64LE());
  type Entry = { dtype: string; shape: number[]; data_offsets: [number, number] };
  const header = JSON.parse(content.subarray(8, 8 + length).toString()) as Record<string, Entry>;
  const entries = Object.entries(header).filter(([key]) => key !== '__metadata__');
  const tensors = entries.map(
    ([
      own,
      {
        dtype,
        shape,
        data_offsets: [from, to],
      },
    ]) => {
      const bytes = content.subarray(8 + length + from, 8 + length + to);
      const written: Written = { name: own, dtype, shape, bytes };
      return own === name ? change(written) : written;
    },
  );
  return safetensorsFile(tensors);
}

test.each([
  [
    'is not there',
    () => 'nowhere.safetensors',
    'model.pretrained: nowhere.safetensors: there is no such file; of vit with these options of model none are published',
  ],
  ['is of another network', other, 'does not fit vit: 18 missing (cls_token, pos_embed, '],
  ['is no safetensors file', () => 'tiny.yaml', 'tiny.yaml: is no intact safetensors file: '],
  [
    'is cut in half',
    () => {
      const path = changed('', (same) => same);
      truncateSync(path, Math.floor(readFileSync(path).length / 2));
      return path;
    },
    'is no intact safetensors file: ',
  ],
  [
    'says that its header has 10 GB',
    () => claiming(10_000_000_000n),
    'its header cannot be 10000000000 bytes long',
  ],
  [
    'has NaN',
    () =>
      changed('norm.bias', (one) =>
        f32(one.name, one.shape, Float32Array.of(1, 2, NaN, 4, 5, 6, 7, 8)),
      ),
    'tensor norm.bias holds numbers that are not finite',
  ],
  [
    'has float64',
    () => changed('norm.bias', (one) => ({ ...one, dtype: 'F64', bytes: new Uint8Array(64) })),
    '1 of a dtype other than F32, F16, BF16, to be converted to float32 (norm.bias F64)',
  ],
])('one that %s', async (_, fileOf, message) => {
  await fsam(folder, ['export', 'run', '--to', 'weights.safetensors']);
  const file = fileOf();
  const before = contentOf(folder);
  const { code, stdout, stderr } = await fsam(folder, [
    ...['train', '--config', 'tiny.yaml', '--out', 'other', '--set', `model.pretrained=${file}`],
  ]);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/^fsam: [^\n]*\n$/);
  expect(stderr).toContain(message);
  // Of the folder only its lock was there for a while.
  expect(contentOf(folder)).toEqual(before);
});
