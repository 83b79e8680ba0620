// What must be the same to the bit: runs of one seed, and optimizers that come down to another.
import { describe, expect, test } from 'vitest';
import type { OptimizerConfig } from '../../src/catalogue/schema.js';
import { required } from '../../src/util/errors.js';
import { after, bytes, tinyConfig, tinyEngine, train } from './support/engine.js';
import { optimizerConfig } from './support/optimizers.js';

describe('special cases of F-SAM, to the bit', () => {
  const known = new Map<string, Record<string, string | undefined>>();
  const weights = (optimizer: OptimizerConfig) => {
    const key = JSON.stringify(optimizer);
    const { parameters, statistics } = known.get(key) ?? bytes(after(tinyConfig({ optimizer }), 3));
    known.set(key, { parameters, statistics });
    return { parameters, statistics };
  };

  test.each([
    ['fsam', 'sam', 'sgd'],
    ['fsam', 'sam', 'adamw'],
    ['fasam', 'asam', 'sgd'],
  ] as const)('%s with sigma 0 is %s over %s', (name, same, base) => {
    const without = optimizerConfig({ name, base, sigma: 0 });
    expect(weights(without)).toEqual(weights(optimizerConfig({ name: same, base })));
    expect(weights(without)).not.toEqual(weights(optimizerConfig({ name, base })));
  });

  test.each([
    ['sam', 'sgd'],
    ['asam', 'sgd'],
    ['fsam', 'sgd'],
    ['fasam', 'sgd'],
    ['sam', 'adamw'],
    ['fsam', 'adamw'],
  ] as const)('%s with rho 0 is its base %s', (name, base) => {
    const flat = optimizerConfig({ name, base, rho: 0 });
    expect(weights(flat)).toEqual(weights(optimizerConfig({ name: base })));
  });
});

describe('the same seed', () => {
  test('gives the same bytes, another seed others', () => {
    const config = tinyConfig();
    const once = bytes(after(config, 4));
    expect(bytes(after(config, 4))).toEqual(once);
    expect(bytes(after(tinyConfig({ seed: 2 }), 4))['parameters']).not.toBe(once['parameters']);
  });

  test('gives the same bytes at widths where threads share the work', () => {
    const config = tinyConfig({ width: 64, optimizer: optimizerConfig({ name: 'sgd' }) });
    const engine = tinyEngine(config);
    const initial = new Map(
      [...engine.readState()].map(([name, values]) => [name, values.slice()]),
    );
    const runs = Array.from({ length: 8 }, () => {
      engine.writeState(initial);
      train(engine, config, 0, 2);
      return required(bytes(engine.readState())['parameters'], 'parameters');
    });
    expect(new Set(runs).size).toBe(1);
    engine.dispose();
  });

  test('gives the same measures', async () => {
    const config = tinyConfig();
    const [one, two] = [tinyEngine(config), tinyEngine(config)];
    expect(train(one, config, 0, 4)).toEqual(train(two, config, 0, 4));
    expect(await one.evaluate('test')).toEqual(await two.evaluate('test'));
    one.dispose();
    two.dispose();
  });
});
