// Learning rates by layer: timm's scales, and a step that is shorter by them, state and all else as it was.
import { expect, test } from 'vitest';
import { batchAt } from '../../src/data/image-source.js';
import { required } from '../../src/util/errors.js';
import { batchOf, tinyConfig, tinyEngine, tracedFromEager } from './support/engine.js';
import { optimizerConfig } from './support/optimizers.js';

/**
 * What timm 1.0.31's `param_groups_layer_decay(model, layer_decay=0.75)` gives a vision transformer of three layers.
 * By the beginning of a parameter's name.
 */
const TIMM: Readonly<Record<string, number>> = {
  cls_token: 0.31640625,
  pos_embed: 0.31640625,
  'patch_embed.': 0.31640625,
  'blocks.0.': 0.421875,
  'blocks.1.': 0.5625,
  'blocks.2.': 0.75,
  'norm.': 0.75,
  'head.': 1,
};

const model = { name: 'vit', patch: 4, width: 8, layers: 3, heads: 2 };
const configOf = (base: 'sgd' | 'adamw', layerDecay: number | null) =>
  tinyConfig({
    optimizer: optimizerConfig({ name: 'fsam', base, layerDecay, weightDecay: 0.1 }),
    keys: { model },
  });

test.each(['sgd', 'adamw'] as const)('a step of %s is shorter by timm’s scales', (base) => {
  const [plain, layered] = [null, 0.75].map((decay) => {
    const config = configOf(base, decay);
    const engine = tinyEngine(config);
    const before = engine.readState();
    engine.trainStep(0, batchAt(batchOf(config, 0)), 0.05);
    const after = engine.readState();
    engine.dispose();
    return { before, after, slots: engine.slots };
  }) as [Sides, Sides];
  const [w, full, short] = [plain.before, plain.after, layered.after].map((state) =>
    required(state.get('parameters'), 'w'),
  ) as [Float32Array, Float32Array, Float32Array];
  const slot = required(
    plain.slots.find(({ name }) => name === 'parameters'),
    'the parameters',
  );
  for (const { name, shape, offset } of slot.tensors) {
    const scale = required(
      Object.entries(TIMM).find(([beginning]) => name.startsWith(beginning))?.[1],
      name,
    );
    const size = shape.reduce((product, extent) => product * extent, 1);
    for (let i = offset; i < offset + size; i++) {
      const [from, to] = [w[i] ?? NaN, full[i] ?? NaN];
      // Both steps are rounded to float32 where they end.
      expect(Math.abs((short[i] ?? NaN) - (from + scale * (to - from)))).toBeLessThan(
        2e-7 * Math.max(Math.abs(from), Math.abs(to), 1e-3),
      );
    }
  }
  for (const [name, values] of plain.after) {
    if (name !== 'parameters') expect(layered.after.get(name)).toEqual(values);
  }
});

interface Sides {
  readonly before: ReadonlyMap<string, Float32Array>;
  readonly after: ReadonlyMap<string, Float32Array>;
  readonly slots: ReturnType<typeof tinyEngine>['slots'];
}

test('traced is eager', () => {
  expect(tracedFromEager(configOf('adamw', 0.5), 0.001, 1e-4)).toEqual([]);
});

test('1 is none, and networks that do not count their layers refuse it', () => {
  const last = (decay: number | null) => {
    const config = configOf('sgd', decay);
    const engine = tinyEngine(config);
    engine.trainStep(0, batchAt(batchOf(config, 0)), 0.05);
    const state = engine.readState().get('parameters');
    engine.dispose();
    return state;
  };
  expect(last(1)).toEqual(last(null));
  const other = tinyConfig({ optimizer: optimizerConfig({ name: 'sgd', layerDecay: 0.9 }) });
  expect(() => tinyEngine(other)).toThrow(
    'optimizer.layerDecay: got 0.9, wanted null: only vision transformers count their layers',
  );
});
