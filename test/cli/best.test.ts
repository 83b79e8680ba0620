// A validation set and the best epoch as a user sees them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../support/folders.js';
import { fsam } from './support/fsam.js';

it('shows validation, keeps the best epoch by it, and evaluates both', async () => {
  const folder = temporaryFolder();
  const keys = ['--set', 'data.validation=16', '--set', 'checkpoint.keepBest=true'];
  const trained = await fsam(folder, ['train', '--config', 'smoke', ...keys, '--out', 'r']);
  expect(trained.code).toBe(0);
  const lines = trained.stdout.split('\n');
  expect(lines[0]).toMatch(/ validation +[\d.]+ +[\d.]+ % {2}test /);
  const summary = JSON.parse(readFileSync(join(folder, 'r', 'summary.json'), 'utf8')) as {
    best: Record<string, number>;
    best_by: string;
  };
  expect(summary.best_by).toBe('validation_accuracy');
  const { epoch, test_accuracy: accuracy, validation_accuracy: validation } = summary.best;
  expect(lines[2]).toContain(
    `${accuracy!.toFixed(2)} % after epoch ${epoch}, the best by the validation set`,
  );

  const best = await fsam(folder, ['eval', 'r', '--checkpoint', 'best']);
  expect(best.stderr).toContain(`epoch ${epoch}, the best by the validation set`);
  expect(best.stdout).toContain(`accuracy ${accuracy!.toFixed(3)} %  (48 images)`);
  const held = await fsam(folder, ['eval', 'r', '--checkpoint', 'best', '--split', 'validation']);
  expect(held.stdout).toContain(`accuracy ${validation!.toFixed(3)} %  (16 images)`);
  const report = await fsam(folder, ['report', 'r', '--out', 'report']);
  expect(report.stdout).toContain('validation at best (%)');
});

it('says where the test set chose the best epoch, and what keeps one', async () => {
  const folder = temporaryFolder();
  const keep = ['--set', 'checkpoint.keepBest=true'];
  const train = ['train', '--config', 'smoke', '--epochs', '1'];
  const trained = await fsam(folder, [...train, ...keep, '--out', 'kept']);
  expect(trained.stderr).toContain('the best epoch is chosen by the test set');
  expect((await fsam(folder, [...train, '--out', 'plain'])).code).toBe(0);
  const best = await fsam(folder, ['eval', 'plain', '--checkpoint', 'best']);
  expect(best.code).toBe(2);
  expect(best.stderr).toContain('wanted a run with checkpoint.keepBest: true');
  const held = await fsam(folder, ['eval', 'plain', '--split', 'validation']);
  expect(held.code).toBe(2);
  expect(held.stderr).toContain('data.validation of this run holds nothing out');
});
