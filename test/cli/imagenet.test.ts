// Training on pictures in the forms that ImageNet is held in, as a user does it.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folders.js';
import { writeClassFolders } from './support/class-folders.js';
import { fsam, start } from './support/fsam.js';
import { SET } from './support/own-indexes.js';
import { writeShards } from './support/shards.js';

const folder = temporaryFolder();
const [folders, records, tars, archive] = ['folders', 'records', 'tars', 'archive'].map(
  (form) => `${SET}-${form}`,
) as [string, string, string, string];

const CONFIG = `
name: pictures
epochs: 3
batchSize: 4
evaluationBatchSize: 5
data: { name: imagenet, imageSize: 32, resizeTo: 40 }
model: { name: imagenet-resnet18, width: 2 }
optimizer: { name: fsam }
`;

const train = (directory: string, workers: number, out: string, ...others: string[]) => [
  ...[
    'train',
    '--config',
    'pictures.yaml',
    '--data-dir',
    directory,
    '--out',
    out,
    '--threads',
    '1',
  ],
  ...['--set', `data.workers=${workers}`, ...others],
];

const metrics = (out: string) => readFileSync(join(folder, out, 'metrics.csv'), 'utf8');

beforeAll(async () => {
  writeClassFolders(join(folder, folders));
  await writeShards(folder, folders, { tfrecord: records, webdataset: tars });
  const classes = readdirSync(join(folder, folders, 'train'));
  mkdirSync(join(folder, archive));
  for (const name of classes) {
    const from = join(folder, folders, 'train', name);
    execFileSync('tar', ['-cf', join(folder, `${name}.tar`), '-C', from, '.']);
  }
  const train = join(folder, archive, 'ILSVRC2012_img_train.tar');
  execFileSync('tar', ['-cf', train, '-C', folder, ...classes.map((name) => `${name}.tar`)]);
  execFileSync('cp', ['-r', join(folder, folders, 'val'), join(folder, archive)]);
  writeFileSync(join(folder, 'pictures.yaml'), CONFIG);
  expect(await fsam(folder, train1('straight'))).toMatchObject({ code: 0 });
}, 300_000);

const train1 = (out: string) => train(folders, 1, out);

