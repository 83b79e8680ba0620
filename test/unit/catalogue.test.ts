// What a run is: which keys count, under which variant, and what runs are called after them.
import { describe, expect, test } from 'vitest';
import { counts, differences, identityOf, isRead, readerOf } from '../../src/catalogue/identity.js';
import { KEY_PATHS, KEYS, rowOf, type KeyPath } from '../../src/catalogue/keys.js';
import { variantName } from '../../src/catalogue/variant.js';
import { NOISES } from '../../src/catalogue/label-noises.js';
import { DESCENTS } from '../../src/catalogue/descents.js';
import { OPTIMIZER_TITLES, OPTIMIZERS } from '../../src/catalogue/optimizers.js';
import { SCHEDULES } from '../../src/catalogue/schedules.js';
import { configJsonSchema, keyPaths, schemaAt } from '../../src/config/jsonSchema.js';
import { publishedValues } from '../../src/catalogue/network.js';
import { configFrom } from '../support/configs.js';

const smoke = (...assignments: string[]) => configFrom('smoke', ...assignments);

test('every key of the schema has a row, in its order', () => {
  const leaves = keyPaths(configJsonSchema()).filter(
    (path, _, all) => !all.some((other) => other.startsWith(`${path}.`)),
  );
  expect(KEY_PATHS).toEqual(leaves.filter((path) => path !== 'extends'));
});

describe('which keys count', () => {
  test.each([
    ['optimizer.name=sgd', 'momentum nesterov weightDecay decayed layerDecay clipNorm'],
    ['optimizer.name=adamw', 'weightDecay decayed beta1 beta2 epsilon layerDecay clipNorm'],
    [
      'optimizer.name=sam',
      'base rho perturb perturbation rhoSchedule adaptive momentum nesterov weightDecay decayed layerDecay clipNorm',
    ],
    [
      'optimizer={name: fsam, base: adamw}',
      'base rho perturb perturbation rhoSchedule adaptive sigma lambda emaOrder weightDecay decayed beta1 beta2 epsilon layerDecay clipNorm',
    ],
  ])('%s', (assignment, wanted) => {
    const at = readerOf(smoke(assignment));
    const found = KEY_PATHS.filter((key) => key.startsWith('optimizer.') && counts(key, at));
    expect(found.map((key) => key.slice('optimizer.'.length))).toEqual([
      'name',
      ...wanted.split(' '),
    ]);
  });

  test.each([
    ['labelNoise.exclusive', 'labelNoise={rate: 0.2, kind: asymmetric}', 'labelNoise.rate=0.2'],
    ['labelNoise.seed', 'labelNoise.rate=0', 'labelNoise.rate=0.2'],
    ['data.synthetic.size', 'data.name=cifar10', 'data.name=synthetic'],
    ['schedule.milestones', 'schedule.name=cosine', 'schedule.name=step'],
    ['augmentation.cutoutProbability', 'augmentation.cutout=0', 'augmentation.cutout=8'],
    ['optimizer.decayed', 'optimizer.weightDecay=0', 'optimizer.weightDecay=0.1'],
    ['model.patch', 'model.name=resnet18', 'model.name=vit'],
  ])('%s: not with %s, but with %s', (key, without, having) => {
    expect(counts(key, readerOf(smoke(without)))).toBe(false);
    expect(counts(key, readerOf(smoke(having)))).toBe(true);
  });

  test('never those that change no number', () => {
    const never = ['evaluationBatchSize', 'data.directory', 'checkpoint.everyEpochs', 'name'];
    for (const key of never) expect(counts(key, readerOf(smoke()))).toBe(false);
  });

  test('and the help of a key of a schedule or of noise names those that read it', () => {
    const sections = [
      ['schedule', SCHEDULES, {}],
      ['labelNoise', NOISES, { rate: 0.2 }],
    ] as const;
    for (const [section, table, rest] of sections) {
      const variant = section === 'schedule' ? 'name' : 'kind';
      for (const key of KEY_PATHS.filter((path) => path.startsWith(`${section}.`))) {
        const help = schemaAt(configJsonSchema(), key.split('.'))?.description ?? '';
        const named = Object.keys(table).filter((name) => help.includes(`(${name})`));
        const readers = Object.keys(table).filter((name) =>
          isRead(key, readerOf({ [section]: { ...rest, [variant]: name } })),
        );
        const all = Object.keys(table);
        expect([key, named.length === 0 ? all : named]).toEqual([key, readers]);
      }
    }
  });

  test('and the help of an optimizer key names those that read it', () => {
    for (const key of KEY_PATHS.filter((path) => path.startsWith('optimizer.'))) {
      // Of keys further below, that of their section does.
      const help = schemaAt(configJsonSchema(), key.split('.').slice(0, 2))?.description ?? '';
      const [, list] = /\(([a-z, -]+)\)\.$/.exec(help) ?? [];
      const named = list?.split(', ') ?? Object.keys(OPTIMIZERS);
      for (const name of Object.keys(OPTIMIZERS)) {
        for (const base of Object.keys(DESCENTS)) {
          const descent = OPTIMIZERS[name as keyof typeof OPTIMIZERS].descent ?? base;
          const optimizer = `optimizer={name: ${name}, base: ${base}, projection: constant}`;
          const wanted = named.includes(name) || (list !== undefined && named.includes(descent));
          if (key === 'optimizer.name' || /base|weightDecay|adaptive|rhoMin/.test(key)) continue;
          const at = readerOf(smoke(optimizer));
          expect([key, optimizer, counts(key, at)]).toEqual([key, optimizer, wanted]);
        }
      }
    }
  });
});

