// Mistakes in files and on the command line: every one of them, with its place and the way out, in the exact words.
import { symlinkSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { loadConfig, type ConfigRequest } from '../../src/config/load.js';
import type { Config } from '../../src/catalogue/schema.js';
import { UserError } from '../../src/util/errors.js';
import { yamlIn } from '../support/configs.js';
import { temporaryFolder } from '../support/folders.js';

const folder = temporaryFolder();

const GOOD = `name: trial
data:
  name: synthetic
model:
  name: resnet18
optimizer:
  name: fsam
`;

function write(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function load(
  config: string,
  assignments: string[] = [],
  overrides: ConfigRequest['overrides'] = {},
): Config {
  return loadConfig({ config, assignments, overrides });
}

/** The lines of the one error, with the name of the folder taken out. */
function mistakes(...request: Parameters<typeof load>): string[] {
  try {
    load(...request);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return error.message.replaceAll(`${folder}/`, '').split('\n');
  }
  return [];
}

const inFile = (text: string): string[] => mistakes(write('x.yaml', text));
const good = write('good.yaml', GOOD);

describe('a value in a file', () => {
  const RHO = 'wanted a number of at least 0';
  test.each([
    ['  nesterov: no', 'nesterov: got "no", wanted true or false (YAML 1.2 has no yes and no)'],
    ['  rho: -1', `rho: got -1, ${RHO}`],
    ['  rho: "0,1"', `rho: got "0,1", ${RHO}: write 0.1`],
    ['  rho: "0.1"', `rho: got "0.1", ${RHO}: write 0.1`],
    // A thousand, or one? And nothing that would be refused in its turn.
    ['  rho: 1,000', `rho: got "1,000", ${RHO}`],
    ['  rho: "-0,1"', `rho: got "-0,1", ${RHO}`],
    ['  lambda: "1,5"', 'lambda: got "1,5", wanted a number of at least 0 and below 1'],
    ['  base: 1', 'base: got 1, wanted sgd or adamw'],
    ['  rho: .nan', `rho: got .nan, ${RHO}`],
    ['  rho: .inf', `rho: got .inf, ${RHO}`],
    ['  rho:', `rho: got null, ${RHO}`],
    ['  rho: [0.1]', `rho: got [0.1], ${RHO}`],
    ['  lambda: 1', 'lambda: got 1, wanted a number of at least 0 and below 1'],
    ['  clipNorm: 0', 'clipNorm: got 0, wanted a number above 0, or null'],
    ['  emaOrder: coed', 'emaOrder: got "coed", wanted code or paper'],
    ['  base: sam', 'base: got "sam", wanted sgd or adamw'],
    ['  roh: 0.1', 'roh: unknown key, did you mean optimizer.rho?'],
    ['  weight_decay: 0', 'weight_decay: unknown key, did you mean optimizer.weightDecay?'],
    ['  learningRate: 1', 'learningRate: unknown key, did you mean schedule.learningRate?'],
  ])('%s', (line, message) => {
    expect(inFile(`${GOOD}${line}\n`)).toEqual([`x.yaml:8: optimizer.${message}`]);
  });

  test.each([
    ['seed: -1', 'seed: got -1, wanted a whole number from 0 to 4294967295'],
    ['epochs: 0,1', 'epochs: got "0,1", wanted a whole number of at least 1'],
    ['seed: 1.5', 'seed: got 1.5, wanted a whole number from 0 to 4294967295'],
    ['epochs: 0', 'epochs: got 0, wanted a whole number of at least 1'],
    ['device: tpu', 'device: got "tpu", wanted one of auto, cpu, gpu'],
    [
      'checkpoint:',
      'checkpoint: got null, wanted a map with keys such as everyEpochs, keepEveryEpochs, keepBest: write its keys on the lines below it, indented further',
    ],
    ['checkpoint: 5', 'checkpoint: got 5, wanted a map with keys such as everyEpochs'],
    ['__proto__: {polluted: 1}', '__proto__: unknown key, wanted one of extends, name, variant, '],
    ['constructor: 1', 'constructor: unknown key, wanted one of extends, name, variant, '],
    ['"a\\nb": 1', '"a\\nb": unknown key, wanted one of extends, name, variant, '],
    [
      'variant: ../up',
      'variant: got "../up", wanted at most 100 letters, digits, ".", "_" and "-", ',
    ],
    ['variant: 7', 'variant: got 7, wanted at most 100 letters, digits, ".", "_" and "-", '],
  ])('%s', (line, message) => {
    const lines = inFile(`${GOOD}${line}\n`);
    expect(lines).toHaveLength(1);
    expect(lines[0]?.startsWith(`x.yaml:8: ${message}`), lines[0]).toBe(true);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test.each([
    ['epochs: 1,000', 'wanted a whole number of at least 1: write 1000'],
    ['epochs: 0,1', 'wanted a whole number of at least 1'],
    ['epochs: "0"', 'wanted a whole number of at least 1'],
    [
      'variant: -7',
      'wanted at most 100 letters, digits, ".", "_" and "-", the first a letter or a digit, or null',
    ],
  ])('a hint that leads on, or none: %s', (line, end) => {
    expect(inFile(`${GOOD}${line}\n`)).toEqual([
      `x.yaml:8: ${line.replace(':', ': got').replace('1,000', '"1,000"').replace('0,1', '"0,1"')}, ${end}`,
    ]);
  });

  test('numbers are shown as they were written', () => {
    const lines = inFile('name: 007\nseed: 9007199254740993\nepochs: 1e-400\n');
    const got = lines.flatMap(
      (line) => /: (\w+: got .*?), wanted .*?(: write .*)?$/.exec(line) ?? [],
    );
    expect(got.filter((_, i) => i % 3 !== 0)).toEqual([
      ...['name: got 007', ': write "007" in quotes'],
      ...['seed: got 9007199254740993', undefined],
      ...['epochs: got 1e-400', undefined],
    ]);
  });

  test('every mistake at once, in the order of the lines', () => {
    expect(
      inFile(`name: trial
epoch: 3
data:
  name: cifar
  subset: {train: 0}
optimizer:
  rho: -1
  nesterov: true
  momentum: 0
schedule:
  milestones: [60, 60]
  warmupEpochs: 200
`),
    ).toEqual([
      'x.yaml:1: model: missing, wanted a map with keys such as name, width, dropout',
      'x.yaml:2: epoch: unknown key, did you mean epochs?',
      'x.yaml:4: data.name: got "cifar", wanted one of cifar10, cifar100, idx, fashion-mnist-tiny, imagenet, text, moby-dick, synthetic',
      'x.yaml:5: data.subset.train: got 0, wanted a whole number of at least 1, or null',
      'x.yaml:6: optimizer.name: missing, wanted one of sgd, adamw, sam, asam, fsam, fasam, vasso, gsam, agsam, looksam, sam-full, sam-noise, msam',
      'x.yaml:7: optimizer.rho: got -1, wanted a number of at least 0',
      'x.yaml:8: optimizer.nesterov: got true, wanted false, or a momentum above 0',
      'x.yaml:11: schedule.milestones: got [60,60], wanted the epochs in ascending order, each once',
      'x.yaml:12: schedule.warmupEpochs: got 200, wanted less than the 200 epochs of the run',
    ]);
  });
});

describe('YAML', () => {
  const KEYS = 'wanted keys such as name, data, model and optimizer';
  test.each([
    ['empty', '', `x.yaml:1: got nothing, ${KEYS}`],
    ['comments only', '# soon\n', `x.yaml:1: got nothing, ${KEYS}`],
    ['a list', '- name: trial\n', `x.yaml:1: got a list, ${KEYS}`],
    ['a word', 'trial\n', `x.yaml:1: got "trial", ${KEYS}`],
    [
      'two documents',
      `${GOOD}---\n${GOOD}`,
      'x.yaml:8: 2 YAML documents, wanted one: remove the "---"',
    ],
    ['a key twice', `${GOOD}  name: sam\n`, 'x.yaml:8: optimizer.name: set twice in one map'],
    [
      'an alias',
      `${GOOD}  rho: &a 0.1\n  sigma: *a\n`,
      'x.yaml:9: optimizer.sigma: got *a, wanted the value itself (share by extends)',
    ],
    [
      'a merge key',
      `${GOOD}  <<: {rho: 0.1}\n`,
      'x.yaml:8: optimizer."<<": merge keys are not part of YAML 1.2 (share by extends)',
    ],
    [
      'a tag',
      `${GOOD}  rho: !!float 1\n`,
      'x.yaml:8: optimizer.rho: got the tag tag:yaml.org,2002:float, wanted a plain value',
    ],
    ['an older version', `%YAML 1.1\n---\n${GOOD}`, 'x.yaml:1: got %YAML 1.1, wanted YAML 1.2'],
    [
      'an open bracket',
      `${GOOD}schedule: {milestones: [1, 2\n`,
      'x.yaml:9:1: not valid YAML (Flow sequence in block collection must be sufficiently indented and end with a ]): indent the keys of one map alike, and close every bracket',
    ],
    [
      'a tab',
      'name: trial\ndata:\n\tname: idx\n',
      'x.yaml:3:1: not valid YAML (Tabs are not allowed as indentation): indent with spaces',
    ],
    [
      'no space after the colon',
      'name:trial\nseed: 1\n',
      'x.yaml:1:1: not valid YAML (Implicit keys need to be on a single line): write KEY: VALUE, with a colon and a space',
    ],
  ])('%s', (_, text, message) => {
    expect(inFile(text)).toEqual([message]);
  });

  test('what is not text', () => {
    expect(mistakes(write('x.yaml', Uint8Array.of(0xff, 0xfe, 0x00)))).toEqual([
      'x.yaml: cannot be read: not text in UTF-8',
    ]);
    expect(mistakes(write('x.yaml', new Uint8Array(2_000_000)))).toEqual([
      'x.yaml: too long for a configuration',
    ]);
  });

  test('Windows line ends and a byte order mark are fine', () => {
    expect(load(write('x.yaml', `\ufeff${GOOD.replaceAll('\n', '\r\n')}`))).toEqual(load(good));
  });
});

describe('--config', () => {
  test('a name under configs/, with or without the ending', () => {
    expect(load('smoke').name).toBe('smoke');
    expect(load('smoke.yaml')).toEqual(load('configs/smoke.yaml'));
  });

  const known = yamlIn('configs').map((file) => file.replace('.yaml', ''));
  const WANTED = 'no such file, wanted a YAML file or a name under configs/';
  test.each([
    ['quickstrat', `${WANTED} (did you mean quickstart?)`],
    ['configs/smok.yaml', `${WANTED} (did you mean smoke?)`],
    ['src', `${WANTED} (configs/ has ${known.join(', ')})`],
  ])('%s is not there', (name, message) => {
    expect(mistakes(name, ['=3'])).toEqual([
      `--config ${name}: ${message}`,
      '--set =3: no such key, wanted KEY=VALUE such as optimizer.rho=0.1',
    ]);
  });
});

test.each(['axes: { seed: [1, 2] }', 'points: [{ seed: 1 }]'])(
  'a sweep file is one mistake, and shown its command: %s',
  (text) => {
    const path = write('sweep.yaml', `name: trial\nbase: smoke\n${text}\n`);
    const key = text.split(':')[0] ?? '';
    expect(mistakes(path)).toEqual([
      `sweep.yaml:3: ${key}: is a key of sweep files, wanted an experiment; fsam sweep --config sweep.yaml runs a sweep`,
    ]);
  },
);

describe('the command line', () => {
  test.each([
    ['optimizer.rho', 'no value, wanted optimizer.rho=VALUE'],
    ['optimizer.rho=', 'no value, wanted optimizer.rho=VALUE'],
    ['=3', 'no such key, wanted KEY=VALUE such as optimizer.rho=0.1'],
    ['a..b=1', 'no such key, wanted KEY=VALUE such as optimizer.rho=0.1'],
    ['optimizer.rho=-1', 'got -1, wanted a number of at least 0'],
    ['optimizer.rho=0,1', 'got "0,1", wanted a number of at least 0: write 0.1'],
    ['optimizer.nesterov=no', 'got "no", wanted true or false (YAML 1.2 has no yes and no)'],
    ['optimizer.rho.x=1', 'optimizer.rho: got {"x":1}, wanted a number of at least 0'],
    ['optimiser.rho=1', 'optimiser: unknown key, did you mean optimizer?'],
    [
      'workers=2',
      'unknown key, processes are asked for by fsam train --workers; data.workers are threads that read',
    ],
    ['rho=1', 'unknown key, did you mean optimizer.rho?'],
    ['data.subset={trian: 5}', 'data.subset.trian: unknown key, did you mean data.subset.train?'],
    [
      'schedule.milestones=[1',
      'not valid YAML (Flow sequence must end with a ]): close the quote or bracket',
    ],
    ['extends=smoke.yaml', 'wanted in a file: extends is not a key of --set'],
    [
      'model.__proto__.x=1',
      'model.__proto__: unknown key, wanted one of name, width, dropout, dropPath, block, stageBlocks, patch, layers, heads, bias, tied, pretrained, positions, convolution, precision',
    ],
  ])('--set %s', (assignment, message) => {
    expect(mistakes(good, [assignment])).toEqual([`--set ${assignment}: ${message}`]);
  });

  test.each([
    [{ epochs: '0' }, '--epochs 0: got 0, wanted a whole number of at least 1'],
    [{ epochs: 'ten' }, '--epochs ten: got "ten", wanted a whole number of at least 1'],
    [{ seed: '' }, '--seed "": got null, wanted a whole number from 0 to 4294967295'],
    [{ maxSteps: '1.5' }, '--max-steps 1.5: got 1.5, wanted a whole number of at least 1, or null'],
    [{ device: 'tpu' }, '--device tpu: got "tpu", wanted one of auto, cpu, gpu'],
    [{ dataDirectory: '' }, '--data-dir "": got "", wanted text that is not empty'],
    [{ subset: '1,2,3' }, '--subset 1,2,3: wanted TRAIN or TRAIN,TEST, such as 5000,1000'],
    [{ subset: '5,' }, '--subset 5,: wanted TRAIN or TRAIN,TEST, such as 5000,1000'],
    [
      { subset: '0' },
      '--subset 0: data.subset.train: got 0, wanted a whole number of at least 1, or null',
    ],
  ])('%o', (overrides, message) => {
    expect(mistakes(good, [], overrides)).toEqual([message]);
  });

  test('lays its values over the file, later ones over earlier ones, flags over --set', () => {
    const config = load(
      good,
      [
        'data.name=idx',
        'data.subset={train: 7, test: 8}',
        'data.subset.test=9',
        'seed=4',
        'optimizer.name=sgd',
      ],
      {
        seed: '5',
        subset: '10',
        dataDirectory: '007',
        epochs: '12',
        maxSteps: '30',
        device: 'cpu',
      },
    );
    expect(config.data.subset).toEqual({ train: 10, test: 9 });
    expect(config.data.directory).toBe('007');
    expect(config).toMatchObject({ seed: 5, epochs: 12, maxSteps: 30, device: 'cpu' });
    expect(config.optimizer).toMatchObject({ name: 'sgd', rho: 0.2 });
  });

  test('a flag can make a value of the file wrong', () => {
    const path = write('x.yaml', `${GOOD}schedule:\n  warmupEpochs: 5\n`);
    expect(mistakes(path, [], { epochs: '3' })).toEqual([
      'x.yaml:9: schedule.warmupEpochs: got 5, wanted less than the 3 epochs of the run',
    ]);
  });
});

describe('what is learnt from, and by what', () => {
  const text = (more: string) => `name: x
data: {name: text, directory: books}
optimizer: {name: fsam}
${more}`;

  test('texts want a network of tokens, and nothing that only images have', () => {
    expect(
      inFile(
        text(`model: {name: vit}
labelNoise: {rate: 0.4}
augmentation: {cutout: 8, cropPadding: 0, flip: false}
`),
      ),
    ).toEqual([
      'x.yaml:4: model.name: got "vit", wanted gpt: text is made of tokens',
      'x.yaml:5: labelNoise.rate: got 0.4, wanted 0 for text: a text has no labels',
      'x.yaml:6: augmentation.cutout: got 8, wanted 0 for text: a text is not augmented',
    ]);
    const file = write('x.yaml', text('model: {name: gpt}\nlabelNoise: {file: labels.csv}\n'));
    expect(mistakes(file)[0]).toMatch(
      /labelNoise.file: got ".*labels.csv", wanted null for text: a text has no labels$/,
    );
  });

  test('a default of images is refused where it is asked for of a text', () => {
    const asked = 'model: {name: gpt}\naugmentation: {flip: true, cropPadding: 4}\n';
    expect(inFile(text(asked))).toEqual([
      'x.yaml:5: augmentation.flip: got true, wanted false for text: a text is not augmented',
      'x.yaml:5: augmentation.cropPadding: got 4, wanted 0 for text: a text is not augmented',
    ]);
  });

  test('a folder is refused for a set that is read from none', () => {
    expect(mistakes(good, [], { dataDirectory: '/books' })).toEqual([
      '--data-dir /books: got "/books", wanted none for synthetic, which is read from no folder; data.name says what is',
    ]);
    // The default, which files of runs hold.
    expect(load(good, [], { dataDirectory: 'data' }).data.name).toBe('synthetic');
  });

  test('images want a network of images', () => {
    expect(inFile(GOOD.replace('resnet18', 'gpt'))[0]).toContain(
      'model.name: got "gpt", wanted resnet18 (34, 50, 101, 152), ',
    );
  });

  test('a text has no pixels to enlarge, and ImageNet a key of its own', () => {
    const file = write(
      'x.yaml',
      text('model: {name: gpt}\n').replace('name: text', 'name: text, resize: 64'),
    );
    expect(mistakes(file)[0]).toContain(
      'data.resize: got 64, wanted null for text: a text has no pixels',
    );
    const pictures = GOOD.replace('name: synthetic', 'name: imagenet\n  resize: 64');
    expect(inFile(pictures)[0]).toContain(
      'data.resize: got 64, wanted null for imagenet: data.imageSize says',
    );
  });

  test('what a text is, by its keys', () => {
    const config = load(write('x.yaml', text('model: {name: gpt, width: 64}\n')));
    expect(config.augmentation).toMatchObject({ flip: false, cropPadding: 0, cutout: 0 });
    expect(config.data).toMatchObject({
      ...{ tokens: 'characters', context: 256, windows: null, testShare: 0.1 },
    });
    expect(inFile(text('model: {name: gpt, patch: 4}\n'))).toEqual([
      'x.yaml:4: model.patch: got 4, wanted null: gpt has no such option',
    ]);
  });
});

describe('extends', () => {
  test('merges maps, replaces lists and scalars, over several files', () => {
    write('base.yaml', `${GOOD}  rho: 0.1\nschedule: {name: step, milestones: [1, 2]}\n`);
    write('middle.yaml', 'extends: base.yaml\nname: middle\nschedule: {milestones: [3]}\n');
    const config = load(write('x.yaml', 'extends: ./middle.yaml\noptimizer: {sigma: 0}\n'));
    expect(config.name).toBe('middle');
    expect(config.optimizer).toMatchObject({ name: 'fsam', rho: 0.1, sigma: 0 });
    expect(config.schedule).toMatchObject({ name: 'step', milestones: [3] });
  });

  test('a mistake is shown in the file that it stands in', () => {
    write('base.yaml', `${GOOD}  rho: -1\n  sigma: -1\nspeed: 3\n`);
    expect(inFile('extends: base.yaml\noptimizer:\n  rho: -2\n')).toEqual([
      'base.yaml:9: optimizer.sigma: got -1, wanted a number of at least 0',
      'base.yaml:10: speed: unknown key, did you mean seed?',
      'x.yaml:3: optimizer.rho: got -2, wanted a number of at least 0',
    ]);
  });

  test('names a circle, even one through a link', () => {
    write('a.yaml', 'name: a\nextends: b.yaml\n');
    write('b.yaml', 'extends: c.yaml\n');
    symlinkSync(join(folder, 'a.yaml'), join(folder, 'c.yaml'));
    expect(mistakes(join(folder, 'a.yaml'))).toEqual([
      'b.yaml:1: extends: the files extend each other in a circle: a.yaml -> b.yaml -> a.yaml',
    ]);
  });

  test.each([
    ['none.yaml', 'no file none.yaml'],
    ['[a.yaml, b.yaml]', 'wanted the name of one file, relative to this one'],
    ['', 'wanted the name of one file, relative to this one'],
  ])('extends: %s', (value, message) => {
    expect(inFile(`${GOOD}extends: ${value}\n`)).toEqual([`x.yaml:8: extends: ${message}`]);
  });

  test('a misspelt extends is suggested', () => {
    expect(inFile(`${GOOD}extend: base.yaml\n`)).toEqual([
      'x.yaml:8: extend: unknown key, did you mean extends?',
    ]);
  });
});

describe('a home folder', () => {
  const idx = (directory: string) => GOOD.replace('synthetic', `idx\n  directory: ${directory}`);
  const named = write('named.yaml', idx('sets'));
  const directoryOf = (config: Config) => config.data.directory;
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  test('stands for ~ in every path, as the shell has it', () => {
    vi.stubEnv('HOME', folder);
    expect(directoryOf(load(write('x.yaml', idx('~/sets/mnist'))))).toBe(`${folder}/sets/mnist`);
    expect(directoryOf(load(write('x.yaml', idx('"~"'))))).toBe(folder);
    expect(directoryOf(load(write('x.yaml', idx('./~/sets'))))).toBe('./~/sets');
    expect(directoryOf(load(write('x.yaml', idx('sets~'))))).toBe('sets~');
    expect(directoryOf(load(named, ['data.directory=~/b']))).toBe(`${folder}/b`);
    expect(directoryOf(load(named, ['data={directory: ~/b}']))).toBe(`${folder}/b`);
    expect(directoryOf(load(named, [], { dataDirectory: '~/c' }))).toBe(`${folder}/c`);
    const { labelNoise } = load(good, ['labelNoise.file=~/noise.csv']);
    expect(labelNoise.file).toBe(`${folder}/noise.csv`);
    expect(load(write('x.yaml', 'extends: ~/good.yaml\nseed: 7\n')).seed).toBe(7);
    expect(load('~/good.yaml').name).toBe('trial');
  });

  test('is what the system says of the user where HOME is not set', () => {
    vi.stubEnv('HOME', undefined);
    const { homedir } = userInfo();
    expect(directoryOf(load(named, ['data.directory=~/b']))).toBe(`${homedir}/b`);
  });

  test('is refused where it is empty, or of another user', () => {
    expect(inFile(idx('~bob/sets'))).toEqual([
      'x.yaml:4: data.directory: got "~bob/sets", wanted ~/..., which is your own home, or the whole path ' +
        '(./~bob is a folder of that name)',
    ]);
    expect(mistakes(good, ['labelNoise.file=~bob/a.csv'])[0]).toMatch(
      /^--set labelNoise.file=~bob\/a.csv: got "~bob\/a.csv", wanted ~\/\.\.\., which/,
    );
    expect(inFile('extends: ~bob/x.yaml\n')[0]).toMatch(/^x.yaml:1: extends: wanted ~\/\.\.\., /);
    expect(mistakes('~bob/x.yaml')[0]).toMatch(/^--config ~bob\/x.yaml: wanted ~\/\.\.\., /);
    vi.stubEnv('HOME', '');
    expect(mistakes(good, [], { dataDirectory: '~/c' })).toEqual([
      '--data-dir ~/c: got "~/c", wanted the whole path: HOME, which ~ stands for, is empty',
    ]);
    expect(load(good).data.directory).toBe('data');
  });
});
