// What the points of a sweep are: combined, collapsed, named, and every mistake in its words.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CONFIGS_FOLDER } from '../../src/config/files.js';
import { readAssignments } from '../../src/config/overrides.js';
import { loadSweep } from '../../src/sweep/load.js';
import {
  countPoints,
  expand,
  isValid,
  keysWithoutEffect,
  type Point,
} from '../../src/sweep/points.js';
import { selectPoints } from '../../src/sweep/select.js';
import { valuesOf } from '../../src/sweep/range.js';
import { UserError } from '../../src/util/errors.js';
import { yamlIn } from '../support/configs.js';
import { temporaryFolder } from '../support/folders.js';

const folder = temporaryFolder();

let files = 0;
function points(text: string): Point[] {
  const path = join(folder, `sweep-${++files}.yaml`);
  writeFileSync(path, `name: trial\n${text}`);
  return expand(loadSweep(path), []);
}
const names = (text: string): string[] => points(`base: smoke\n${text}`).map(({ name }) => name);
const rhoAndSeed = (point: Point | undefined) =>
  point && isValid(point) ? [point.config.optimizer.rho, point.config.seed] : undefined;

describe('the grid', () => {
  test('has every combination, the first axis slowest, and is the configuration it names', () => {
    const grid = points('base: smoke\naxes:\n  optimizer.rho: [0.1, 0.2]\n  seed: [1, 5]\n');
    expect(grid.map(({ name }) => name)).toEqual([
      'rho0.1/seed-1',
      'rho0.1/seed-5',
      'rho0.2/seed-1',
      'rho0.2/seed-5',
    ]);
    expect(grid.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
    expect(grid.map(rhoAndSeed)).toEqual([
      [0.1, 1],
      [0.1, 5],
      [0.2, 1],
      [0.2, 5],
    ]);
  });

  test('collapses where a key does not apply', () => {
    const axes = 'axes:\n  optimizer.name: [sgd, sam, fsam]\n  optimizer.rho: [0.1, 0.2]\n';
    const all = ['sgd', 'sam-rho0.1', 'sam-rho0.2', 'fsam-rho0.1', 'fsam-rho0.2'];
    expect(names(axes)).toEqual(all.map((name) => `${name}/seed-1`));
    expect(names(`${axes}  optimizer.sigma: [0.5, 1]\n`)).toHaveLength(1 + 2 + 4);
    expect(
      names('axes:\n  labelNoise.rate: [0, 0.5]\n  labelNoise.kind: [symmetric, asymmetric]\n'),
    ).toEqual(['noise0/seed-1', 'noise0.5-symmetric/seed-1', 'noise0.5-asymmetric/seed-1']);
    expect(names('set: { optimizer.name: sgd }\naxes:\n  optimizer.rho: [0.1, 0.2]\n')).toEqual([
      'sgd/seed-1',
    ]);
    expect(
      names('axes:\n  schedule.name: [cosine, step]\n  schedule.factor: [0.1, 0.2]\n'),
    ).toEqual(['cosine/seed-1', 'step-factor0.1/seed-1', 'step-factor0.2/seed-1']);
    expect(
      names('set: { optimizer.name: adamw }\naxes:\n  optimizer.momentum: [0, 0.9]\n'),
    ).toEqual(['adamw/seed-1']);
  });

  test('tells the keys of axes that no point reads', () => {
    const path = join(folder, 'unread.yaml');
    writeFileSync(
      path,
      `name: trial\nbase: ${join(CONFIGS_FOLDER, 'tiny/moby-dick-gpt.yaml')}\naxes:\n  augmentation.cutout: [0, 8]\n` +
        '  optimizer.name: [sgd, sam]\n  optimizer.rho: [0.1, 0.2]\n  few: { a: { data.resize: null } }\n',
    );
    const sweep = loadSweep(path);
    const all = expand(sweep, []);
    expect(all).toHaveLength(3);
    expect(keysWithoutEffect(sweep, all)).toEqual(['augmentation.cutout', 'data.resize']);
  });

  test('collapses where the file says so', () => {
    const axes = 'axes:\n  optimizer.name: [sgd, sam]\n  optimizer.momentum: [0.8, 0.9]\n';
    expect(names(axes)).toHaveLength(4);
    expect(names(`${axes}only:\n  optimizer.momentum: { optimizer.name: [sam] }\n`)).toEqual([
      'sgd/seed-1',
      'sam-momentum0.8/seed-1',
      'sam-momentum0.9/seed-1',
    ]);
  });

  test.each([
    ['{ from: 0, to: 1, count: 5 }', [0, 0.25, 0.5, 0.75, 1]],
    ['{ from: 0.01, to: 1, count: 3, scale: log }', [0.01, 0.1, 1]],
    ['{ from: 0.1, to: 0.3, count: 3 }', [0.1, 0.2, 0.3]],
  ])('ranges: %s', (range, values) => {
    const grid = points(`base: smoke\naxes:\n  optimizer.rho: ${range}\n`);
    expect(grid.map((point) => rhoAndSeed(point)?.[0])).toEqual(values);
  });

  test.each([
    ['{ from: 1000001, to: 1000005, count: 5 }', [1000001, 1000002, 1000003, 1000004, 1000005]],
    ['{ from: 1, to: 10, count: 3 }', [1, 6, 10]],
    ['{ from: 5, to: 1, count: 3 }', [5, 3, 1]],
    ['{ from: 4294967291, to: 4294967295, count: 2 }', [4294967291, 4294967295]],
  ])('ranges of whole numbers: %s', (range, values) => {
    const grid = points(`base: smoke\naxes:\n  seed: ${range}\n`);
    expect(grid.map(({ values: own }) => own['seed'])).toEqual(values);
  });

  test('ends of a range are as written, and values that six digits would make one have more', () => {
    expect(valuesOf({ from: 1 / 3, to: 2 / 3, count: 3, scale: 'linear' }, false)).toEqual([
      1 / 3,
      0.5,
      2 / 3,
    ]);
    expect(valuesOf({ from: 1, to: 1.000002, count: 5, scale: 'linear' }, false)).toEqual([
      1, 1.0000005, 1.000001, 1.0000015, 1.000002,
    ]);
    expect(valuesOf({ from: 1, to: 3, count: 4, scale: 'linear' }, true)).toBeNull();
    expect(valuesOf({ from: 2, to: 2, count: 2, scale: 'log' }, false)).toBeNull();
  });

  test('choices set several keys at once, and points stand beside the grid', () => {
    const text =
      'axes:\n  size: { small: { model.width: 2, epochs: 1 }, large: { model.width: 8 } }\npoints:\n' +
      '  - { optimizer.name: sgd, seed: 3 }\n  - { base: quickstart }\n';
    expect(names(text)).toEqual([
      'small/seed-1',
      'large/seed-1',
      'sgd/seed-3',
      'quickstart/seed-1',
    ]);
    const [small] = points(`base: smoke\n${text}`);
    expect(small?.config).toMatchObject({ epochs: 1, model: { width: 2 } });
  });

  test('names: by template, without axes of one value, with sections where keys end alike', () => {
    expect(names('axes:\n  model.width: [2]\n  seed: [1, 2]\n')).toEqual([
      'fsam-rho0.2-sigma1-lambda0.6/seed-1',
      'fsam-rho0.2-sigma1-lambda0.6/seed-2',
    ]);
    expect(
      names('axes:\n  optimizer.rho: [0.1]\nfolder: "w{model.width}/{optimizer.name}"\n'),
    ).toEqual(['w4/fsam/seed-1']);
    expect(
      names(
        'axes:\n  data.subset.train: [32]\n  data.synthetic.train: [32, 64]\n  labelNoise.rate: [0, 0.5]\n',
      )[1],
    ).toBe('train32-noise0.5/seed-1');
    expect(
      names('axes:\n  data.subset.train: [32, 40]\n  data.synthetic.train: [48, 64]\n')[0],
    ).toBe('data.subset.train32-data.synthetic.train48/seed-1');
  });

  test('points that would be the same run are one', () => {
    expect(names('axes:\n  evaluationBatchSize: [8, 16]\n  seed: [1, 2]\n')).toEqual([
      'evaluationBatchSize8/seed-1',
      'evaluationBatchSize8/seed-2',
    ]);
    const networks = 'axes:\n  model.name: [resnet18]\n  model.width: [64, null]\n';
    expect(names(networks)).toEqual(['width64/seed-1']);
    expect(names('axes:\n  device: [auto, cpu]\n')).toHaveLength(2);
  });

  test('names that become one by cleaning stay two, and do not depend on each other', () => {
    const noise = (files: string) =>
      names(`axes:\n  labelNoise.file: [${files}]\n  seed: [1, 2]\n`);
    const both = noise('noise/a b.csv, noise/a_b.csv, noise/c.csv');
    expect(both[0]).toMatch(/^noise_a_b\.csv-[0-9a-f]{6}\/seed-1$/);
    expect(both[1]).toBe(both[0]?.replace('seed-1', 'seed-2'));
    expect(new Set(both).size).toBe(6);
    expect(both[4]).toBe('noise_c.csv/seed-1');
    expect(noise('noise/a_b.csv, noise/a b.csv').toSorted()).toEqual(both.slice(0, 4).toSorted());
    expect(
      names('axes:\n  labelNoise.file: [a b, a_b]\nfolder: "f-{labelNoise.file}"\n').map(
        (name) => name.length,
      ),
    ).toEqual([19, 19]);
  });

  test('names stay in the folder of the sweep, and are no longer than file systems take', () => {
    const long = 'a'.repeat(260);
    const labels = ["'..'", "'.'", "''", long, `${long}b`];
    const choices = labels.map((label, i) => `${label}: { optimizer.rho: 0.${i + 1} }`);
    const all = names(`axes:\n  size: { ${choices.join(', ')} }\n`);
    for (const name of all.slice(0, 3)) expect(name).toMatch(/^_-[\da-f]{6}\/seed-1$/);
    for (const name of all.slice(3)) expect(name).toMatch(/^a{200}-[\da-f]{6}\/seed-1$/);
    expect(new Set(all).size).toBe(5);
    const template = (text: string) => () =>
      names(`folder: '${text}'\naxes:\n  optimizer.rho: [0.1, 0.2]\n`);
    for (const text of [
      '../{optimizer.rho}',
      '/{optimizer.rho}',
      'a/./{optimizer.rho}',
      '{seed}/',
    ]) {
      expect(template(text)).toThrow(
        `folder: got ${JSON.stringify(text)}, wanted names parted by "/", none of them empty, "." or ".."`,
      );
    }
    expect(template('..{optimizer.rho}/{seed}')()[0]).toBe('..0.1/1/seed-1');
  });

  test('is counted before it is made', () => {
    const path = join(folder, 'large.yaml');
    const range = (key: string) => `  ${key}: { from: 0, to: 1, count: 1000 }\n`;
    writeFileSync(path, `name: large\naxes:\n${range('optimizer.rho')}${range('optimizer.sigma')}`);
    expect(countPoints(loadSweep(path))).toBe(1e6);
  });
});

describe('one wrong value is one point without a configuration', () => {
  const grid = points('base: smoke\naxes:\n  optimizer.rho: [0.1, -1]\n');

  test('with the line of the sweep file', () => {
    expect(grid.map(isValid)).toEqual([true, false]);
    expect(grid[1]?.config).toEqual({
      mistakes: expect.stringMatching(
        /sweep-\d+\.yaml:4: optimizer\.rho: got -1, wanted a number of at least 0$/,
      ) as string,
    });
  });

  test('all wrong is a mistake of the file', () => {
    expect(() => points('base: smoke\naxes:\n  optimizer.rho: [-2, -1]\n')).toThrow(
      /got -2, wanted/,
    );
  });
});

test.each([
  [
    'axes:\n  optimizer.rhoo: [1]',
    /:3: optimizer\.rhoo: unknown key, did you mean optimizer\.rho\?/,
  ],
  ['axes:\n  rho: [1]', /:3: rho: unknown key, did you mean optimizer\.rho\?/],
  [
    'axes:\n  optimizer.rho: []',
    /:3: axes\.optimizer\.rho: got an empty list, wanted at least one/,
  ],
  [
    'axes:\n  optimizer.rho: 0.1',
    /:3: axes\.optimizer\.rho: got 0\.1, wanted a list of values, a range/,
  ],
  ['axes:\n  size: { a: 3 }', /axes\.size\.a: got 3, wanted a map such as/],
  ['axes:\n  size: {}', /axes\.size: got no choices/],
  [
    'axes:\n  optimizer.rho: { from: 0, to: 1, count: 1 }',
    /rho\.count: got 1, wanted a whole number from 2/,
  ],
  [
    'axes:\n  seed: { from: 1, to: 3, count: 9 }',
    /axes\.seed\.count: got 9, wanted fewer: there are not 9 different whole numbers from 1 to 3/,
  ],
  [
    'axes:\n  optimizer.rho: { from: 0, to: 1, count: 3, scale: log }',
    /wanted both above 0 for scale: log/,
  ],
  ['axes:', /:2: axes: got null, wanted a map: write its keys on the lines below it/],
  ['axis: {}', /:2: axis: unknown key, did you mean axes\?/],
  ['base: smokee\naxes:\n  seed: [1]', /:2: "smokee": no such file, .* \(did you mean smoke\?\)/],
  ['axes:\n  seed: [1]', /:1: base: missing, wanted an experiment file/],
  ['base: smoke', /:1: has neither axes nor points/],
  [
    'base: smoke\naxes:\n  optimizer.rho: [1, 2]\nfolder: x',
    /points 1 and 2 would both be x\/seed-1/,
  ],
  [
    'base: smoke\naxes:\n  seed: [1]\nonly:\n  optimizer.rh: { seed: [1] }',
    /optimizer\.rh: unknown key/,
  ],
])('%s', (text, message) => {
  expect(() => points(text)).toThrow(message);
});

test('an experiment is one mistake, and shown its command', () => {
  const path = join(folder, 'experiment.yaml');
  writeFileSync(path, 'name: trial\ndata: { name: synthetic }\nmodel: { name: resnet18 }\n');
  expect(() => loadSweep(path)).toThrow(
    new UserError(
      `${path}:1: is an experiment, wanted a sweep file with axes or points; fsam train --config ${path} runs an experiment`,
    ),
  );
});

test.each([
  [
    'optimizer.name=sam',
    /^--set optimizer\.name=sam: is what the points of this sweep differ in, wanted --filter/,
  ],
  ['optimizer={name: sam}', /differ in/],
])('a value for all points must not undo an axis: %s', (assignment, message) => {
  const path = join(folder, 'axis.yaml');
  writeFileSync(
    path,
    'name: x\nbase: smoke\naxes:\n  optimizer.name: [sgd, fsam]\n  optimizer.rho: [1, 2]\n',
  );
  const overlay = (text: string) => readAssignments([text], []);
  expect(() => expand(loadSweep(path), overlay(assignment))).toThrow(message);
  expect(expand(loadSweep(path), overlay('optimizer.momentum=0.5'))).toHaveLength(3);
});

describe('filters', () => {
  const grid = points(
    'base: smoke\naxes:\n  optimizer.name: [sgd, sam]\n  seed: [1, 2, 3]\n  model.width: [2, 4]\n',
  );
  const left = (...filters: string[]) => selectPoints(grid, filters).map(({ number }) => number);

  test('several of one key widen, those of another narrow down', () => {
    expect(left()).toHaveLength(12);
    expect(left('optimizer.name=sam', 'seed=1', 'seed=3', 'model.width=4')).toEqual([8, 12]);
  });

  test('a key without effect matches nothing, whatever the base says', () => {
    const some = points(
      'base: smoke\nset: { optimizer.rho: 0.1 }\naxes:\n  optimizer.name: [sgd, sam, fsam]\n',
    );
    const chosen = (filter: string) => selectPoints(some, [filter]).map(({ name }) => name);
    expect(chosen('optimizer.rho=0.1')).toEqual(['sam/seed-1', 'fsam/seed-1']);
    expect(chosen('optimizer.sigma=1')).toEqual(['fsam/seed-1']);
    expect(chosen('model.width=4')).toHaveLength(3);
    expect(() => chosen('evaluationBatchSize=32')).toThrow(
      /none of 3 points is so; evaluationBatchSize has no effect in any of them/,
    );
  });

  test('an axis with a name of its own, and the base, are filtered by their choices', () => {
    const some = points(
      'axes:\n  base: [smoke, quickstart]\n' +
        '  size: { small: { model.width: 2 }, 10: { model.width: 10 } }\n',
    );
    const chosen = (...filters: string[]) => selectPoints(some, filters).map(({ name }) => name);
    expect(chosen('size=small')).toEqual(['smoke-small/seed-1', 'quickstart-small/seed-1']);
    expect(chosen('size=10', 'base=smoke')).toEqual(['smoke-10/seed-1']);
    expect(chosen('model.width=2', 'base=quickstart')).toEqual(['quickstart-small/seed-1']);
    expect(() => chosen('size=huge')).toThrow(/none of 4 points is so; size is one of small, 10$/);
    expect(() => chosen('sise=small')).toThrow(/unknown key, .*or an axis of this sweep: size$/);
  });

  test('asam is found by either of its names', () => {
    const by = (axes: string, filter: string) =>
      selectPoints(points(`base: smoke\naxes:\n${axes}`), [filter]).map(({ name }) => name);
    const named = '  optimizer.name: [sam, asam]\n';
    expect(by(named, 'optimizer.name=asam')).toEqual(['asam/seed-1']);
    expect(by(named, 'optimizer.name=sam')).toEqual(['sam/seed-1']);
    expect(by(named, 'optimizer.adaptive=true')).toEqual(['asam/seed-1']);
    const keyed = '  optimizer.name: [sgd, sam]\n  optimizer.adaptive: [false, true]\n';
    expect(by(keyed, 'optimizer.name=sam')).toHaveLength(2);
    expect(by(keyed, 'optimizer.adaptive=false')).toEqual(['sam-adaptivefalse/seed-1']);
    expect(names(`axes:\n${named}  optimizer.adaptive: [false, true]\n`)).toHaveLength(2);
  });

  test('a choice without effect has no point', () => {
    const some = points(
      'base: smoke\naxes:\n  optimizer.name: [sgd, sam]\n' +
        '  climb: { short: { optimizer.rho: 0.1 }, long: { optimizer.rho: 0.5 } }\n',
    );
    expect(some.map(({ name }) => name)).toEqual([
      'sgd/seed-1',
      'sam-short/seed-1',
      'sam-long/seed-1',
    ]);
    const chosen = selectPoints(some, ['climb=short']);
    expect(chosen.map(({ name }) => name)).toEqual(['sam-short/seed-1']);
  });

  test('what is no filter, or leaves nothing, is refused', () => {
    expect(() => left('optimizer.nam=sam')).toThrow(/--filter optimizer\.nam=sam: unknown key/);
    expect(() => left('seed')).toThrow(/--filter seed/);
    expect(() => left('seed=7')).toThrow(/none of 12 points is so/);
  });
});

test.each(yamlIn(join(CONFIGS_FOLDER, 'sweeps')))(
  'configs/sweeps/%s: every point is valid and has a folder of its own',
  (file) => {
    const all = expand(loadSweep(file), []);
    expect(all.filter((point) => !isValid(point))).toEqual([]);
    expect(all.length).toBeGreaterThan(8);
  },
);

const EVIDENCE = join(CONFIGS_FOLDER, 'evidence');

test.each(yamlIn(EVIDENCE).filter((file) => !['fashion.yaml', 'cifar10.yaml'].includes(file)))(
  'configs/evidence/%s: every point is valid, and none of the search is among the others',
  (file) => {
    const all = expand(loadSweep(join(EVIDENCE, file)), []);
    expect(all.filter((point) => !isValid(point))).toEqual([]);
    const seeds = new Set(all.filter(isValid).map(({ config }) => config.seed));
    expect([...seeds].every((seed) => seed > 100 === file.startsWith('search-'))).toBe(true);
  },
);
