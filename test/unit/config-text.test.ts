// A configuration as text: written and read back.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CONFIGS_FOLDER } from '../../src/config/files.js';
import { formatConfig } from '../../src/config/text.js';
import { configFrom } from '../support/configs.js';
import { temporaryFolder } from '../support/folders.js';

const smoke = (...assignments: string[]) => configFrom('smoke', ...assignments);

test('what is written is read back to the same', () => {
  const folder = temporaryFolder();
  const config = smoke(
    'name="1e3"',
    'data.name=idx',
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
  const again = configFrom(path);
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
