// scripts/bench_torchvision.py makes of pictures what we make of them, and tells how fast.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { pictureList, timeTorchvision } from '../../src/cli/bench-torchvision.js';
import { temporaryFolder } from '../support/folders.js';
import { drawn, DRAWN, pixelsOf, squareOf } from './support/pictures.js';

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const SCRIPTS = here('../../scripts');

const python = process.env['FSAM_TEST_PYTHON'] ?? 'python3';
const hasTorchvision = spawnSync(python, ['-c', 'import torch, torchvision']).status === 0;
const lack = ', which has no torchvision (FSAM_TEST_PYTHON names another)';

const SIDE = 48;
const folder = temporaryFolder();
const file = here('../golden/pictures/420.jpg');
const bytes = drawn('420.jpg');
const size = DRAWN.find((picture) => picture.file === '420.jpg') ?? { height: 0, width: 0 };
const cuts = [false, true].map((flip) =>
  squareOf({ top: 9, left: 20, height: size.height - 30, width: size.width - 41 }, SIDE, flip),
);
// Behind other bytes, as in a shard.
const shard = path.join(folder, 'shard');
writeFileSync(shard, Buffer.concat([Buffer.alloc(77), bytes, Buffer.alloc(5)]));
const list = path.join(folder, 'pictures.json');
const places = [
  { file, offset: 0, length: bytes.length },
  { file: shard, offset: 77, length: bytes.length },
];
writeFileSync(
  list,
  pictureList(
    SIDE,
    places.flatMap((place) => cuts.map((cut) => ({ ...place, cut }))),
  ),
);

describe.skipIf(!hasTorchvision)(`in ${python}${hasTorchvision ? '' : lack}`, () => {
  it.each([
    // Pillow 13 resizes tall boxes along the other axis first.
    ['pil', 1, 0.02],
    // torchvision's own kernels round otherwise, and decode whole pictures.
    ['v2', 2, 0.1],
  ])('%s: the pixels are ours but for rounding', (mode, most, mean) => {
    const program = `
import base64, json, sys
sys.path.insert(0, ${JSON.stringify(SCRIPTS)})
from bench_torchvision import MODES, Pictures
asked = json.load(open(sys.argv[1]))
made = Pictures(asked["pictures"], asked["side"], MODES[sys.argv[2]])
images = [made[i].permute(1, 2, 0).contiguous() for i in range(len(made))]
print(json.dumps([base64.b64encode(image.numpy().tobytes()).decode() for image in images]))`;
    const { status, stdout, stderr } = spawnSync(python, ['-c', program, list, mode], {
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, '']);
    const images = JSON.parse(stdout) as string[];
    expect(images).toHaveLength(4);
    for (const [i, image] of images.entries()) {
      const theirs = Buffer.from(image, 'base64');
      const ours = pixelsOf(bytes, cuts[i % 2] ?? squareOf({ top: 0, left: 0, ...size }, SIDE));
      const differences = Array.from(ours, (value, at) => Math.abs(value - (theirs[at] ?? NaN)));
      expect(Math.max(...differences)).toBeLessThanOrEqual(most);
      const sum = differences.reduce((total, difference) => total + difference, 0);
      expect(sum / differences.length).toBeLessThanOrEqual(mean);
    }
  });

  it.each(['v2', 'pil'] as const)('%s: a rate, and the versions', async (mode) => {
    const script = path.join(SCRIPTS, 'bench_torchvision.py');
    const job = { python, script, pictures: list, mode, batch: 1, warmup: 1, workers: 2 } as const;
    expect(await timeTorchvision(job, new AbortController().signal)).toEqual({
      rounds: [{ 'images/s': expect.any(Number) as number }],
      library: expect.stringMatching(/^torchvision \S+, Pillow \S+, PyTorch \S+$/) as string,
    });
  });
});
