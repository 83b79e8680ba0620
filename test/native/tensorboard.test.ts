// TensorBoard event files, decoded by hand: TFRecord framing around Event messages.
import { bestOf, columnsOf } from '../../src/catalogue/task.js';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import protobuf from 'protobufjs';
import { expect, test } from 'vitest';
import { clearCurves, runFolder } from '../../src/experiment/folder.js';
import { openCurves } from '../../src/experiment/tensorboard.js';
import { claimFiles } from '../../src/util/owned-files.js';
import { temporaryFolder } from '../support/folders.js';

const scratch = temporaryFolder();

/** The part of tensorflow/core/util/event.proto and its like that scalars take. */
const { root } = protobuf.parse(`
  syntax = "proto3";
  message Value { string tag = 1; float simple_value = 2; }
  message Summary { repeated Value value = 1; }
  message Event { double wall_time = 1; int64 step = 2; Summary summary = 5; }
`);
const Event = root.lookupType('Event');

interface Decoded {
  readonly step?: number;
  readonly summary?: { readonly value: { readonly tag: string; readonly simpleValue: number }[] };
}

/** The points [tag, step, value] of the one event file in `folder`. */
function pointsIn(folder: string): [tag: string, step: number, value: number][] {
  const files = readdirSync(folder);
  expect(files).toHaveLength(1);
  const bytes = readFileSync(path.join(folder, files[0] ?? ''));
  const points: [string, number, number][] = [];
  // A record: its length (8 bytes), a checksum (4), the message, a checksum (4).
  for (let at = 0; at < bytes.length;) {
    const length = Number(bytes.readBigUInt64LE(at));
    const message = Event.decode(bytes.subarray(at + 12, at + 12 + length));
    const event = Event.toObject(message, { longs: Number }) as Decoded;
    for (const { tag, simpleValue } of event.summary?.value ?? []) {
      points.push([tag, event.step ?? 0, simpleValue]);
    }
    at += 12 + length + 4;
  }
  return points;
}

const config = { data: { name: 'synthetic', validation: null } } as const;
const { measures } = columnsOf(config);
const best = bestOf(config);
const row = (epoch: number, loss: string, clean: string) => ({
  epoch: String(epoch),
  step: String(10 * epoch),
  train_loss: loss,
  train_accuracy_clean: clean,
  best_test_accuracy: clean,
});

test('a point for each number of each epoch, none for empty fields; begun anew when resumed', async () => {
  const folder = path.join(scratch, 'tensorboard');
  const curves = openCurves(folder, measures, best, []);
  curves.add(row(1, '1.5', ''));
  curves.add(row(2, '0.5', '25.000'));
  const wanted = [
    ['train/loss', 1, 1.5],
    ['test/best_accuracy', 2, 25],
    ['train/loss', 2, 0.5],
    ['train/accuracy_clean', 2, 25],
  ];
  expect(pointsIn(folder)).toEqual(wanted);

  // TensorFlow keeps one writer a folder and process, so that resuming is another process's or folder's.
  const run = runFolder(path.join(scratch, 'run'));
  mkdirSync(run.tensorboard, { recursive: true });
  await claimFiles(run.path, ['environment.json', 'tensorboard'], new Set(['tensorboard']));
  const [ours = ''] = readdirSync(folder);
  copyFileSync(path.join(folder, ours), path.join(run.tensorboard, ours));
  const theirs = path.join(run.tensorboard, 'events.out.tfevents.1.theirs');
  writeFileSync(theirs, '');
  await clearCurves(run);
  expect(readdirSync(run.tensorboard)).toEqual([path.basename(theirs)]);
  rmSync(theirs);
  const resumed = openCurves(run.tensorboard, measures, best, [
    row(1, '1.5', ''),
    row(2, '0.5', '25.000'),
  ]);
  resumed.add(row(3, '0.25', ''));
  expect(pointsIn(run.tensorboard)).toEqual([...wanted, ['train/loss', 3, 0.25]]);
});
