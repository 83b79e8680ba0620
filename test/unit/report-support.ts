// Run folders as fsam train leaves them, written by hand.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configSchema } from '../../src/catalogue/schema.js';
import { formatConfig } from '../../src/config/text.js';
import { metricsColumns } from '../../src/experiment/metrics.js';

export interface RunOptions {
  readonly optimizer?: Readonly<Record<string, unknown>>;
  readonly seed?: number;
  /** Test accuracy after each epoch. */
  readonly accuracy?: readonly number[];
  readonly finished?: boolean;
  /** sha256 of what it began with; model.pretrained is among `keys`. */
  readonly pretrained?: string;
  /** As environment.json has it. */
  readonly device?: string;
  readonly keys?: Readonly<Record<string, unknown>>;
  /** Accuracy on the images held out for validation, epoch by epoch. */
  readonly validation?: readonly number[];
  /** Accuracy against the true labels, epoch by epoch. */
  readonly clean?: readonly number[];
}

export function writeRun(
  folder: string,
  {
    optimizer = { name: 'sgd' },
    seed = 1,
    accuracy = [10, 30, 20],
    finished = true,
    device = 'CPU',
    keys = {},
    clean,
    validation,
    pretrained,
  }: RunOptions = {},
): string {
  mkdirSync(folder, { recursive: true });
  const config = configSchema.parse({
    name: 'trial',
    seed,
    epochs: accuracy.length,
    data: { name: 'synthetic' },
    model: { name: 'resnet18', width: 4 },
    optimizer,
    ...keys,
  });
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  write('config.yaml', formatConfig(config, folder));
  write(
    'environment.json',
    JSON.stringify({
      fsam: '0',
      device,
      cpu: 'a <fast> one',
      git: { commit: 'abcdef0123456' },
      ...(pretrained !== undefined && { pretrained: { file: 'any', sha256: pretrained } }),
    }),
  );
  const columns = metricsColumns(config);
  const best = (i: number) => Math.max(...accuracy.slice(0, i + 1));
  const rows = accuracy.map((value, i) => {
    const row: Record<string, number | string> = {
      epoch: i + 1,
      step: 4 * (i + 1),
      learning_rate: 0.05,
      train_loss: 2 - i / 10,
      train_accuracy: value + 5,
      train_accuracy_clean: clean?.[i] ?? '',
      validation_loss: 2,
      validation_accuracy: validation?.[i] ?? 0,
      test_loss: 2,
      test_accuracy: value,
      best_test_accuracy: best(i),
      gradient_norm: 1,
    };
    return columns.map((column) => row[column] ?? '').join(',');
  });
  write('metrics.csv', `${columns.join(',')}\n${rows.join('\n')}\n`);
  const timing = accuracy.map((_, i) => `${i + 1},2,${i === 0 ? 100 : 300},,90`);
  write(
    'timing.csv',
    `epoch,seconds,images_per_second,first_step_seconds,memory_mb\n${timing.join('\n')}\n`,
  );
  const tail = accuracy.slice(-10);
  const summary = {
    epochs: accuracy.length,
    steps: 12,
    parameters: 1234,
    last: { test_accuracy: accuracy.at(-1) },
    best: { test_accuracy: Math.max(...accuracy), validation_accuracy: validation?.[0] },
    mean_test_accuracy_of_last_10: tail.reduce((sum, value) => sum + value) / tail.length,
    total_seconds: 6,
  };
  if (finished) write('summary.json', JSON.stringify(summary));
  return folder;
}
