// Seeded random streams, one a purpose and counter, so that drawing more of one leaves the others
// alone.
import { createHash } from 'node:crypto';

/** What a stream is drawn for. Streams of different purposes are independent for every seed. */
export type Purpose =
  | 'initialisation'
  | 'order'
  | 'augmentation'
  | 'dropout'
  | 'subset'
  | 'validation'
  | 'label-noise'
  | 'synthetic'
  | 'sharding'
  | 'trace-probe'
  | 'krylov-start'
  | 'perturbation'
  | 'landscape-direction'
  | 'analysis-sample'
  | 'continuation';

const TWO_TO_32 = 2 ** 32;

/**
 * The stream of `purpose` number `counter` (an epoch, a step, a tensor) under `seed`. It is a
 * function of its arguments alone: nothing about a stream needs saving to resume a run.
 */
export function randomStream(seed: number, purpose: Purpose, counter = 0): RandomStream {
  const digest = createHash('sha256').update(`${seed}/${purpose}/${counter}`).digest();
  return new RandomStream(
    digest.readUInt32LE(0),
    digest.readUInt32LE(4),
    digest.readUInt32LE(8),
    digest.readUInt32LE(12),
  );
}

/**
 * sfc32, Chris Doty-Humphrey's "small fast counting" generator: 128 bits of state, period at least
 * 2^32.
 */
export class RandomStream {
  #a: number;
  #b: number;
  #c: number;
  #counter: number;
  #spareNormal: number | undefined;

  constructor(a: number, b: number, c: number, counter: number) {
    [this.#a, this.#b, this.#c, this.#counter] = [a | 0, b | 0, c | 0, counter | 0];
  }

  /** 32 random bits as an integer from 0 to 2^32 - 1. */
  bits(): number {
    const t = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (this.#c << 21) | (this.#c >>> 11);
    this.#c = (this.#c + t) | 0;
    return t >>> 0;
  }

  /** A number from 0 (inclusive) to 1 (exclusive). */
  uniform(): number {
    return this.bits() / TWO_TO_32;
  }

  /** An integer from 0 to `bound` - 1, without modulo bias. `bound` is from 1 to 2^32. */
  integer(bound: number): number {
    const limit = TWO_TO_32 - (TWO_TO_32 % bound);
    let bits = this.bits();
    while (bits >= limit) bits = this.bits();
    return bits % bound;
  }

  /** A draw from the standard normal distribution (Marsaglia's polar method). */
  normal(): number {
    if (this.#spareNormal !== undefined) {
      const spare = this.#spareNormal;
      this.#spareNormal = undefined;
      return spare;
    }
    for (;;) {
      const [x, y] = [2 * this.uniform() - 1, 2 * this.uniform() - 1];
      const square = x * x + y * y;
      if (square === 0 || square >= 1) continue;
      const scale = Math.sqrt((-2 * Math.log(square)) / square);
      this.#spareNormal = y * scale;
      return x * scale;
    }
  }

  /** The numbers 0 .. `count` - 1 in random order (Fisher and Yates). */
  permutation(count: number): Int32Array {
    const order = Int32Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      [order[i], order[j]] = [order[j] as number, order[i] as number];
    }
    return order;
  }
}
