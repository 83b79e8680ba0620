// A language model from training to a text of its own, as a user sees it.
import { execFile } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { CONFIGS_FOLDER } from '../../src/config/files.js';
import { readHeader } from '../../src/util/safetensors.js';
import { rowsOf } from '../support/csv.js';
import { read, temporaryFolder } from '../support/folders.js';
import { fsam, LAUNCHER, start } from './support/fsam.js';

const folder = temporaryFolder();
beforeAll(async () => {
  const file = join(CONFIGS_FOLDER, 'tiny/moby-dick-gpt.yaml');
  const config = ['--config', file, '--out', 'run'];
  const { code, stdout } = await fsam(folder, ['train', ...config]);
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^epoch 1\/2 {2}lr .* train .* perturbed .* test .* best .* \d+ windows\/s$/m,
  );
});

it('has the columns of its task, each in terms of the others', () => {
  const [header = [], ...rows] = rowsOf(read(folder, 'run', 'metrics.csv'));
  expect(header.join(',')).toBe(
    'epoch,step,learning_rate,train_loss,perturbed_loss,test_loss,best_test_loss,test_perplexity,' +
      'test_bits_per_character,gradient_norm,perturbation_cosine',
  );
  for (const row of rows) {
    const number = (column: string) => Number(row[header.indexOf(column)]);
    const loss = number('test_loss');
    expect(number('test_perplexity')).toBeCloseTo(Math.exp(loss), 3);
    expect(number('test_bits_per_character')).toBeCloseTo(loss / Math.LN2, 5);
  }
  const characters = read(folder, 'run', 'classes.txt').trimEnd().split('\n');
  expect(characters).toHaveLength(83);
  expect(characters.slice(0, 3)).toEqual(['"\\n"', '" "', '"!"']);
});

describe('the characters that a run wrote are its own', () => {
  const tiny = join(CONFIGS_FOLDER, 'tiny/moby-dick-gpt.yaml');
  const again = (...words: string[]) =>
    fsam(folder, ['train', '--config', tiny, '--out', 'again', '--max-steps', '1', ...words]);
  const LIST = () => join(folder, 'again', '.fsam-files.json');

  it('to write over, in folders whose list lacks them, too', async () => {
    expect((await again()).code).toBe(0);
    expect(read(LIST())).toContain('"classes.txt"');
    expect(await again('--overwrite')).toMatchObject({ code: 0 });
    writeFileSync(LIST(), read(LIST()).replace(/\n *"classes.txt",/, ''));
    expect(read(LIST())).not.toContain('classes.txt');
    expect(await again('--overwrite')).toMatchObject({ code: 0 });
  });

  it('to go on after a kill before the first checkpoint', async () => {
    for (const name of ['checkpoints', 'summary.json']) {
      rmSync(join(folder, 'again', name), { recursive: true });
    }
    expect(await again('--resume')).toMatchObject({ code: 0 });
  });

  it('to go where a run on images takes the folder, and nobody else to lose', async () => {
    const images = ['train', '--config', 'smoke', '--out', 'again', '--max-steps', '1'];
    expect(await fsam(folder, [...images, '--overwrite'])).toMatchObject({ code: 0 });
    expect(readdirSync(join(folder, 'again'))).not.toContain('classes.txt');
    writeFileSync(join(folder, 'again', 'classes.txt'), 'mine\n');
    const refused = await again('--overwrite');
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.stderr).toContain('again/classes.txt: is not from fsam');
    expect(read(folder, 'again', 'classes.txt')).toBe('mine\n');
  });
});

it('is refused where labels could be wrong, as a text has none', async () => {
  const told = await fsam(folder, ['analyze', 'memorization', '--run', 'run']);
  expect(told).toMatchObject({ code: 2 });
  expect(told.stderr).toContain('run: is of a text, which has no labels');
});

it('eval tells the last row', async () => {
  const { code, stdout } = await fsam(folder, ['eval', 'run']);
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^test loss \d\.\d+ {2}perplexity \d+\.\d+ {2}bits per character \d\.\d+ {2}\(64 windows\)\n$/,
  );
});

