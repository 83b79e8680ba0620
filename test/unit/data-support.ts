// What the tests of src/data share: tiny sets in the official formats, configurations, the shape of a user's error.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { dataSchema, type DataConfig } from '../../src/config/schema.js';
import type { CifarForm, CifarFormat } from '../../src/data/cifar-format.js';
import { UserError } from '../../src/util/errors.js';

/** `format` with two images a file. */
export function tinyFormat(format: CifarFormat): CifarFormat {
  const tiny = (form: CifarForm) => ({
    ...form,
    files: form.files.map((file) => ({ ...file, records: 2 })),
  });
  return { ...format, binary: tiny(format.binary), pickle: tiny(format.pickle) };
}

/** Official binary files: record i of file f has the pixels (50 f + 100 i + 60 c + 3 y + x) mod 256. */
export async function writeBinary(
  folder: string,
  format: CifarFormat,
  labels: readonly (readonly number[])[],
): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [f, { name }] of format.binary.files.entries()) {
    const bytes: number[] = [];
    for (const [i, label] of (labels[f] ?? []).entries()) {
      // CIFAR-100 has the coarse label first; a wrong one would show as 18.
      bytes.push(...(format.labelBytes === 2 ? [18, label] : [label]));
      for (let c = 0; c < 3; c++)
        for (let y = 0; y < 32; y++)
          for (let x = 0; x < 32; x++) bytes.push((50 * f + 100 * i + 60 * c + 3 * y + x) % 256);
    }
    await writeFile(join(folder, name), Uint8Array.from(bytes));
  }
}

/** A complete data configuration from the few keys a test is about. */
export function configOf(keys: Record<string, unknown>): DataConfig {
  return dataSchema.parse(keys);
}

/** The message of the UserError that `promise` rejects with: one line, as the command prints it. */
export async function expectUserError(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(UserError);
  const { message } = error as UserError;
  expect(message).not.toContain('\n');
  return message;
}
