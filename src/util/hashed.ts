// Numbers that are functions of two integers, so that other programs have the same ones without a file.

/** From -0.5 to 0.5: the finalizer of MurmurHash3 over both. */
export function hashedUniform(stream: number, index: number): number {
  let x = (Math.imul(index, 2654435761) + Math.imul(stream, 0x9e3779b9)) >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32 - 0.5;
}