it('eval takes every window of the training text once, however many an epoch draws', async () => {
  const few =
    "Call me Ishmael. Some years ago - never mind how long precisely - I thought I'd sail.";
  writeFileSync(join(folder, 'few.txt'), few);
  // 76 characters to train on are 7 windows of 10 side by side; 4 of these are less, 100 more.
  const evaluated = async (windows: string): Promise<string[]> => {
    const text = [
      'data.name=text',
      'data.directory=few.txt',
      'data.context=10',
      'data.testShare=0.13',
    ];
    const sets = [...text, `data.windows=${windows}`, 'data.subset.test=null', 'batchSize=4'];
    const config = [
      '--config',
      join(CONFIGS_FOLDER, 'tiny/moby-dick-gpt.yaml'),
      '--max-steps',
      '1',
    ];
    const words = [...config, ...sets.flatMap((one) => ['--set', one]), '--out', 'few'];
    expect(await fsam(folder, ['train', ...words, '--overwrite'])).toMatchObject({ code: 0 });
    // By its first windows alone: the subset of a run is what its config.yaml says.
    const lossOf = async (): Promise<string> => {
      const { code, stdout } = await fsam(folder, ['eval', 'few', '--split', 'train']);
      expect(code).toBe(0);
      return stdout;
    };
    const whole = await lossOf();
    const file = join(folder, 'few', 'config.yaml');
    writeFileSync(file, read(file).replace(/windows: \d+/, 'windows: null'));
    return [whole, await lossOf()];
  };
  for (const windows of ['4', '100']) {
    const [asTrained, sideBySide] = await evaluated(windows);
    expect(asTrained).toMatch(/\(7 windows\)\n$/);
    expect(asTrained).toBe(sideBySide);
  }
  const same = await fsam(folder, ['eval', 'few']);
  expect(same.stderr).not.toContain('holds other');
  writeFileSync(join(folder, 'few.txt'), Array.from(few).reverse().join(''));
  const other = await fsam(folder, ['eval', 'few']);
  expect(other.code).toBe(0);
  expect(other.stderr).toContain('few.txt: holds other windows than the run was trained with');
});

it('exports what nanoGPT loads, and begins with it on the same characters alone', async () => {
  const { stdout } = await fsam(folder, ['export', 'run', '--to', 'gpt.safetensors']);
  expect(stdout).toMatch(/, as nanoGPT names them\n$/);
  const { tensors } = await readHeader(join(folder, 'gpt.safetensors'));
  const shapes = Object.fromEntries(tensors.map(({ name, shape }) => [name, shape]));
  expect(shapes['lm_head.weight']).toEqual([83, 16]);
  expect(shapes['transformer.wte.weight']).toEqual([83, 16]);
  const begin = (out: string, ...sets: string[]) =>
    fsam(folder, [
      ...['train', '--config', join(CONFIGS_FOLDER, 'tiny/moby-dick-gpt.yaml'), '--max-steps', '1'],
      ...['model.pretrained=gpt.safetensors', ...sets].flatMap((one) => ['--set', one]),
      ...['--out', out],
    ]);
  const begun = await begin('begun');
  expect(begun.code).toBe(0);
  expect(begun.stderr).toContain('its lm_head.weight is transformer.wte.weight once more');
  expect(begun.stderr).not.toContain('classifier');
  // As many characters, of which the last is another.
  const characters = read(folder, 'run', 'classes.txt').trimEnd().split('\n');
  const letters = characters.map((one) => JSON.parse(one) as string);
  writeFileSync(
    join(folder, 'letters.txt'),
    [...letters.slice(0, -1), '\u2603'].join('').repeat(9),
  );
  const text = ['data.name=text', 'data.directory=letters.txt', 'data.subset.test=null'];
  const refused = await begin('letters', ...text);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain(
    `gpt.safetensors: is of a text with other characters: token 82 is ${characters[82] ?? ''} there, "\u2603" in this text (83 and 83 of them)`,
  );
});

