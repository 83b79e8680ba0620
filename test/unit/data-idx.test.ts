// IDX files, built byte by byte, and the embedded set.
import { execFileSync } from 'node:child_process';
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { inMemory } from '../../src/data/dataset.js';
import { messageOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';
import { configOf, loadImages } from './data-support.js';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

/** Three training and two test images of 2 rows and 3 columns. */
const TRAIN = [0, 255, 0, 255, 0, 255, 10, 11, 12, 13, 14, 15, 20, 21, 22, 23, 24, 25];
const TEST = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
const FILES: Record<string, Buffer> = {
  'train-images-idx3-ubyte': idx([0, 0, 8, 3], [3, 2, 3], TRAIN),
  'train-labels-idx1-ubyte': idx([0, 0, 8, 1], [3], [2, 0, 1]),
  't10k-images-idx3-ubyte': idx([0, 0, 8, 3], [2, 2, 3], TEST),
  't10k-labels-idx1-ubyte': idx([0, 0, 8, 1], [2], [1, 2]),
};

function idx(magic: number[], sizes: number[], data: number[]): Buffer {
  return Buffer.from([...magic, ...sizes.flatMap((size) => [0, 0, 0, size]), ...data]);
}

async function writeAll(rename = (name: string) => name): Promise<void> {
  for (const [name, bytes] of Object.entries(FILES)) {
    const path = join(folder, rename(name));
    await writeFile(path, path.endsWith('.gz') ? gzipSync(bytes) : bytes);
  }
}

const load = () => loadImages(configOf({ name: 'idx', directory: folder }), 1);

describe('idx', () => {
  it.each([
    ['as named by MNIST', (name: string) => name],
    ['packed', (name: string) => `${name}.gz`],
    ['with a dot', (name: string) => name.replace('-idx', '.idx')],
    ['with a dot, packed', (name: string) => `${name.replace('-idx', '.idx')}.gz`],
  ])('reads the four files %s', async (_, rename) => {
    await writeAll(rename);
    const dataset = await load();
    expect(dataset).toMatchObject({ classes: 3, height: 2, width: 3, channels: 1, source: folder });
    expect([...inMemory(dataset.train)]).toEqual(TRAIN);
    expect([...dataset.train.labels]).toEqual([2, 0, 1]);
    expect([...inMemory(dataset.test)]).toEqual(TEST);
    expect([...dataset.test.labels]).toEqual([1, 2]);
    // By hand: the sum of TRAIN is 975, of its squares 199,085.
    expect(dataset.mean[0]).toBeCloseTo(975 / 18 / 255, 12);
    expect(dataset.std[0]).toBeCloseTo(Math.sqrt(199_085 / 18 - (975 / 18) ** 2) / 255, 12);
  });

  it.each(['MNIST/raw', 'FashionMNIST/raw', 'raw'])(
    "finds torchvision's files below its root, in %s, packed or not",
    async (below) => {
      await mkdir(join(folder, below), { recursive: true });
      for (const end of ['.gz', '']) {
        await writeAll((name) => join(below, `${name}${end}`));
        const dataset = await load();
        expect([...inMemory(dataset.train)]).toEqual(TRAIN);
        expect(dataset).toMatchObject({ source: join(folder, below), passedOver: [] });
      }
    },
  );

  it("takes none of several sets of torchvision's by itself", async () => {
    for (const name of ['MNIST', 'FashionMNIST']) {
      await mkdir(join(folder, name, 'raw'), { recursive: true });
      await writeAll((file) => join(name, 'raw', file));
    }
    expect(await messageOf(load())).toBe(
      `data.directory ${folder}: holds several sets (${folder}/MNIST/raw, ${folder}/FashionMNIST/raw); name one`,
    );
    const named = { name: 'idx', directory: join(folder, 'FashionMNIST') };
    expect((await loadImages(configOf(named), 1)).source).toBe(join(folder, 'FashionMNIST/raw'));
  });

  it('reads the packed file where its unpacked one was cut short, and says so', async () => {
    await writeAll((name) => `${name}.gz`);
    const path = join(folder, 't10k-images-idx3-ubyte');
    await writeFile(path, (FILES['t10k-images-idx3-ubyte'] ?? '').slice(0, 20));
    const dataset = await load();
    expect([...inMemory(dataset.test)]).toEqual(TEST);
    expect(dataset.passedOver).toEqual([`${path}: has 20 bytes, wanted 28`]);
  });

  it.each([
    ['train-images-idx3-ubyte', [0, 0, 8, 1], 'has magic number 0x00000801; wanted 0x00000803'],
    ['t10k-labels-idx1-ubyte', [0, 0, 8, 3], 'has magic number 0x00000803; wanted 0x00000801'],
    ['train-images-idx3-ubyte', [0, 0, 13, 3], 'has magic number 0x00000d03; wanted 0x00000803'],
  ])('refuses %s with the magic number %j', async (name, magic, message) => {
    await writeAll();
    const bytes = await readFile(join(folder, name));
    await writeFile(join(folder, name), Buffer.concat([Buffer.from(magic), bytes.subarray(4)]));
    expect(await messageOf(load())).toContain(`${join(folder, name)}: ${message}`);
  });

  it.each(Object.keys(FILES))('refuses %s cut short or too long', async (name) => {
    await writeAll();
    const whole = FILES[name] ?? Buffer.alloc(0);
    for (const length of [0, 3, 7, whole.length - 1]) {
      await writeFile(join(folder, name), whole.subarray(0, length));
      expect(await messageOf(load())).toContain(join(folder, name));
    }
    await writeFile(join(folder, name), Buffer.concat([whole, Buffer.alloc(1)]));
    expect(await messageOf(load())).toMatch(/has \d+ bytes; its header \[.*\] wants \d+/);
  });

  it('refuses counts and sizes that do not agree, and a label no image is trained for', async () => {
    await writeAll();
    const labels = join(folder, 'train-labels-idx1-ubyte');
    await writeFile(labels, idx([0, 0, 8, 1], [2], [0, 1]));
    expect(await messageOf(load())).toContain('has 2 labels for the 3 images');
    await writeFile(labels, idx([0, 0, 8, 1], [3], [0, 200, 1]));
    expect(await messageOf(load())).toContain('no training image has label 2');
    await writeAll();
    await writeFile(join(folder, 't10k-images-idx3-ubyte'), idx([0, 0, 8, 3], [2, 3, 2], TEST));
    expect(await messageOf(load())).toContain('training images are 2x3, test images 3x2');
  });

  it('refuses a .gz that is none, or is cut short', async () => {
    await writeAll((name) => `${name}.gz`);
    const path = join(folder, 't10k-images-idx3-ubyte.gz');
    await writeFile(path, FILES['t10k-images-idx3-ubyte'] ?? '');
    expect(await messageOf(load())).toContain(
      `${path}: is an IDX file that is not packed; take the .gz off its name`,
    );
    await writeFile(path, 'not gzip');
    expect(await messageOf(load())).toContain(`${path}: is not intact gzip data`);
    await writeFile(path, gzipSync(FILES['t10k-images-idx3-ubyte'] ?? '').subarray(0, -4));
    expect(await messageOf(load())).toContain('cut short');
  });

  it('names a file that has no places to read at', async () => {
    await writeAll();
    const pipe = join(folder, 'train-images-idx3-ubyte');
    await rm(pipe);
    execFileSync('mkfifo', [pipe]);
    // For writing, too: otherwise who reads waits for who writes.
    const file = await open(pipe, 'r+');
    const message = await messageOf(load());
    await file.close();
    expect(message).toMatch(/train-images-idx3-ubyte: cannot be read \(ESPIPE/);
  });

  it('names the file that is missing, or the folder', async () => {
    await writeAll();
    await rm(join(folder, 't10k-labels-idx1-ubyte'));
    expect(await messageOf(load())).toContain(`${folder}: has no t10k-labels-idx1-ubyte[.gz]`);
    await rm(folder, { recursive: true });
    expect(await messageOf(load())).toContain(`data.directory ${folder}: is no folder`);
  });
});

describe('fashion-mnist-tiny', () => {
  it('loads from wherever the command is run, with the statistics of the full set', async () => {
    const before = process.cwd();
    const config = configOf({ name: 'fashion-mnist-tiny', directory: '/nowhere' });
    try {
      process.chdir(folder);
      const dataset = await loadImages(config, 1);
      expect(dataset).toMatchObject({ classes: 10, height: 28, width: 28, channels: 1 });
      expect(dataset).toMatchObject({ mean: [0.286], std: [0.353], name: 'fashion-mnist-tiny' });
      // The first labels of Fashion-MNIST, as its own reader shows them.
      expect([...dataset.train.labels.subarray(0, 10)]).toEqual([9, 0, 0, 3, 0, 2, 7, 2, 5, 5]);
      expect([...dataset.test.labels.subarray(0, 5)]).toEqual([9, 2, 1, 1, 6]);
      expect(inMemory(dataset.train).length).toBe(5000 * 784);
    } finally {
      process.chdir(before);
    }
  });
});
