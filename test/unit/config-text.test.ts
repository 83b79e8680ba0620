// A configuration as text: written and read back, hashed, compared, and named.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CONFIGS_FOLDER } from '../../src/config/files.js';
import { loadConfig } from '../../src/config/load.js';
import type { Config } from '../../src/config/schema.js';
import { configDifferences, configHash, formatConfig } from '../../src/config/text.js';
import { variantName } from '../../src/config/variant.js';

function smoke(...assignments: string[]): Config {
  return loadConfig({ config: 'smoke', assignments, overrides: {} });
}

test('what is written is read back to the same', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fsam-config-'));
  const config = smoke(
    'name="1e3"',
    'variant="007"',
    'data.directory="no: # \'\\" \\n"',
    'optimizer.epsilon=1e-12',
    'schedule.milestones=[]',
    'seed=4294967295',
    'optimizer.clipNorm=0.1',
  );
  const path = join(folder, 'config.yaml');
  const text = formatConfig(config, folder);
  writeFileSync(path, text);
  const again = loadConfig({ config: path, assignments: [], overrides: {} });
  rmSync(folder, { recursive: true });
  expect(again).toEqual(config);
  expect(formatConfig(again, folder)).toBe(text);
});

test('the first line tells editors where the schema is', () => {
  const firstLine = (folder?: string): string | undefined =>
    formatConfig(smoke(), folder).split('\n')[0];
  expect(firstLine()).toBe('# yaml-language-server: $schema=./schema.json');
  expect(firstLine(join(CONFIGS_FOLDER, '../results/smoke/sgd/seed-1'))).toBe(
    '# yaml-language-server: $schema=../../../../configs/schema.json',
  );
});

test('the hash depends on every value, not on the order of the keys', () => {
  const config = smoke();
  const reordered = Object.fromEntries(Object.entries(config).reverse()) as Config;
  expect(configHash(config)).toMatch(/^[0-9a-f]{64}$/);
  expect(configHash(reordered)).toBe(configHash(config));
  expect(configHash(smoke('schedule.milestones=[60, 120]'))).not.toBe(configHash(config));
  expect(configHash(smoke('optimizer.rho=0.2000001'))).not.toBe(configHash(config));
  // Where the data lies and how often the run is saved change none of its numbers.
  expect(configHash(smoke('data.directory=elsewhere', 'checkpoint.everyEpochs=5'))).toBe(
    configHash(config),
  );
});

test('differences, one line a key', () => {
  const changed = smoke('optimizer.rho=0.1', 'schedule.milestones=[5]', 'variant=b', 'device=cpu');
  expect(configDifferences(smoke(), smoke())).toEqual([]);
  expect(configDifferences(smoke(), changed)).toEqual([
    'variant: null -> b',
    'optimizer.rho: 0.2 -> 0.1',
    'schedule.milestones: [60, 120, 160] -> [5]',
    'device: auto -> cpu',
  ]);
});

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
  ['mine', ['variant=mine']],
])('variant %s', (name, assignments) => {
  expect(variantName(smoke(...assignments))).toBe(name);
});
