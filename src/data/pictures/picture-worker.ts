// A thread that reads, decodes, crops and resizes pictures for a pass over them: src/data/pictures/pool.ts.
import { parentPort } from 'node:worker_threads';
import { writePixels } from '../../native/pixels.js';
import { InternalError, required, UserError } from '../../util/errors.js';
import { messageOf } from '../../util/file-errors.js';
import type { SkippedImage } from '../dataset.js';
import { RecordReader } from '../records/read-record.js';
import { RecordFault } from '../records/record.js';
import { columnsOfSplit, type RecordSplit } from '../records/record-index.js';
import { cutOf, type Framing } from './framing.js';
import { nextTurn, type Ring, type Turn } from './ring.js';

export interface Job {
  /** Of the pass, in messages. */
  readonly id: number;
  readonly split: RecordSplit;
  /** Tells splits apart. */
  readonly splitName: string;
  readonly framing: Framing;
  /** Null: evaluated. */
  readonly epoch: number | null;
  readonly ring: Ring;
  /** Records of which one may take the place of another of its class that cannot be read; null: none may. */
  readonly substitutes: Int32Array | null;
}

/** `id` is of the job that it happened in. */
export type WorkerMessage = { readonly id: number } & (
  | {
      readonly kind: 'failed';
      readonly message: string;
      /** Whether the user can do something about it. */
      readonly user: boolean;
    }
  /** Said before the turn is done. */
  | { readonly kind: 'skipped'; readonly record: number; readonly image: SkippedImage }
);

/** A split as this thread reads it. */
interface Opened {
  readonly reader: RecordReader;
  readonly buffer: Uint8Array;
}

const opened = new Map<string, Opened>();

function openSplit({ split, splitName }: Job): Opened {
  const known = opened.get(splitName);
  if (known !== undefined) return known;
  const one = { reader: new RecordReader(split), buffer: new Uint8Array(split.largestSpan) };
  opened.set(splitName, one);
  return one;
}

function work(job: Job): void {
  for (let turn = nextTurn(job.ring); turn !== null; turn = nextTurn(job.ring)) {
    turn.done(fill(job, turn));
  }
}

/**
 * Puts the pixels of the record whose turn it is in their place, or those of the next of its class that can be
 * read; gives the record that they are of.
 *
 * Errors: UserError where none can be.
 */
function fill(job: Job, { record, offset }: Turn): number {
  const fault = tryToFill(job, record, offset);
  if (fault === null) return record;
  const { id, substitutes } = job;
  if (substitutes === null) throw fault;
  const { file, record: name, reason } = fault;
  send({ id, kind: 'skipped', record, image: { file, record: name, reason } });
  for (const other of othersOfItsClass(job, record, substitutes)) {
    if (tryToFill(job, other, offset) === null) return other;
  }
  throw new UserError(`${fault.message}; no other picture of its class can be read`);
}

/** What is wrong with the record; null where its pixels are there now. */
function tryToFill(job: Job, record: number, offset: number): RecordFault | null {
  const { split, ring, epoch, framing } = job;
  const { reader, buffer } = openSplit(job);
  try {
    const bytes = reader.read(record, buffer);
    const cut = cutOf(framing, columnsOfSplit(split), record, epoch);
    const reason = writePixels(bytes, cut, ring.pixels, offset);
    return reason === null ? null : reader.faultOf(record, reason);
  } catch (error) {
    if (error instanceof RecordFault) return error;
    throw error;
  }
}

/** Those behind it come first, then those from the beginning on. */
function* othersOfItsClass({ split }: Job, record: number, among: Int32Array): Iterable<number> {
  const { label } = columnsOfSplit(split);
  const place = among.indexOf(record);
  for (let i = 1; i < among.length; i++) {
    const other = required(among[(place + i) % among.length], 'a picture');
    if (label[other] === label[record]) yield other;
  }
}

const port = parentPort;
if (port === null) throw new InternalError('this is no thread');
const send = (message: WorkerMessage): void => {
  port.postMessage(message);
};
port.on('message', (job: Job) => {
  try {
    work(job);
  } catch (error) {
    const user = error instanceof UserError;
    send({ id: job.id, kind: 'failed', message: messageOf(error), user });
  }
});
