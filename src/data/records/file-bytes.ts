// Reading here and there in a large file, a few kilobytes at a time.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { InternalError, UserError } from '../../util/errors.js';
import { unreadable } from '../../util/file-errors.js';

/** One header, and the beginning of the picture behind it. */
const AHEAD = 4096;

/**
 * A file that is open for reading. What lies near the last place asked for costs nothing. Synchronous:
 * from a warm disk a read takes microseconds, less than going to another thread for it.
 */
export class FileBytes {
  readonly size: number;
  readonly mtimeMs: number;
  readonly #file: number;
  #window: Buffer = Buffer.allocUnsafe(AHEAD);
  #start = 0;
  #filled = 0;

  /** Errors: UserError where the file cannot be opened. */
  constructor(readonly path: string) {
    try {
      this.#file = openSync(path, 'r');
      const found = fstatSync(this.#file);
      this.size = found.size;
      this.mtimeMs = found.mtimeMs;
    } catch (error) {
      throw unreadable(path, error);
    }
  }

  /**
   * The bytes from `offset` on; they hold until the next call. The caller has compared with `size`.
   * Errors: UserError where the file has become shorter, or cannot be read.
   */
  at(offset: number, length: number): Buffer {
    const begin = offset - this.#start;
    if (begin >= 0 && begin + length <= this.#filled) {
      return this.#window.subarray(begin, begin + length);
    }
    if (offset < 0 || offset + length > this.size) {
      throw new InternalError(`${this.path}: bytes ${offset} + ${length} of ${this.size}`);
    }
    this.#fill(offset, Math.max(length, AHEAD));
    if (this.#filled < length) {
      throw new UserError(`${this.path}: has become shorter while it was read; run again`);
    }
    return this.#window.subarray(0, length);
  }

  /** One byte. Errors: as `at`. */
  byte(offset: number): number {
    const begin = offset - this.#start;
    if (begin >= 0 && begin < this.#filled) return this.#window[begin] ?? 0;
    return this.at(offset, 1)[0] ?? 0;
  }

  close(): void {
    closeSync(this.#file);
  }

  #fill(offset: number, length: number): void {
    if (this.#window.length < length) this.#window = Buffer.allocUnsafe(length);
    this.#start = offset;
    this.#filled = 0;
    try {
      while (this.#filled < length) {
        const position = offset + this.#filled;
        const got = readSync(
          this.#file,
          this.#window,
          this.#filled,
          length - this.#filled,
          position,
        );
        if (got === 0) return;
        this.#filled += got;
      }
    } catch (error) {
      throw unreadable(this.path, error);
    }
  }
}
