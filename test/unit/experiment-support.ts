// What the tests of src/experiment share: scratch folders, the shape of an error, what a run folder holds.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { listCheckpoints, runFolder } from '../../src/experiment/folder.js';
import { readTensors } from '../../src/util/safetensors.js';
import type { RunError } from '../../src/util/errors.js';
import { UserError } from '../../src/util/errors.js';

/** A folder that is removed after the test. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'fsam-test-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  return folder;
}

/** The message of the error that `promise` rejects with: one line, as the command prints it. */
export async function messageOf(
  promise: Promise<unknown>,
  kind: typeof UserError | typeof RunError = UserError,
): Promise<string> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(kind);
  const { message } = error as Error;
  expect(message).not.toContain('\n');
  return message;
}

/** What must be the same however often a run was interrupted: metrics.csv and the tensors of the last checkpoint. */
export async function resultOf(path: string): Promise<{ csv: string; tensors: object }> {
  const folder = runFolder(path);
  const [checkpoint = ''] = await listCheckpoints(folder);
  return { csv: readFileSync(folder.metrics, 'utf8'), tensors: await tensorsOf(checkpoint) };
}

/** The tensors of a checkpoint, by name. */
export async function tensorsOf(checkpoint: string): Promise<Record<string, Float32Array>> {
  const tensors: Record<string, Float32Array> = {};
  await readTensors(checkpoint, ({ name, shape }) => {
    tensors[name] = new Float32Array(shape.reduce((a, b) => a * b, 1));
    return tensors[name];
  });
  return tensors;
}
