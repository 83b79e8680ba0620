// CIFAR from every form it comes in, against pixels computed by hand from the formula the files were made with.
import { execFileSync } from 'node:child_process';
import {
  chmod,
  copyFile,
  mkdir,
  readFile,
  rename,
  rm,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, it } from 'vitest';
import { CIFAR_FORMATS, type CifarForm, type CifarFormat } from '../../src/data/cifar-format.js';
import { loadCifar } from '../../src/data/cifar.js';
import { inMemory, type ImageDataset } from '../../src/data/dataset.js';
import { messageOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';
import { configOf, loadImages, tinyFormat, writeBinary } from './data-support.js';

const FIXTURES = fileURLToPath(new URL('../fixtures', import.meta.url));

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

/** Every pixel and label of a set whose file f holds images i of (50 f + 100 i + 60 c + 3 y + x) mod 256. */
function expectFormula(
  dataset: ImageDataset<Uint8Array>,
  form: CifarForm,
  labels: number[][],
): void {
  for (const split of ['train', 'test'] as const) {
    const wanted: number[] = [];
    form.files.forEach((file, f) => {
      if (file.split !== split) return;
      for (let i = 0; i < 2; i++)
        for (let y = 0; y < 32; y++)
          for (let x = 0; x < 32; x++)
            for (let c = 0; c < 3; c++) wanted.push((50 * f + 100 * i + 60 * c + 3 * y + x) % 256);
    });
    expect(Buffer.compare(dataset[split].images, Uint8Array.from(wanted))).toBe(0);
    const files = form.files.map((file, f) => (file.split === split ? (labels[f] ?? []) : []));
    expect([...dataset[split].labels]).toEqual(files.flat());
  }
}

const LABELS10 = [0, 1, 2, 3, 4, 5].map((f) => [f, 9 - f]);
const LABELS100 = [
  [99, 0],
  [7, 42],
];

describe('binary folders', () => {
  it('puts planes and labels where they belong, CIFAR-10', async () => {
    const format = tinyFormat(CIFAR_FORMATS.cifar10);
    await writeBinary(join(folder, format.binary.folder), format, LABELS10);
    for (const directory of [folder, join(folder, format.binary.folder)]) {
      const dataset = await loadCifar(format, directory);
      expectFormula(dataset, format.binary, LABELS10);
      expect(dataset).toMatchObject({ classes: 10, height: 32, width: 32, channels: 3 });
      expect(dataset.mean).toEqual([0.4914, 0.4822, 0.4465]);
      expect(dataset.std).toEqual([0.2023, 0.1994, 0.201]);
      expect(dataset.source).toBe(join(folder, 'cifar-10-batches-bin'));
    }
  });

  it('takes the fine label of CIFAR-100', async () => {
    const format = tinyFormat(CIFAR_FORMATS.cifar100);
    await writeBinary(join(folder, format.binary.folder), format, LABELS100);
    expectFormula(await loadCifar(format, folder), format.binary, LABELS100);
  });

  it('reads files of the official length through loadDataset', async () => {
    const set = join(folder, 'cifar-10-batches-bin');
    await mkdir(set);
    // Sparse files: every label is 0 and every pixel black but for one record written by hand.
    for (const { name } of CIFAR_FORMATS.cifar10.binary.files) {
      await writeFile(join(set, name), Buffer.concat([Buffer.from([7]), Buffer.alloc(3072, 200)]));
      await truncate(join(set, name), 30_730_000);
    }
    const dataset = await loadImages(configOf({ name: 'cifar10', directory: folder }), 1);
    expect(inMemory(dataset.train).length).toBe(50_000 * 3072);
    expect(dataset.test.labels.length).toBe(10_000);
    const marked = [...dataset.train.labels.entries()].filter(([, label]) => label !== 0);
    expect(marked).toEqual([0, 10_000, 20_000, 30_000, 40_000].map((index) => [index, 7]));
    expect(inMemory(dataset.train)[40_000 * 3072 + 3071]).toBe(200);
    expect(inMemory(dataset.train)[40_001 * 3072]).toBe(0);
  });
});

describe('pickles of Python 2', () => {
  const cases: [CifarFormat, number[][]][] = [
    [tinyFormat(CIFAR_FORMATS.cifar10), LABELS10],
    [tinyFormat(CIFAR_FORMATS.cifar100), LABELS100],
  ];
  it.each(cases)('reads $title from the archive and from the folder', async (format, labels) => {
    const archive = join(FIXTURES, format.pickle.archive);
    expectFormula(await loadCifar(format, archive), format.pickle, labels);
    execFileSync('tar', ['xzf', archive, '-C', folder]);
    const dataset = await loadCifar(format, folder);
    expectFormula(dataset, format.pickle, labels);
    expect(dataset.source).toBe(join(folder, format.pickle.folder));
  });

  it('reads what Python 3 writes, and refuses to call what the file names', async () => {
    const format = tinyFormat(CIFAR_FORMATS.cifar100);
    const set = join(folder, format.pickle.folder);
    await mkdir(set);
    execFileSync('python3', ['-c', PYTHON3_PICKLES, set]);
    expectFormula(await loadCifar(format, set), format.pickle, LABELS100);
    // An array as NumPy 2 writes it in protocol 5.
    execFileSync('python3', ['-c', PYTHON3_PICKLES, set, '5']);
    expectFormula(await loadCifar(format, set), format.pickle, LABELS100);
    // Unpacked and packed again without gzip, under the old name.
    const archive = join(folder, format.pickle.archive);
    execFileSync('tar', ['cf', archive, '-C', folder, format.pickle.folder]);
    expectFormula(await loadCifar(format, archive), format.pickle, LABELS100);
    await rename(join(set, 'evil'), join(set, 'train'));
    const message = await messageOf(loadCifar(format, set));
    expect(message).toMatch(
      /cifar-100-python\/train: is not an intact pickled .*names posix\.system/,
    );
  });

  it('reports a pickle cut short, of other keys, or no pickle at all', async () => {
    const format = tinyFormat(CIFAR_FORMATS.cifar10);
    execFileSync('tar', ['xzf', join(FIXTURES, 'cifar-10-python.tar.gz'), '-C', folder]);
    const batch = join(folder, 'cifar-10-batches-py', 'data_batch_3');
    const whole = await readFile(batch);
    for (const damaged of [whole.subarray(0, -1), whole.subarray(0, 1000), Buffer.from('<html>')]) {
      await writeFile(batch, damaged);
      expect(await messageOf(loadCifar(format, folder))).toContain('data_batch_3: is not an');
    }
    await writeFile(batch, whole.toString('latin1').replace('labels', 'labelz'), 'latin1');
    expect(await messageOf(loadCifar(format, folder))).toContain('its key labels is no list');
    await writeFile(batch, whole);
    const official = await messageOf(loadCifar(CIFAR_FORMATS.cifar10, folder));
    expect(official).toContain('data has shape [2 3072]; wanted [10000 3072]');
  });
});

describe('archives', () => {
  it('reads a binary archive under its own name, under another, and through its folder', async () => {
    const format = tinyFormat(CIFAR_FORMATS.cifar10);
    const { folder: name, archive } = format.binary;
    await writeBinary(join(folder, 'made', name), format, LABELS10);
    const packed = join(folder, archive);
    execFileSync('tar', ['czf', packed, '-C', join(folder, 'made'), `./${name}`]);
    for (const directory of [packed, folder]) {
      const dataset = await loadCifar(format, directory);
      expectFormula(dataset, format.binary, LABELS10);
      expect(dataset.source).toBe(packed);
    }
    await rename(packed, join(folder, 'mine.tgz'));
    expectFormula(await loadCifar(format, join(folder, 'mine.tgz')), format.binary, LABELS10);
  });

  it('reports archives that are cut short, no gzip, no tar, of another set, or lack a file', async () => {
    const format = tinyFormat(CIFAR_FORMATS.cifar10);
    const path = join(folder, 'cifar-10-binary.tar.gz');
    const whole = await readFile(join(FIXTURES, 'cifar-10-python.tar.gz'));
    await writeFile(path, whole.subarray(0, 1200));
    expect(await messageOf(loadCifar(format, path))).toContain('cut short');
    await writeFile(path, '<!DOCTYPE html><title>Not found</title>');
    expect(await messageOf(loadCifar(format, folder))).toContain('not intact gzip data');
    // The beginnings that the two formats prescribe.
    await writeFile(path, 'BZh91AY&SY');
    expect(await messageOf(loadCifar(format, path))).toContain(
      'is bzip2 data, wanted gzip or none; unpack it with bunzip2',
    );
    await writeFile(path, Buffer.from('fd377a585a000004', 'hex'));
    expect(await messageOf(loadCifar(format, path))).toContain('is xz data, wanted gzip');
    execFileSync('sh', ['-c', `printf %01000d 7 | gzip > '${path}'`]);
    expect(await messageOf(loadCifar(format, path))).toContain('not an intact tar archive');
    const other = join(FIXTURES, 'cifar-100-python.tar.gz');
    expect(await messageOf(loadCifar(format, other))).toContain('holds no CIFAR-10');
    execFileSync('tar', ['xzf', join(FIXTURES, 'cifar-10-python.tar.gz'), '-C', folder]);
    await rm(join(folder, 'cifar-10-batches-py', 'test_batch'));
    execFileSync('tar', ['czf', path, '-C', folder, 'cifar-10-batches-py']);
    expect(await messageOf(loadCifar(format, path))).toContain('has no test_batch');
  });
});

describe('a set that was unpacked in part', () => {
  const format = tinyFormat(CIFAR_FORMATS.cifar10);

  it('is passed over where its archive is there, and that is said', async () => {
    const archive = join(folder, format.pickle.archive);
    await copyFile(join(FIXTURES, format.pickle.archive), archive);
    execFileSync('tar', ['xzf', archive, '-C', folder]);
    const unpacked = join(folder, format.pickle.folder);
    await truncate(join(unpacked, 'data_batch_5'), 5000);
    const short = await loadCifar(format, folder);
    expectFormula(short, format.pickle, LABELS10);
    expect(short.passedOver).toEqual([`${unpacked}: data_batch_5 has only 5000 bytes`]);
    await rm(join(unpacked, 'data_batch_4'));
    const lacking = await loadCifar(format, folder);
    expect(lacking).toMatchObject({
      source: archive,
      passedOver: [`${unpacked}: has no data_batch_4`],
    });
  });

  it('is passed over where another form is whole, and read where nothing is', async () => {
    const binary = join(folder, format.binary.folder);
    await writeBinary(binary, format, LABELS10);
    await rm(join(binary, 'test_batch.bin'));
    expect(await messageOf(loadCifar(format, folder))).toContain('test_batch.bin: there is');
    execFileSync('tar', ['xzf', join(FIXTURES, format.pickle.archive), '-C', folder]);
    const dataset = await loadCifar(format, folder);
    expectFormula(dataset, format.pickle, LABELS10);
    expect(dataset.passedOver).toEqual([`${binary}: has no test_batch.bin`]);
  });
});

describe('damage', () => {
  const format = tinyFormat(CIFAR_FORMATS.cifar10);
  const batch = () => join(folder, 'cifar-10-batches-bin', 'data_batch_2.bin');
  beforeEach(() => writeBinary(join(folder, 'cifar-10-batches-bin'), format, LABELS10));

  it('names file, record, value and range of a wrong label', async () => {
    const bytes = await readFile(batch());
    bytes[3073] = 200;
    await writeFile(batch(), bytes);
    const message = await messageOf(loadCifar(format, folder));
    expect(message).toContain(`${batch()}: record 1 (the first is 0) has label 200; wanted 0..9`);
    expect(message).toContain('fsam data fetch cifar10 --data-dir');
  });

  it.each([6145, 3073, 6147, 0])('refuses a batch of %i bytes', async (length) => {
    await truncate(batch(), length);
    const message = await messageOf(loadCifar(format, folder));
    expect(message).toContain(`${batch()}: has ${length} bytes; wanted 6146`);
  });

  it('names a missing and an unreadable file', async () => {
    if (process.getuid?.() !== 0) {
      await chmod(batch(), 0);
      expect(await messageOf(loadCifar(format, folder))).toContain('permission denied');
    }
    await rm(batch());
    expect(await messageOf(loadCifar(format, folder))).toBe(`${batch()}: there is no such file`);
    await mkdir(batch());
    expect(await messageOf(loadCifar(format, folder))).toContain('is a folder; wanted a file');
  });

  it('says how to fetch a set that is not there', async () => {
    for (const name of ['cifar10', 'cifar100'] as const) {
      for (const directory of [join(folder, 'none'), join(folder, 'cifar-10-batches-bin', 'x')]) {
        const loading = loadImages(configOf({ name, directory }), 1);
        expect(await messageOf(loading)).toMatch(
          new RegExp(
            `^data\\.directory ${directory}: .*fsam data fetch ${name} --data-dir ${directory}$`,
          ),
        );
      }
    }
  });
});

const real = process.env['FSAM_TEST_CIFAR10'];
describe.skipIf(real === undefined)('real CIFAR-10 (FSAM_TEST_CIFAR10=DIR)', () => {
  it('has 5,000 training and 1,000 test images a class, of plausible brightness', async () => {
    const dataset = await loadImages(configOf({ name: 'cifar10', directory: real ?? '' }), 1);
    for (const [split, count] of [
      ['train', 5000],
      ['test', 1000],
    ] as const) {
      const counts = new Array<number>(10).fill(0);
      dataset[split].labels.forEach((label) => (counts[label] = (counts[label] ?? 0) + 1));
      expect(counts).toEqual(new Array(10).fill(count));
    }
    const sums = [0, 0, 0];
    inMemory(dataset.train).forEach((value, i) => (sums[i % 3] = (sums[i % 3] ?? 0) + value / 255));
    sums.forEach((sum, c) => {
      expect(sum / (50_000 * 1024)).toBeCloseTo(dataset.mean[c] ?? 0, 2);
    });
  });
});

/** The CIFAR-100 files as Python 3 pickles an array of NumPy in protocol 2, without NumPy, and one that calls a command. */
const PYTHON3_PICKLES = `
import os, pickle, sys, types
for name in ('', '.core', '.core.multiarray', '._core', '._core.numeric'): sys.modules['numpy' + name] = types.ModuleType('numpy' + name)
numpy, multiarray, numeric = (sys.modules[name] for name in ('numpy', 'numpy.core.multiarray', 'numpy._core.numeric'))
protocol = int(sys.argv[2]) if len(sys.argv) > 2 else 2
def _frombuffer(*args): pass
_frombuffer.__module__ = 'numpy._core.numeric'
numeric._frombuffer = _frombuffer
def _reconstruct(*args): pass
_reconstruct.__module__ = 'numpy.core.multiarray'
multiarray._reconstruct = _reconstruct
class ndarray:
    def __init__(self, data): self.data = data
    def __reduce__(self):
        if protocol == 5: return _frombuffer, (bytearray(self.data), dtype('u1', False, True), (2, 3072), 'C')
        return _reconstruct, (ndarray, (0,), b'b'), (1, (2, 3072), dtype('u1', 0, 1), False, self.data)
class dtype:
    def __init__(self, *args): self.args = args
    def __reduce__(self): return dtype, self.args, (3, '|', None, None, None, -1, -1, 0)
ndarray.__module__ = dtype.__module__ = 'numpy'
numpy.ndarray, numpy.dtype = ndarray, dtype
class Evil:
    def __reduce__(self): return os.system, ('false',)
def write(name, f, labels):
    data = bytes((50 * f + 100 * i + 60 * c + 3 * y + x) % 256
        for i in range(2) for c in range(3) for y in range(32) for x in range(32))
    with open(os.path.join(sys.argv[1], name), 'wb') as out:
        pickle.dump({b'data': ndarray(data), b'fine_labels': labels}, out, protocol)
write('train', 0, [99, 0])
write('test', 1, [7, 42])
with open(os.path.join(sys.argv[1], 'evil'), 'wb') as out: pickle.dump(Evil(), out, 2)
`;