describe('ImageNet', () => {
  it.each([
    [records, 2],
    [tars, 3],
    [archive, 1],
  ])('from %s with %i threads: the bytes of class folders', async (directory, workers) => {
    const out = `${directory}-${workers}`;
    expect(await fsam(folder, train(directory, workers, out))).toMatchObject({ code: 0 });
    expect(metrics(out)).toBe(metrics('straight'));
  });

  it('killed and resumed with another number of threads: the same bytes', async () => {
    const running = start(folder, train(records, 1, 'killed'));
    await running.until(/epoch 1\/3/);
    running.process.kill('SIGKILL');
    await running.done;
    const resumed = await fsam(folder, train(tars, 3, 'killed', '--resume'));
    expect(resumed).toMatchObject({ code: 0 });
    expect(metrics('killed')).toBe(metrics('straight'));
  });

  it('reads the full gradient of sam-noise, and that of probes, between its steps', async () => {
    const words = [
      ...['optimizer.name=sam-noise', 'optimizer.fullGradient.samples=5', 'probes.every=2'],
      ...['optimizer.fullGradient.batchNorm=running', 'labelNoise.rate=0.5'],
    ].flatMap((assignment) => ['--set', assignment]);
    const noisy = (out: string, directory: string, workers: number, ...others: string[]) =>
      train(directory, workers, out, ...words, ...others);
    const probes = (out: string) => readFileSync(join(folder, out, 'probes.csv'), 'utf8');
    expect(await fsam(folder, noisy('noisy', folders, 1))).toMatchObject({ code: 0 });
    const running = start(folder, noisy('noisy-killed', records, 2));
    await running.until(/epoch 1\/3/);
    running.process.kill('SIGKILL');
    await running.done;
    const resumed = await fsam(folder, noisy('noisy-killed', tars, 3, '--resume'));
    expect(resumed).toMatchObject({ code: 0 });
    expect(metrics('noisy-killed')).toBe(metrics('noisy'));
    expect(probes('noisy-killed')).toBe(probes('noisy'));
    expect(probes('noisy').split('\n').length).toBeGreaterThan(4);
  });

  it('takes parts of it, holds pictures out and trains on wrong labels as any set', async () => {
    const words = ['--subset', '9,6', '--set', 'data.validation=3', '--set', 'labelNoise.rate=0.5'];
    for (const [directory, workers] of [
      [folders, 1],
      [records, 2],
    ] as const) {
      const result = await fsam(folder, train(directory, workers, `part-${workers}`, ...words));
      expect(result).toMatchObject({ code: 0 });
      expect(result.stderr).toMatch(/label noise .*: \d of 9 labels changed/);
    }
    expect(metrics('part-2')).toBe(metrics('part-1'));
  });

  it('tells what it reads, and in how much memory', async () => {
    const { stderr } = await fsam(folder, train(records, 2, 'told', '--set', 'maxSteps=1'));
    expect(stderr).toMatch(
      /^imagenet: \d+ training and \d+ test images of 3 classes, read by 2 threads in about \d+ MB$/m,
    );
  });

  describe('of blocks of shards', () => {
    const blocks = ['--set', 'data.order=blocks', '--set', 'data.shardsInBlock=1'];

    it('has another order, whatever the number of threads', async () => {
      for (const [directory, workers] of [
        [records, 1],
        [records, 3],
      ] as const) {
        const out = `blocks-${workers}`;
        const result = await fsam(folder, train(directory, workers, out, ...blocks));
        expect(result).toMatchObject({ code: 0 });
      }
      expect(metrics('blocks-3')).toBe(metrics('blocks-1'));
      expect(metrics('blocks-1')).not.toBe(metrics('straight'));
    });

    it('refuses parts that are of one class', async () => {
      const result = await fsam(folder, train(folders, 1, 'none', ...blocks));
      expect(result.code).toBe(2);
      expect(result.stderr).toMatch(
        /data\.order: got blocks for class folders, .* wanted .*full\n$/,
      );
    });
  });

  describe('with a picture whose checksum differs', () => {
    const damaged = `${SET}-damaged`;
    const skip = ['--set', 'data.onCorrupt=skip'];
    const skipped = (out: string) => readFileSync(join(folder, out, 'skipped.csv'), 'utf8');

    beforeAll(() => {
      execFileSync('cp', ['-r', join(folder, records), join(folder, damaged)]);
      const files = readdirSync(join(folder, records));
      const name = files.find((file) => file.startsWith('train-00001')) ?? '';
      const path = join(folder, damaged, name);
      const bytes = readFileSync(path);
      // Within the last picture, whose header the index reads again.
      bytes[bytes.length - 200] = 255 - (bytes[bytes.length - 200] ?? 0);
      writeFileSync(path, bytes);
    });

    it('names it, and keeps what was reached', async () => {
      const result = await fsam(folder, train(damaged, 2, 'damaged'));
      expect(result.code).toBe(2);
      expect(result.stderr).toMatch(/train-00001-of-00002: .* is damaged: its CRC differs\n/);
    });

    it('trains on the next of its class where that is asked for, and lists it', async () => {
      const result = await fsam(folder, train(damaged, 1, 'skipping', ...skip));
      expect(result).toMatchObject({ code: 0 });
      expect(result.stderr).toMatch(
        /^skipped .*train-00001-of-00002: .* its CRC differs; 1 training image so far, listed in .*skipped\.csv$/m,
      );
      expect(skipped('skipping')).toMatch(
        /^index,file,record,reason\n\d+,.*train-00001-of-00002,[^,]+,is damaged: its CRC differs\n$/,
      );
      expect(metrics('skipping')).not.toBe(metrics('straight'));
    });

    it('goes on with that where a run ended because of it, and is as a straight one', async () => {
      const resumed = await fsam(folder, train(damaged, 3, 'damaged', '--resume', ...skip));
      expect(resumed).toMatchObject({ code: 0 });
      expect(metrics('damaged')).toBe(metrics('skipping'));
      expect(skipped('damaged')).toBe(skipped('skipping'));
    });
  });

  describe('resumed beside a skipped.csv', () => {
    const skip = ['--set', 'data.onCorrupt=skip', '--resume'];
    const skippedCsv = (out: string) => join(folder, out, 'skipped.csv');
    /** As if it was killed before it was summed up. */
    const unfinished = async (out: string, ...words: string[]) => {
      expect(await fsam(folder, train(folders, 1, out, ...words))).toMatchObject({ code: 0 });
      rmSync(join(folder, out, 'summary.json'));
    };

    it('of somebody else, leaves it alone', async () => {
      await unfinished('others');
      writeFileSync(skippedCsv('others'), 'notes of the user');
      const result = await fsam(folder, train(folders, 1, 'others', ...skip));
      expect(result.code).toBe(2);
      expect(result.stderr).toMatch(/skipped\.csv: is not from fsam, .*; move it away/);
      expect(readFileSync(skippedCsv('others'), 'utf8')).toBe('notes of the user');
    });

    it('that is damaged, names the line and the way out, which works', async () => {
      await unfinished('torn', '--set', 'data.onCorrupt=skip');
      writeFileSync(skippedCsv('torn'), 'index,file,record,reason\n5,a\n');
      const refused = await fsam(folder, train(folders, 1, 'torn', ...skip));
      expect(refused.code).toBe(2);
      expect(refused.stderr).toMatch(/skipped\.csv:2: got "5,a", wanted .*; mend it, or delete it/);
      rmSync(skippedCsv('torn'));
      expect(await fsam(folder, train(folders, 1, 'torn', ...skip))).toMatchObject({ code: 0 });
      expect(metrics('torn')).toBe(metrics('straight'));
    });
  });

  describe('with a file that is no picture', () => {
    const spoilt = `${SET}-spoilt`;
    const spoil = (split: string) => {
      writeFileSync(join(folder, spoilt, split, 'n00000001', 'a.JPEG'), 'no picture');
    };
    beforeAll(() => {
      execFileSync('cp', ['-r', join(folder, folders), join(folder, spoilt)]);
      spoil('train');
    });

    it('is refused at the start, or trained on the next of its class', async () => {
      const refused = await fsam(folder, train(spoilt, 1, 'spoilt'));
      expect(refused.code).toBe(2);
      expect(refused.stderr).toMatch(
        /n00000001: a\.JPEG .*; fsam data verify tells of all of them\n$/,
      );
      const skip = await fsam(folder, train(spoilt, 2, 'spoilt', '--set', 'data.onCorrupt=skip'));
      expect(skip).toMatchObject({ code: 0 });
      expect(skip.stderr).toMatch(/^skipped .*a\.JPEG .*1 training image so far/m);
    });

    it('is refused at the start where it is held out for validation, whatever is asked for', async () => {
      // Of this seed the picture is one of those.
      const changes = ['data.onCorrupt=skip', 'data.validation=9', 'seed=2'];
      const words = changes.flatMap((change) => ['--set', change]);
      const result = await fsam(folder, train(spoilt, 1, 'held-out', ...words));
      expect(result.code).toBe(2);
      expect(result.stderr).toMatch(
        /^fsam: .*a\.JPEG .*; fsam data verify tells of all of them\n$/,
      );
    });

    it('is read again once it is mended in its place', async () => {
      const [good = ''] = readdirSync(join(folder, folders, 'train', 'n00000001'));
      const picture = join(folder, spoilt, 'train', 'n00000001', 'a.JPEG');
      copyFileSync(join(folder, folders, 'train', 'n00000001', good), picture);
      const result = await fsam(folder, train(spoilt, 1, 'mended', '--set', 'maxSteps=1'));
      expect(result).toMatchObject({ code: 0 });
    });

    it('is refused among those that are tested on, whatever is asked for', async () => {
      spoil('val');
      const result = await fsam(folder, train(spoilt, 1, 'none', '--set', 'data.onCorrupt=skip'));
      expect(result.code).toBe(2);
      expect(result.stderr).toMatch(/val\/n00000001: a\.JPEG/);
    });
  });

  it('is timed and listed without its folder, by what is published of it, and says so', async () => {
    const told =
      'data.directory absent: there is no such folder; taken are the 1000 classes, 1281167 training and 50000 test pictures of ImageNet';
    const words = ['--config', 'pictures.yaml', '--data-dir', 'absent'];
    const once = ['--steps', '1', '--warmup', '1', '--modes', 'compiled'];
    const timed = await fsam(folder, ['bench', ...words, ...once]);
    expect(timed).toMatchObject({ code: 0 });
    expect(timed.stderr).toMatch(new RegExp(`^${told}\nfsam compiled: [\\d.]+ ms a step\n$`));
    expect(timed.stdout).toMatch(/ 32x32x3 images, 1000 classes, fsam, batch 4: /);
    const listed = await fsam(folder, ['graph', ...words]);
    expect(listed).toMatchObject({ code: 0, stderr: `${told}\n` });
    // Pictures are fed, and come cropped: nothing of `augmentation` is in the step.
    expect(listed.stdout).toMatch(/images.*4 32 32 3/);
    expect(listed.stdout).not.toMatch(/crop|flip|cut/i);
  });

  it('is timed in the shape of its folder, and a sweep over it in the time of its steps', async () => {
    const words = ['--config', 'pictures.yaml', '--data-dir', folders];
    const once = ['--steps', '1', '--warmup', '1', '--modes', 'compiled'];
    const timed = await fsam(folder, ['bench', ...words, ...once]);
    expect(timed).toMatchObject({ code: 0 });
    expect(timed.stderr).toMatch(/^fsam compiled: /);
    expect(timed.stdout).toMatch(/ 32x32x3 images, 3 classes, /);
    writeFileSync(
      join(folder, 'sweep.yaml'),
      `name: two\nbase: pictures.yaml\nset: { data.directory: ${folders} }\naxes: { seed: [1, 2] }\n`,
    );
    const planned = await fsam(folder, ['sweep', '--config', 'sweep.yaml', '--dry-run']);
    expect(planned).toMatchObject({ code: 0, stderr: '' });
    expect(planned.stdout).toMatch(/^expected time: about [\d.]+ s for 2 points, 1 at a time$/m);
  });

  it('refuses a crop that is larger than what it is cropped from', async () => {
    const result = await fsam(folder, train(folders, 1, 'none', '--set', 'data.resizeTo=31'));
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('data.resizeTo=31: got 31, wanted at least data.imageSize, 32');
  });

  it('keeps which label is which class, and goes on and evaluates with that alone', async () => {
    const list = join(folder, 'list.txt');
    const names = ['n00000002', 'n00000000', 'n00000001'];
    writeFileSync(list, `${names.join('\n')}\n`);
    const listed = (...others: string[]) =>
      train(folders, 1, 'listed', '--set', `data.classes=${list}`, ...others);
    expect(await fsam(folder, listed('--set', 'maxSteps=1'))).toMatchObject({ code: 0 });
    expect(readFileSync(join(folder, 'listed', 'classes.txt'), 'utf8')).toBe(
      `${names.join('\n')}\n`,
    );
    writeFileSync(list, `${names.toReversed().join('\n')}\n`);
    const evaluated = await fsam(folder, ['eval', 'listed']);
    expect(evaluated.code).toBe(2);
    expect(evaluated.stderr).toMatch(
      /class 0 is n00000001, wanted n00000002 \(\S*classes\.txt:1\); bring the data/,
    );
    writeFileSync(list, `${[...names, 'n00000009'].join('\n')}\n`);
    const more = await fsam(folder, ['eval', 'listed']);
    expect(more.stderr).toMatch(/has 4 classes, wanted the 3 of \S*classes\.txt/);
  });

  it('tells what a folder without pictures lacks', async () => {
    mkdirSync(join(folder, 'empty'));
    const result = await fsam(folder, train('empty', 1, 'none'));
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/data\.directory empty: .*wanted/);
  });
});
