// What an analysis has done so far, so that it goes on after a kill: finished pieces, one a line with its checksum, and vectors.
import { mkdir, open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from '@node-rs/crc32';
import { z } from 'zod';
import { RunError, UserError } from '../util/errors.js';
import { errorCode, unwritable } from '../util/file-errors.js';

/** Of one analysis, under way in one folder. A kill loses the piece under way and no other. */
export interface Journal {
  /** What the piece `name` comes to: read, where it is done already, else made and written down. */
  readonly piece: <T>(name: string, make: () => Promise<T>) => Promise<T>;
  /** What a piece came to; undefined where it is not done. */
  readonly known: (name: string) => unknown;
  /** Vectors [size] under a name, in the order they were added. */
  readonly vectors: (name: string, size: number) => VectorFile;
  /** How many pieces were there when it was opened. */
  readonly found: number;
  /** Whether there is none yet. */
  readonly isEmpty: () => boolean;
  /** Once the results are written. */
  readonly remove: () => Promise<void>;
}

interface VectorFile {
  /** The first `count`, or as many of them as there are; those past them are dropped. */
  readonly read: (count: number) => Promise<Float32Array[]>;
  readonly add: (vector: Float32Array) => Promise<void>;
  /** Once nobody will ask for them. */
  readonly remove: () => Promise<void>;
}

const PIECES = 'pieces.jsonl';

/**
 * @param folder of this question alone; made where needed
 * @param question all that the answer depends on: pieces of another one are dropped
 *
 * Errors: UserError where the folder cannot be written, or a finished line of it is damaged.
 */
export async function openJournal(folder: string, question: unknown): Promise<Journal> {
  const path = join(folder, PIECES);
  const head = JSON.stringify(question);
  const pieces = await readPieces(path, head);
  if (pieces === null) {
    await rm(folder, { recursive: true, force: true });
    await written(folder, async () => {
      await mkdir(folder, { recursive: true });
      await writeFile(path, `${head}\n`, { flush: true });
    });
  }
  const known = pieces ?? new Map<string, unknown>();
  return {
    found: known.size,
    isEmpty: () => known.size === 0,
    known: (name) => known.get(name),
    piece: async <T>(name: string, make: () => Promise<T>): Promise<T> => {
      if (known.has(name)) return known.get(name) as T;
      const value = await make();
      // As it will be read.
      const line = lineOf(name, value);
      await written(path, () => append(path, Buffer.from(`${line}\n`)));
      const [, read] = pieceIn(line, path) as [string, T];
      known.set(name, read);
      return read;
    },
    vectors: (name, size) => vectorFile(join(folder, `${name}.f32`), size),
    // Vectors without pieces are nobody's; pieces would miss their vectors.
    remove: async () => {
      await rm(path, { force: true });
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Null where there are none, or of another question. A last line that was cut short is no piece. */
async function readPieces(path: string, head: string): Promise<Map<string, unknown> | null> {
  if (!existsSync(path)) return null;
  const text = await readFile(path, 'utf8');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  const [first, ...lines] = whole.split('\n').slice(0, -1);
  if (first !== head) return null;
  if (whole.length < text.length) await truncate(path, Buffer.byteLength(whole));
  return new Map(lines.map((line, i) => pieceIn(line, `${path}:${i + 2}`)));
}

/** JSON has neither NaN nor infinities. */
const LACKING = new Map([NaN, Infinity, -Infinity].map((value) => [`number ${value}`, value]));

const withoutNumber = (_: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isFinite(value) ? `number ${value}` : value;

const withNumber = (_: string, value: unknown): unknown =>
  typeof value === 'string' ? (LACKING.get(value) ?? value) : value;

const pieceSchema = z.tuple([z.string(), z.unknown()]);

/** The checksum of the rest in hexadecimal, a blank, and name and value as JSON. */
function lineOf(name: string, value: unknown): string {
  const text = JSON.stringify([name, value], withoutNumber);
  return `${checksumOf(text)} ${text}`;
}

const CHECKSUM_DIGITS = 8;

const checksumOf = (text: string): string =>
  crc32(text).toString(16).padStart(CHECKSUM_DIGITS, '0');

function pieceIn(line: string, place: string): [name: string, value: unknown] {
  const [checksum, text] = [line.slice(0, CHECKSUM_DIGITS), line.slice(CHECKSUM_DIGITS + 1)];
  try {
    if (checksum !== checksumOf(text)) throw new Error('another checksum');
    return pieceSchema.parse(JSON.parse(text, withNumber));
  } catch {
    throw new UserError(
      `${place}: is damaged, wanted a finished piece of an analysis; delete the folder it is in, and the analysis begins anew`,
    );
  }
}

function vectorFile(path: string, size: number): VectorFile {
  const bytes = 4 * size;
  return {
    async read(wanted) {
      if (!existsSync(path)) return [];
      const { size: there } = await stat(path);
      const count = Math.min(wanted, Math.floor(there / bytes));
      if (there > count * bytes) await truncate(path, count * bytes);
      // One by one: together they may be larger than a buffer can be.
      const file = await open(path, 'r');
      try {
        const vectors: Float32Array[] = [];
        for (let i = 0; i < count; i++) {
          const vector = new Float32Array(size);
          await file.read(new Uint8Array(vector.buffer), 0, bytes, i * bytes);
          vectors.push(vector);
        }
        return vectors;
      } finally {
        await file.close();
      }
    },
    remove: () => rm(path, { force: true }),
    add: ({ buffer, byteOffset, byteLength }) =>
      written(path, () => append(path, Buffer.from(buffer, byteOffset, byteLength))),
  };
}

/** On the disk when it returns. */
async function append(path: string, bytes: Buffer): Promise<void> {
  const file = await open(path, 'a');
  try {
    await file.writeFile(bytes);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** The question that the work in the folder is of; null where it cannot be told. */
export async function questionIn(folder: string): Promise<unknown> {
  try {
    const text = await readFile(join(folder, PIECES), 'utf8');
    return JSON.parse(text.slice(0, text.indexOf('\n')));
  } catch {
    return null;
  }
}

async function written<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') {
      throw new RunError(`${path}: was removed while the analysis was at work`);
    }
    throw unwritable(path, error);
  }
}