it('continues a text, the same by the same seed', async () => {
  const words = ['sample', 'run', '--prompt', 'Call me Ishmael', '--tokens', '40'];
  const [first, again, other] = await Promise.all(
    [[], [], ['--seed', '2']].map((more) => fsam(folder, [...words, ...more])),
  );
  expect(first?.code).toBe(0);
  expect(first?.stderr).toMatch(/^run\/checkpoints\/step-00000004.safetensors: 4 steps, on CPU\n$/);
  expect(first?.stdout.startsWith('Call me Ishmael')).toBe(true);
  expect(first?.stdout).toHaveLength('Call me Ishmael'.length + 40 + 1);
  expect(again?.stdout).toBe(first?.stdout);
  expect(other?.stdout).not.toBe(first?.stdout);
  const likeliest = await fsam(folder, ['sample', 'run', '--tokens', '3', '--temperature', '0']);
  expect(likeliest.stdout).toHaveLength(4);
  expect(readdirSync(join(folder, 'run')).sort()).toContain('classes.txt');
});

it('ends when nobody reads any more', async () => {
  const command = `'${LAUNCHER}' sample run --seed 0 --tokens 9999999 | head -c 5`;
  const started = performance.now();
  const { stdout } = await promisify(execFile)('bash', ['-c', command], { cwd: folder });
  expect(stdout).toHaveLength(5);
  // All of it would take half an hour.
  expect(performance.now() - started).toBeLessThan(60_000);
});

it.each([
  [['run', '--prompt', 'Straße'], '--prompt: got "ß", which does not occur in the text'],
  [['run', '--tokens', '99999999'], 'wanted a whole number from 1 to 9,999,999'],
  [['run', '--temperature', 'Infinity'], 'wanted a finite number of at least 0'],
  [['run', '--seed', '4294967296'], 'wanted a whole number from 0 to 4,294,967,295'],
  [['nowhere'], 'nowhere: there is no such folder; wanted a run folder'],
])('sample %j is a mistake, in one line', async (words, message) => {
  const { code, stdout, stderr } = await fsam(folder, ['sample', ...words]);
  expect(code).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toContain(message);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
});

it('of a run of images is refused, as are logits of one of tokens', async () => {
  const trained = ['train', '--config', 'smoke', '--epochs', '1', '--out', 'images'];
  expect((await fsam(folder, trained)).code).toBe(0);
  const sampled = await fsam(folder, ['sample', 'images']);
  expect([sampled.code, sampled.stderr]).toEqual([
    2,
    'fsam: images: is a run of the task classification, wanted one of language, such as of configs/moby-dick-gpt.yaml\n',
  ]);
  const logits = await fsam(folder, ['eval', 'run', '--logits', 'logits.json']);
  expect(logits.code).toBe(2);
  expect(logits.stderr).toBe(
    'fsam: --logits: got it for run, whose network reads tokens; wanted a run on images\n',
  );
});

it.each([
  ['no JSON', 'x'],
  ['two characters', '"ab"'],
  ['one that is there already', '" "'],
])('classes.txt that was edited is a mistake, at its line: %s', async (_, line) => {
  const file = join(folder, 'run', 'classes.txt');
  const before = read(file);
  writeFileSync(file, before.replace('"!"', line));
  const { code, stderr } = await fsam(folder, ['sample', 'run', '--tokens', '2']);
  writeFileSync(file, before);
  expect(code).toBe(2);
  expect(stderr).toContain(`run/classes.txt:3: got ${line}`);
  expect(stderr).toContain('wanted one character as a JSON string');
});

it('goes on with no other text of the same length', async () => {
  const text = join(folder, 'book.txt');
  const lines = 'the whale swam on, and the ship went after it; '.repeat(30);
  writeFileSync(text, lines);
  const config = join(CONFIGS_FOLDER, 'tiny/moby-dick-gpt.yaml');
  const set = [
    'data.name=text',
    'data.directory=book.txt',
    'data.windows=8',
    'data.subset.test=null',
  ];
  const words = [
    'train',
    '--config',
    config,
    '--out',
    'book',
    ...set.flatMap((one) => ['--set', one]),
  ];
  const running = start(folder, [...words, '--set', 'batchSize=4', '--epochs', '4000']);
  await running.until(/epoch +2\//);
  running.process.kill('SIGTERM');
  expect((await running.done).code).toBe(143);
  // The same characters, each as often.
  writeFileSync(text, lines.replace('whale', 'elahw'));
  const told = await fsam(folder, [
    ...words,
    '--set',
    'batchSize=4',
    '--epochs',
    '4000',
    '--resume',
  ]);
  expect(told.code).toBe(2);
  expect(told.stderr).toMatch(
    /book\.txt: holds other windows than the run in book began with, though as many; bring them back/,
  );
});
