// A thread that reads, decodes, crops and resizes pictures for a pass over them: src/data/pictures/pool.ts.
import { parentPort } from 'node:worker_threads';
import { writePixels } from '../../native/pixels.js';
import { InternalError, required, UserError } from '../../util/errors.js';
import { messageOf } from '../../util/file-errors.js';
import { evaluationCut, trainingCut } from '../boxes.js';
import { RecordReader } from '../records/read-record.js';
import { columnsOfSplit, type RecordSplit } from '../records/record-index.js';
import { nextTurn, type Ring } from './ring.js';

/** What is made of a picture. */
export interface Framing {
  /** Height and width of an example. */
  readonly side: number;
  /** What the shorter side is resized to where it is evaluated. */
  readonly resize: number;
  readonly seed: number;
}

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
}

export interface WorkerMessage {
  /** Of the job that it failed in. */
  readonly id: number;
  readonly message: string;
  /** Whether the user can do something about it. */
  readonly user: boolean;
}

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
  const { split, ring, epoch, framing } = job;
  const { side, resize, seed } = framing;
  const { reader, buffer } = openSplit(job);
  const columns = columnsOfSplit(split);
  for (let turn = nextTurn(ring); turn !== null; turn = nextTurn(ring)) {
    const { record, offset, done } = turn;
    const [height, width] = [columns.height[record], columns.width[record]];
    const size = { height: required(height, 'a height'), width: required(width, 'a width') };
    const cut =
      epoch === null
        ? evaluationCut(size, resize, side)
        : trainingCut(seed, epoch, record, size, side);
    const reason = writePixels(reader.read(record, buffer), cut, ring.pixels, offset);
    if (reason !== null) throw reader.faultOf(record, reason);
    done();
  }
}

const port = parentPort;
if (port === null) throw new InternalError('this is no thread');
port.on('message', (job: Job) => {
  try {
    work(job);
  } catch (error) {
    const message: WorkerMessage = {
      id: job.id,
      message: messageOf(error),
      user: error instanceof UserError,
    };
    port.postMessage(message);
  }
});
