// The tiny twin of every experiment of the paper, trained as a user would.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { CONFIGS_FOLDER } from '../../src/config/files.js';
import { yamlIn } from '../support/configs.js';
import { rowsOf } from '../support/csv.js';
import { read, temporaryFolder } from '../support/folders.js';
import { fsam } from './support/fsam.js';

const tiny = yamlIn(join(CONFIGS_FOLDER, 'tiny'));

const DRAW = fileURLToPath(new URL('../../scripts/draw-pictures.mjs', import.meta.url));
const FILL = fileURLToPath(new URL('../../scripts/fill-weights.mjs', import.meta.url));
const pictures = temporaryFolder();
beforeAll(() => {
  execFileSync(process.execPath, [DRAW, pictures]);
});

/** The words that tell where an experiment has what is made for it. */
function madeFor(file: string, folder: string): string[] {
  if (file.startsWith('imagenet')) return ['--data-dir', pictures];
  if (!file.startsWith('transfer')) return [];
  const weights = join(folder, 'weights.safetensors');
  execFileSync(process.execPath, [FILL, join(CONFIGS_FOLDER, 'tiny', file), weights]);
  return ['--set', `model.pretrained=${weights}`];
}

test('every experiment has one, and each names its command and its schema', () => {
  expect(tiny).toEqual(
    yamlIn(CONFIGS_FOLDER).filter((file) => /^(?:cifar|imagenet|moby|transfer)/.test(file)),
  );
  for (const file of tiny) {
    const text = read(CONFIGS_FOLDER, 'tiny', file);
    expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=../schema.json');
    expect(text).toContain(`bin/fsam train --config configs/tiny/${file}`);
    expect(text).toContain(`extends: ../${file}`);
  }
});

test.each(tiny)('%s', async (file) => {
  const folder = temporaryFolder();
  const config = join(CONFIGS_FOLDER, 'tiny', file);
  const words = ['train', '--config', config, '--out', 'run', ...madeFor(file, folder)];
  const { code, stderr } = await fsam(folder, words);
  expect(stderr).toContain('2 epochs of 2 steps');
  expect(code).toBe(0);
  if (file.startsWith('transfer')) {
    expect(stderr).toMatch(
      /model\.pretrained: begins with 30 of 32 tensors of .*weights\.safetensors/,
    );
    expect(stderr).toContain('its classifier for 7 classes is left out: that for 10 is drawn');
    expect(stderr).toContain('for 2x2 patches are resampled to 4x4 (bicubic, antialiased)');
  }
  const [header = [], ...rows] = rowsOf(read(folder, 'run', 'metrics.csv'));
  expect(rows).toHaveLength(2);
  const noisy = file.includes('noise');
  for (const row of rows) {
    row.forEach((field, i) => {
      const empty = header[i] === 'train_accuracy_clean' && !noisy;
      expect(field, header[i]).toMatch(empty ? /^$/ : /^-?\d/);
    });
  }
});
