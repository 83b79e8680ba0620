// What the tests of src/data share: tiny sets in the official formats, configurations, servers.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { vi } from 'vitest';
import { dataSchema, type DataConfig } from '../../src/catalogue/schema.js';
import type { CifarForm, CifarFormat } from '../../src/data/cifar-format.js';
import { ofImages, type ImageDataset } from '../../src/data/dataset.js';
import { loadDataset } from '../../src/data/load.js';
import { temporaryFolder } from '../support/folders.js';

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

/** A set of images. */
export const loadImages = async (config: DataConfig, seed: number): Promise<ImageDataset> =>
  ofImages(await loadDataset(config, seed));

/** A .tar.gz, by the system's tar, of the folder `name` in what `fill` writes. */
export async function pack(
  name: string,
  fill: (root: string) => Promise<void>,
  ...options: string[]
): Promise<Buffer> {
  const root = temporaryFolder();
  await fill(root);
  return execFileSync('tar', ['czf', '-', '-C', root, ...options, name]);
}

export function md5(bytes: Buffer): string {
  return createHash('md5').update(bytes).digest('hex');
}

/** Listens on a free port of this machine, and returns it. */
export async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('has no port');
  return address.port;
}

/** The proxies of whoever runs the tests do not count. */
export function forgetProxies(): void {
  for (const name of ['http_proxy', 'https_proxy', 'no_proxy']) {
    vi.stubEnv(name, undefined);
    vi.stubEnv(name.toUpperCase(), undefined);
  }
}