test('rows look at keys that there are', () => {
  const at = readerOf(smoke());
  const looked = new Set<string>();
  const watching = (key: string): unknown => {
    looked.add(key);
    return at(key as KeyPath);
  };
  for (const key of KEY_PATHS) {
    KEYS[key].read?.(watching);
    KEYS[key].meaning?.(at(key), watching);
    if (KEYS[key].toldBy !== undefined) looked.add(KEYS[key].toldBy);
  }
  expect(looked.size).toBeGreaterThan(5);
  expect([...looked].filter((key) => rowOf(key) === null)).toEqual([]);
});

test('null is the published value', () => {
  expect(publishedValues('dropout')).toBe('wrn, vit, deit-ti, deit-s, vit-s, gpt: 0; vgg: 0.5');
  const vit = 'model={name: vit, width: null}';
  expect(differences(smoke(vit), smoke('model={name: vit, width: 192, heads: 3}'))).toEqual([]);
  expect(identityOf(smoke('model={name: vgg16, width: null}')).get('model.dropout')).toBe(0.5);
});

test('differences, one line a key that counts for one of the two', () => {
  const changed = smoke(
    'optimizer.rho=0.1',
    'schedule={name: step, milestones: [5]}',
    'seed=2',
    'variant=b',
    'evaluationBatchSize=8',
    'logging.tensorboard=true',
    'optimizer.beta1=0.5',
  );
  expect(differences(smoke(), smoke())).toEqual([]);
  const labels = (path: string) => smoke(`labelNoise.file=${path}`);
  expect(differences(labels('a/b.csv'), labels('./a//c/../b.csv'))).toEqual([]);
  expect(differences(labels('a/b.csv'), labels('b.csv'))).toHaveLength(1);
  expect(differences(labels('a/b.csv'), smoke())).toHaveLength(1);
  expect(differences(smoke(), changed)).toEqual([
    'seed: 1 -> 2',
    'optimizer.rho: 0.2 -> 0.1',
    'schedule.name: cosine -> step',
    'schedule.milestones: [60, 120, 160] -> [5]',
  ]);
});

