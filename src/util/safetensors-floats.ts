// Weights of other programs in safetensors files: what is float32, float16 or bfloat16 there, as float32.
import { createHash, type Hash } from 'node:crypto';
import { UserError } from './errors.js';
import {
  checksumOf,
  headerOf,
  readExactly,
  refuseOtherChecksum,
  withFile,
  type Header,
  type TensorEntry,
} from './safetensors.js';

/** What is read at a time, in bytes: a whole number of elements of any dtype. */
const CHUNK = 1 << 22;

type Decode = (bytes: Buffer, into: Float32Array) => void;

/** How elements become float32, by dtype; nothing is lost in any of them. Elements are little-endian. */
const DECODE: Readonly<Record<string, { readonly size: number; readonly decode: Decode }>> = {
  F32: { size: 4, decode: (bytes, into) => new Uint8Array(into.buffer, into.byteOffset, into.byteLength).set(bytes) }, // prettier-ignore
  F16: {
    size: 2,
    decode: (bytes, into) => {
      for (let i = 0; i < into.length; i++) into[i] = fromHalf(bytes.readUInt16LE(2 * i));
    },
  },
  BF16: {
    size: 2,
    decode: (bytes, into) => {
      // The upper half of a float32.
      const bits = new Uint32Array(into.buffer, into.byteOffset, into.length);
      for (let i = 0; i < into.length; i++) bits[i] = bytes.readUInt16LE(2 * i) << 16;
    },
  },
};

/** The dtypes that `readFloats` reads. */
export const FLOATS: readonly string[] = Object.keys(DECODE);

/** IEEE 754 binary16: a sign, 5 bits of exponent, 10 of fraction. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const [exponent, fraction] = [(bits >> 10) & 0x1f, bits & 0x3ff];
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  // Below 2^-14 there is no leading one.
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/**
 * Reads the file from beginning to end, a few megabytes at a time, and the elements of each tensor for
 * which `target` has memory, of as many numbers; others are passed over.
 *
 * @returns sha256 of the whole file
 * Errors: UserError, one line, where the file cannot be read or is no intact safetensors file, or a
 * tensor that is wanted is of another dtype or holds a number that is not finite.
 */
export async function readFloats(
  path: string,
  target: (entry: TensorEntry) => Float32Array | null,
): Promise<string> {
  return withFile(path, async (file) => {
    const header = await headerOf(file, path);
    const checksum = isChecked(header) ? checksumOf(header) : null;
    const whole = createHash('sha256');
    const opening = Buffer.alloc(header.dataStart);
    await readExactly(file, opening, 0, path);
    whole.update(opening);
    const hashes: readonly Hash[] = checksum === null ? [whole] : [whole, checksum];
    for (const entry of header.tensors) {
      const into = target(entry);
      const format = into === null ? undefined : formatOf(path, entry);
      for (let done = entry.start; done < entry.end; done += CHUNK) {
        const bytes = Buffer.alloc(Math.min(CHUNK, entry.end - done));
        await readExactly(file, bytes, header.dataStart + done, path);
        for (const hash of hashes) hash.update(bytes);
        if (into === null || format === undefined) continue;
        const from = (done - entry.start) / format.size;
        format.decode(bytes, into.subarray(from, from + bytes.length / format.size));
      }
      if (into?.every(Number.isFinite) === false) {
        throw new UserError(`${path}: tensor ${entry.name} holds numbers that are not finite`);
      }
    }
    if (checksum !== null) refuseOtherChecksum(path, header.metadata, checksum);
    return whole.digest('hex');
  });
}

/** Whether fsam wrote the file, in its own layout. */
export const isOurs = ({ metadata }: Pick<Header, 'metadata'>): boolean =>
  metadata['format']?.startsWith('fsam ') === true;

/** What the metadata of weights in PyTorch's layout have as `by` where `fsam export` wrote them. */
export const BY_EXPORT = 'fsam export';

/** Whether the metadata have our checksum: of checkpoints, and of what `fsam export` wrote under any names. */
const isChecked = (header: Pick<Header, 'metadata'>): boolean =>
  isOurs(header) || header.metadata['by'] === BY_EXPORT;

function formatOf(path: string, { name, dtype }: TensorEntry) {
  const format = DECODE[dtype];
  if (format !== undefined) return format;
  throw new UserError(
    `${path}: tensor ${name} is of dtype ${dtype}, wanted ${FLOATS.join(', ')}: convert it to float32`,
  );
}
