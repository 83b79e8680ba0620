// Safetensors files as other programs write them, byte by byte.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './folders.js';

export interface Written {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** float32 values as they lie in a file. */
export const f32 = (name: string, shape: readonly number[], values: Float32Array): Written => ({
  name,
  dtype: 'F32',
  shape,
  bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
});

/** Path of a file of these, as Python's library writes it; `metadata` as timm's have it. */
export function safetensorsFile(
  tensors: readonly Written[],
  metadata: Readonly<Record<string, string>> = { format: 'pt' },
): string {
  let end = 0;
  const entries = tensors.map(({ name, dtype, shape, bytes }) => {
    const start = end;
    end += bytes.length;
    return [name, { dtype, shape, data_offsets: [start, end] }] as const;
  });
  const header = Buffer.from(
    JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(entries) }),
  );
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(header.length));
  const path = join(temporaryFolder(), 'model.safetensors');
  writeFileSync(path, Buffer.concat([prefix, header, ...tensors.map(({ bytes }) => bytes)]));
  return path;
}
