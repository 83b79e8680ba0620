// Bad input: exit code 2, one line a mistake on stderr that says what to do, and nothing written or overwritten.
import {
  cpSync,
  existsSync,
  mkdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folders.js';
import { contentOf, fsam, start } from './support/fsam.js';

/** Runs the command and holds it to the rule; `messages` are what its lines contain, in order. Resolves to them. */
async function expectRefused(
  folder: string,
  args: readonly string[],
  messages: readonly string[],
): Promise<string> {
  const before = contentOf(folder);
  const { code, stdout, stderr } = await fsam(folder, args);
  const lines = stderr.split('\n');
  expect(lines.pop()).toBe('');
  expect(lines).toHaveLength(messages.length);
  for (const [i, message] of messages.entries()) {
    expect(lines[i]).toMatch(/^fsam: /);
    expect(lines[i]).toContain(message);
  }
  expect([code, stdout]).toEqual([2, '']);
  expect(contentOf(folder)).toEqual(before);
  expect(existsSync(join(folder, 'results'))).toBe(false);
  return stderr;
}

const VALID = `name: test
data:
  name: synthetic
model:
  name: resnet18
optimizer:
  name: fsam
`;

describe('a configuration', () => {
  it.each([
    [
      '  sigmaa: 1\n',
      ['test.yaml:8', 'optimizer.sigmaa: unknown key, did you mean optimizer.sigma?'],
    ],
    ['  nesterov: no\n', ['test.yaml:8', 'optimizer.nesterov: got "no"', 'true or false']],
    ['  rho: -1\n', ['test.yaml:8', 'optimizer.rho: got -1', 'at least 0']],
    ['  rho: "0,1"\n', ['test.yaml:8', 'optimizer.rho: got "0,1"', 'a number']],
    ['  rho: [1\n', ['test.yaml:9']],
    ['extends: nowhere.yaml\n', ['test.yaml:8', 'nowhere.yaml']],
  ])('with %j', async (addition, messages) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'test.yaml'), VALID + addition);
    const stderr = await expectRefused(folder, ['train', '--config', 'test.yaml'], ['test.yaml:']);
    for (const message of messages) expect(stderr).toContain(message);
  });

  it('with several mistakes tells all of them', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'test.yaml'), `${VALID}  rho: -1\n  lambda: 2\n`);
    await expectRefused(
      folder,
      ['train', '--config', 'test.yaml', '--epochs', '0'],
      ['optimizer.rho: got -1', 'optimizer.lambda: got 2', '--epochs 0'],
    );
  });
});

describe('the command line', () => {
  it.each([
    ['--config nowhere', '--config nowhere: no such file'],
    ['--config smok', 'did you mean smoke?'],
    ['--config smoke --epochs 0', '--epochs 0: got 0, wanted a whole number of at least 1'],
    ['--config smoke --epochs 1e400', '--epochs 1e400'],
    ['--config smoke --seed 1.5', '--seed 1.5: got 1.5'],
    ['--config smoke --seed -1', '--seed -1: got -1'],
    ['--config smoke --max-steps x', '--max-steps x: got "x"'],
    ['--config smoke --subset 10,', '--subset 10,: wanted TRAIN'],
    ['--config smoke --device tpu', '--device tpu: got "tpu", wanted one of auto, cpu, gpu'],
    ['--config smoke --set optimizer.rho', '--set optimizer.rho: no value'],
    ['--config smoke --set optimizer.rho=', '--set optimizer.rho=: no value'],
    ['--config smoke --set optimiser.rho=1', 'did you mean optimizer'],
    ['--config smoke --set optimizer.rho=x', '--set optimizer.rho=x: got "x", wanted a number'],
  ])('train %s', async (line, message) => {
    await expectRefused(temporaryFolder(), ['train', ...line.split(' ')], [message]);
  });

  it('counts the last of an option given twice', async () => {
    const seeds = (...values: string[]) => values.flatMap((value) => ['--seed', value]);
    const args = ['train', '--config', 'smoke', '--set', 'epochs=0'];
    await expectRefused(temporaryFolder(), [...args, ...seeds('x', '7')], ['epochs=0']);
    await expectRefused(temporaryFolder(), [...args, ...seeds('7', 'x')], ['--seed x', 'epochs=0']);
  });

  it('eval and graph, too', async () => {
    const folder = temporaryFolder();
    await expectRefused(folder, ['graph', '--config', 'smoke', '--seed', '-1'], ['--seed -1']);
    await expectRefused(folder, ['eval', folder], ['holds no run']);
  });
});

describe('the machine', () => {
  it.skipIf(existsSync('/proc/driver/nvidia'))('without the GPU that is asked for', async () => {
    const args = ['train', '--config', 'smoke', '--device', 'gpu'];
    await expectRefused(temporaryFolder(), args, ['device gpu: ']);
  });

  it('with a file where the results are to go', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'taken'), '');
    const args = ['train', '--config', 'smoke', '--out'];
    await expectRefused(folder, [...args, 'taken'], ['taken: is a file, wanted a folder']);
    await expectRefused(folder, [...args, 'taken/run'], ['taken']);
  });

  it.skipIf(process.getuid?.() === 0)('with a results folder that is not writable', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'locked'), { mode: 0o555 });
    const args = ['train', '--config', 'smoke', '--out', 'locked/run'];
    await expectRefused(folder, args, ['permission denied']);
  });
});