describe('the variant', () => {
  test.each([
    ['sgd', ['optimizer.name=sgd']],
    ['adamw', ['optimizer.name=adamw']],
    ['sam-rho0.2', ['optimizer.name=sam']],
    ['asam-rho0.2', ['optimizer.name=asam']],
    ['asam-rho0.2', ['optimizer.name=sam', 'optimizer.adaptive=true']],
    ['sam-rho1e-7-adamw', ['optimizer.name=sam', 'optimizer.base=adamw', 'optimizer.rho=1e-7']],
    ['fsam-rho0.2-sigma1-lambda0.6', []],
    ['fasam-rho2-sigma0.5-lambda0', ['optimizer={name: fasam, rho: 2, sigma: 0.5, lambda: 0}']],
    ['fsam-rho0.2-sigma1-lambda0.6-adamw-paper', ['optimizer={base: adamw, emaOrder: paper}']],
    [
      'sgd-m4-noise0.4-exclusive',
      ['optimizer.name=sgd', 'microBatches=4', 'labelNoise={rate: 0.4, exclusive: true}'],
    ],
    ['sgd-noise0.4-asymmetric', ['optimizer.name=sgd', 'labelNoise={rate: 0.4, kind: asymmetric}']],
    ['sgd-noise-file', ['optimizer.name=sgd', 'labelNoise.file=a.csv']],
    ['mine', ['variant=mine']],
  ])('%s', (name, assignments) => {
    expect(variantName(smoke(...assignments))).toBe(name);
  });

  test('tells every key that only some optimizers read', () => {
    const OTHERS: Readonly<Record<string, string>> = {
      base: 'adamw',
      emaOrder: 'paper',
      adaptive: 'true',
      perturb: 'norms',
      perturbation: 'shared',
      rhoSchedule: 'inverse-sqrt',
      minimize: 'plain',
      every: '3',
      fullGradient: '{samples: 100}',
      projection: 'exact',
    };
    for (const [name, { keys }] of Object.entries(OPTIMIZERS)) {
      // Told with the schedule that reads it.
      for (const key of Object.keys(keys).filter((one) => one !== 'rhoMin')) {
        const value = OTHERS[key] ?? '0.123';
        const all = [`optimizer.name=${name}`, 'optimizer.projection=constant'];
        const [usual, other] = [smoke(...all), smoke(...all, `optimizer.${key}=${value}`)];
        expect([key, variantName(other)]).not.toEqual([key, variantName(usual)]);
      }
    }
  });
});

describe('asam is sam with an adaptive climb', () => {
  const [asam, adaptive] = [
    smoke('optimizer={name: asam, adaptive: false}'),
    smoke('optimizer={name: sam, adaptive: true}'),
  ];

  test('whichever way it is written', () => {
    expect(asam).toEqual(adaptive);
    expect(asam.optimizer).toMatchObject({ name: 'sam', adaptive: true });
    expect(smoke('optimizer.name=fasam').optimizer).toMatchObject({ name: 'fsam', adaptive: true });
    expect(smoke('optimizer.name=sam').optimizer).toMatchObject({ name: 'sam', adaptive: false });
  });

  test('and is told by its name alone', () => {
    expect(differences(smoke('optimizer.name=sam'), asam)).toEqual(['optimizer.name: sam -> asam']);
    expect(OPTIMIZER_TITLES.slice(0, 6)).toEqual(['sgd', 'adamw', 'sam', 'asam', 'fsam', 'fasam']);
  });

  test('in what is not checked yet, too', () => {
    const at = readerOf({ optimizer: { name: 'fasam' } });
    expect([at('optimizer.name'), at('optimizer.adaptive')]).toEqual(['fsam', true]);
    expect(isRead('optimizer.sigma', at)).toBe(true);
  });
});

test('every key that is not always read is read under some variant', () => {
  const variants = [
    ...Object.keys(OPTIMIZERS).map((name) => `optimizer={name: ${name}, base: sgd}`),
    'optimizer.name=adamw',
    'optimizer={name: sam, rhoSchedule: rate}',
    'labelNoise={rate: 0.2, kind: symmetric}',
    'schedule.name=step',
    'model={name: vit, width: null, pretrained: weights.safetensors}',
    'model={name: vgg16, width: null}',
    'model={name: pyramidnet-110-48, width: null}',
    'model={name: wrn-10-1, width: null}',
    'data.name=synthetic',
    'data.name=idx',
    'data={name: imagenet, order: blocks}',
    'probes.every=3',
  ].map((assignment) => readerOf(smoke(assignment)));
  variants.push(readerOf({ data: { name: 'text' }, model: { name: 'gpt' } }));
  const dead = KEY_PATHS.filter((key) => !variants.some((at) => isRead(key, at)));
  expect(dead).toEqual([]);
  expect(Object.values(KEYS).filter(({ read }) => read !== undefined).length).toBeGreaterThan(20);
});
