// Data sets in the format of MNIST.
import { writeFileSync } from 'node:fs';

/** An IDX file: its magic number, its sizes, and bytes that a counter makes. */
export function writeIdx(
  path: string,
  sizes: readonly number[],
  byte: (i: number) => number,
): void {
  const header = Buffer.alloc(4 + 4 * sizes.length);
  header.writeUInt32BE(0x0800 + sizes.length);
  sizes.forEach((size, i) => header.writeUInt32BE(size, 4 + 4 * i));
  const length = sizes.reduce((product, size) => product * size, 1);
  writeFileSync(path, Buffer.concat([header, Buffer.from({ length }).map((_, i) => byte(i))]));
}