describe('data', () => {
  const CIFAR_BATCH_BYTES = 10_000 * 3073;

  /** CIFAR-10 of black images, all labelled 0; the files are sparse. */
  function makeCifar(folder: string): string {
    const set = join(folder, 'cifar-10-batches-bin');
    mkdirSync(set);
    for (const name of [1, 2, 3, 4, 5].map((i) => `data_batch_${i}`).concat('test_batch')) {
      const path = join(set, `${name}.bin`);
      writeFileSync(path, '');
      truncateSync(path, CIFAR_BATCH_BYTES);
    }
    return set;
  }

  const cifar = ['train', '--config', 'cifar10-resnet18', '--data-dir', '.'];

  it('that is not there: says how to fetch it', async () => {
    const args = ['train', '--config', 'cifar100-resnet18', '--data-dir', 'nowhere'];
    await expectRefused(temporaryFolder(), args, ['fsam data fetch cifar100 --data-dir nowhere']);
  });

  it('cut short by one byte', async () => {
    const folder = temporaryFolder();
    const file = join(makeCifar(folder), 'data_batch_2.bin');
    truncateSync(file, CIFAR_BATCH_BYTES - 1);
    await expectRefused(folder, cifar, ['data_batch_2.bin']);
  });

  it('with a label of 200', async () => {
    const folder = temporaryFolder();
    const record = Buffer.alloc(CIFAR_BATCH_BYTES);
    record[3073 * 7] = 200;
    writeFileSync(join(makeCifar(folder), 'test_batch.bin'), record);
    await expectRefused(folder, cifar, ['200']);
  });

  it('with a wrong magic number', async () => {
    const folder = temporaryFolder();
    cpSync(fileURLToPath(new URL('../../data/fashion-mnist-tiny', import.meta.url)), folder, {
      recursive: true,
    });
    const header = Buffer.from('00000802000000010000001c0000001c', 'hex');
    const images = gzipSync(Buffer.concat([header, Buffer.alloc(28 * 28)]));
    writeFileSync(join(folder, 'train-images-idx3-ubyte.gz'), images);
    const args = ['train', '--config', 'smoke', '--set', 'data.name=idx', '--data-dir', '.'];
    await expectRefused(folder, args, ['train-images-idx3-ubyte.gz: has magic number 0x00000802']);
  });
});

describe('a run folder', () => {
  const train = ['train', '--config', 'smoke', '--epochs', '1', '--out'];
  const parent = temporaryFolder();
  const checkpoint = (run: string) => join(run, 'checkpoints', 'step-00000004.safetensors');

  beforeAll(async () => {
    expect((await fsam(parent, [...train, 'finished'])).code).toBe(0);
    const wide = await fsam(parent, [...train, 'wide', '--set', 'model.width=6']);
    expect(wide.code).toBe(0);
    // As it is between the last checkpoint and the end.
    cpSync(join(parent, 'finished'), join(parent, 'unfinished'), { recursive: true });
    rmSync(join(parent, 'unfinished', 'summary.json'));
  });

  it('that holds a run', async () => {
    await expectRefused(parent, [...train, 'finished'], ['finished: holds a finished run']);
    await expectRefused(parent, [...train, 'unfinished'], ['continue it with --resume']);
  });

  it('of another configuration: lists the difference', async () => {
    const args = [...train, 'unfinished', '--resume', '--set', 'optimizer.rho=0.3'];
    await expectRefused(parent, args, ['optimizer.rho']);
  });

  it('in use by another run', async () => {
    const args = ['train', '--config', 'smoke', '--epochs', '100000', '--out', 'busy'];
    const first = start(parent, args);
    await first.until(/ready after/);
    const { code, stdout, stderr } = await fsam(parent, args);
    first.process.kill('SIGKILL');
    await first.done;
    expect(stderr).toMatch(new RegExp(`^fsam: busy.* in use by process ${first.process.pid}.*\n$`));
    expect([code, stdout]).toEqual([2, '']);
  });

  it('whose checkpoint was cut in half', async () => {
    cpSync(join(parent, 'unfinished'), join(parent, 'cut'), { recursive: true });
    const file = checkpoint(join(parent, 'cut'));
    truncateSync(file, statSync(file).size / 2);
    await expectRefused(parent, ['eval', 'cut'], ['step-00000004.safetensors']);
    await expectRefused(parent, [...train, 'cut', '--resume'], ['step-00000004.safetensors']);
  });

  it('with a checkpoint of another network', async () => {
    cpSync(join(parent, 'unfinished'), join(parent, 'mixed'), { recursive: true });
    cpSync(checkpoint(join(parent, 'wide')), checkpoint(join(parent, 'mixed')));
    const message = ['another network'];
    await expectRefused(parent, [...train, 'mixed', '--resume'], message);
    await expectRefused(parent, ['eval', 'finished', '--checkpoint', checkpoint('wide')], message);
  });

  it('and a file for output that another program wrote', async () => {
    writeFileSync(join(parent, 'notes.txt'), 'mine');
    const written = ['eval', 'finished', '--logits', 'notes.txt'];
    await expectRefused(parent, written, ['--logits notes.txt: is not from the same command']);
    const bench = ['bench', '--config', 'smoke', '--json', 'finished/metrics.csv'];
    await expectRefused(parent, bench, ['--json finished/metrics.csv: is not from the same']);
  });
});
