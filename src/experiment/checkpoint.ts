// A checkpoint: a session's state as named tensors and the run's progress, in one safetensors
// file.
import { z } from 'zod';
import { shapeInFile, sizeOf } from '../native/types.js';
import { LABELS } from '../session/pretrained.js';
import type { Session } from '../session/session.js';
import type { State } from '../session/slot.js';
import { InternalError, required, RunError, UserError } from '../util/errors.js';
import { laterVersion } from '../util/json.js';
import {
  readHeader,
  readTensors,
  writeSafetensors,
  type Header,
  type Tensor,
} from '../util/safetensors.js';
import { progressSchema } from './progress.js';

const FORMAT = 'fsam checkpoint';
const VERSION = '1';
/** For who reads the file elsewhere. */
const LAYOUT =
  'convolutions [height, width, in, out], linear [in, out]; optimizer.NAME: one vector over all parameters, in the order ' +
  'of their tensors in this file; average.NAME: moving average of NAME';

const recordSchema = z.strictObject({
  /** The keys that make the run what it is, with their values; versions before it have a hash. */
  identity: z.record(z.string(), z.unknown()).optional(),
  configHash: z.string().optional(),
  seed: z.int(),
  /** Size of the training set, which the positions in the epoch count in. */
  trainImages: z.int(),
  /** What the data set holds (fingerprint.ts); versions before it do not tell. */
  data: z.string().optional(),
  progress: progressSchema,
});

/** What a checkpoint holds besides the tensors. */
export type CheckpointRecord = z.infer<typeof recordSchema>;

/** What has a state to be saved: an engine, or any session over the same slots. */
type Stateful = Pick<Session, 'slots' | 'readState' | 'writeState'>;

/**
 * Writes the session's state and `record` to `path`, whole or not at all.
 *
 * @param labels what the labels, or the tokens, stand for, in their order, for who begins with the weights elsewhere;
 *   left out: they have no names
 * Errors: RunError where a number of the state is not finite, and nothing is written then;
 * UserError where the file cannot be written.
 */
export async function saveCheckpoint(
  path: string,
  session: Stateful,
  record: CheckpointRecord,
  labels?: readonly string[],
): Promise<void> {
  const tensors = namedTensors(session, session.readState());
  const broken = firstBroken(tensors);
  if (broken !== undefined) throw new RunError(`${broken.name} holds numbers that are not finite`);
  await writeSafetensors(path, tensors, {
    format: FORMAT,
    version: VERSION,
    layout: LAYOUT,
    run: JSON.stringify(record),
    ...(labels && { [LABELS]: JSON.stringify(labels) }),
  });
}

/**
 * Reads the checkpoint at `path` into the session.
 *
 * Errors: UserError, one line, where the file is damaged, is no checkpoint, is of another network or
 * optimizer, or holds what no run saves: numbers that are not finite; the session is untouched then.
 */
export async function loadCheckpoint(path: string, session: Stateful): Promise<CheckpointRecord> {
  const state = new Map(session.slots.map(({ name, size }) => [name, new Float32Array(size)]));
  const wanted = new Map(namedTensors(session, state).map((tensor) => [tensor.name, tensor]));
  const header = await readHeader(path);
  const record = recordOf(path, header);
  checkTensors(path, header, wanted);
  await readTensors(path, ({ name }) => required(wanted.get(name), `tensor ${name}`).data);
  const broken = firstBroken([...wanted.values()]);
  if (broken !== undefined) {
    throw new UserError(
      `${path}: ${broken.name} holds numbers that are not finite, which no run saves; wanted the file as it was written`,
    );
  }
  session.writeState(state);
  return record;
}

const firstBroken = (tensors: readonly Tensor[]): Tensor | undefined =>
  tensors.find(({ data }) => !data.every((value) => Number.isFinite(value)));

function recordOf(path: string, { metadata }: Header): CheckpointRecord {
  if (metadata['format'] !== FORMAT) {
    throw new UserError(`${path}: is a safetensors file, but no checkpoint of fsam`);
  }
  if (metadata['version'] !== VERSION) {
    const version = metadata['version'] ?? 'missing';
    throw new UserError(`${path}: checkpoint format version ${version}, wanted ${VERSION}`);
  }
  let run: unknown;
  try {
    run = JSON.parse(metadata['run'] ?? '');
  } catch {
    throw new UserError(`${path}: is damaged: the record of its run is not JSON`);
  }
  const record = recordSchema.safeParse(run);
  if (record.success) return record.data;
  const later = laterVersion(path, record.error);
  if (later !== null) throw later;
  const key = record.error.issues[0]?.path.join('.') ?? '';
  throw new UserError(`${path}: is damaged: the record of its run has no valid ${key || 'keys'}`);
}

function checkTensors(path: string, header: Header, wanted: ReadonlyMap<string, Tensor>): void {
  const refuse = (name: string, problem: string) =>
    new UserError(`${path}: is a checkpoint of another network or optimizer: ${name}: ${problem}`);
  const found = new Map(header.tensors.map((tensor) => [tensor.name, tensor.shape]));
  for (const [name, { shape }] of wanted) {
    const got = found.get(name);
    if (got === undefined) throw refuse(name, `is missing, wanted shape ${shapeInFile(shape)}`);
    if (shapeInFile(got) !== shapeInFile(shape)) {
      throw refuse(name, `got shape ${shapeInFile(got)}, wanted ${shapeInFile(shape)}`);
    }
  }
  for (const [name, shape] of found) {
    if (!wanted.has(name))
      throw refuse(name, `got shape ${shapeInFile(shape)}, wanted no such tensor`);
  }
}

/** The state cut into tensors that share its memory, slot by slot. */
function namedTensors({ slots }: Stateful, state: State): Tensor[] {
  const extra = [...state.keys()].find((name) => !slots.some((slot) => slot.name === name));
  if (extra !== undefined) throw new InternalError(`the session gave state ${extra}, not named`);
  const tensors = slots.flatMap(({ name, size, tensors: pieces }) => {
    const vector = required(state.get(name), `state ${name}`);
    if (vector.length !== size) {
      throw new InternalError(`state ${name} has ${vector.length} numbers, wanted ${size}`);
    }
    return pieces.map(({ name: tensor, shape, offset }) => ({
      name: tensor,
      shape,
      data: vector.subarray(offset, offset + sizeOf(shape)),
    }));
  });
  const names = new Set(tensors.map(({ name }) => name));
  if (names.size < tensors.length) throw new InternalError('two tensors of the state share a name');
  return tensors;
}

/** Weights and biases of the network. */
export function parameterCount({ slots }: Pick<Session, 'slots'>): number {
  return required(
    slots.find(({ name }) => name === 'parameters'),
    'the slot of the parameters',
  ).size;
}
