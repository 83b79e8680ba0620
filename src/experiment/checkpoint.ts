// A checkpoint: the engine's state as named tensors and the run's progress, in one safetensors
// file.
import { z } from 'zod';
import type { Engine, State, TensorSpec } from '../train/engine.js';
import { InternalError, required, RunError, UserError } from '../util/errors.js';
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
  'of their tensors in this file';

const recordSchema = z.strictObject({
  /** The keys that make the run what it is, with their values; versions before it have a hash. */
  identity: z.record(z.string(), z.unknown()).optional(),
  configHash: z.string().optional(),
  seed: z.int(),
  /** Size of the training set, which the positions in the epoch count in. */
  trainImages: z.int(),
  progress: progressSchema,
});

/** What a checkpoint holds besides the tensors. */
export type CheckpointRecord = z.infer<typeof recordSchema>;

/** Only what a checkpoint needs to know of an engine. */
type CheckpointedEngine = Pick<
  Engine,
  'parameterLayout' | 'statisticLayout' | 'stateNames' | 'readState' | 'writeState'
>;

/**
 * Writes the engine's state and `record` to `path`, whole or not at all.
 *
 * Errors: RunError where a number of the state is not finite, and nothing is written then;
 * UserError where the file cannot be written.
 */
export async function saveCheckpoint(
  path: string,
  engine: CheckpointedEngine,
  record: CheckpointRecord,
): Promise<void> {
  const tensors = namedTensors(engine, engine.readState());
  const broken = tensors.find(({ data }) => !data.every((value) => Number.isFinite(value)));
  if (broken !== undefined) throw new RunError(`${broken.name} holds numbers that are not finite`);
  await writeSafetensors(path, tensors, {
    format: FORMAT,
    version: VERSION,
    layout: LAYOUT,
    run: JSON.stringify(record),
  });
}

/**
 * Reads the checkpoint at `path` into the engine.
 *
 * Errors: UserError, one line, where the file is damaged, is no checkpoint, or is of another
 * network or optimizer; the engine is untouched then.
 */
export async function loadCheckpoint(
  path: string,
  engine: CheckpointedEngine,
): Promise<CheckpointRecord> {
  const state = emptyState(engine);
  const wanted = new Map(namedTensors(engine, state).map((tensor) => [tensor.name, tensor]));
  const header = await readHeader(path);
  const record = recordOf(path, header);
  checkTensors(path, header, wanted);
  await readTensors(path, ({ name }) => required(wanted.get(name), `tensor ${name}`).data);
  engine.writeState(state);
  return record;
}

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
  const key = record.error.issues[0]?.path.join('.') ?? '';
  throw new UserError(`${path}: is damaged: the record of its run has no valid ${key || 'keys'}`);
}

function checkTensors(path: string, header: Header, wanted: ReadonlyMap<string, Tensor>): void {
  const refuse = (name: string, problem: string) =>
    new UserError(`${path}: is a checkpoint of another network or optimizer: ${name}: ${problem}`);
  const found = new Map(header.tensors.map((tensor) => [tensor.name, tensor.shape]));
  for (const [name, { shape }] of wanted) {
    const got = found.get(name);
    if (got === undefined) throw refuse(name, `is missing, wanted shape ${show(shape)}`);
    if (show(got) !== show(shape)) {
      throw refuse(name, `got shape ${show(got)}, wanted ${show(shape)}`);
    }
  }
  for (const [name, shape] of found) {
    if (!wanted.has(name)) throw refuse(name, `got shape ${show(shape)}, wanted no such tensor`);
  }
}

/**
 * The state cut into tensors that share its memory: weights, running statistics, then the
 * optimizer's vectors.
 */
function namedTensors(engine: CheckpointedEngine, state: State): Tensor[] {
  const extra = [...state.keys()].find((name) => !engine.stateNames.includes(name));
  if (extra !== undefined) throw new InternalError(`the engine gave state ${extra}, not named`);
  const lengths = lengthsOf(engine);
  const tensors = engine.stateNames.flatMap((name) => {
    const vector = required(state.get(name), `state ${name}`);
    const length = required(lengths.get(name), `length of state ${name}`);
    if (vector.length !== length) {
      throw new InternalError(`state ${name} has ${vector.length} numbers, wanted ${length}`);
    }
    switch (name) {
      case 'parameters':
        return cut(vector, engine.parameterLayout);
      case 'statistics':
        return cut(vector, engine.statisticLayout);
      default:
        return [{ name: `optimizer.${name}`, shape: [length], data: vector }];
    }
  });
  const names = new Set(tensors.map(({ name }) => name));
  if (names.size < tensors.length) throw new InternalError('two tensors of the state share a name');
  return tensors;
}

function cut(vector: Float32Array, layout: readonly TensorSpec[]): Tensor[] {
  return layout.map(({ name, shape, offset }) => ({
    name,
    shape,
    data: vector.subarray(offset, offset + sizeOf(shape)),
  }));
}

function emptyState(engine: CheckpointedEngine): State {
  return new Map([...lengthsOf(engine)].map(([name, size]) => [name, new Float32Array(size)]));
}

function lengthsOf(engine: CheckpointedEngine): ReadonlyMap<string, number> {
  const parameters = parameterCount(engine);
  return new Map(
    engine.stateNames.map((name) => [
      name,
      name === 'statistics' ? sizeOfLayout(engine.statisticLayout) : parameters,
    ]),
  );
}

export function parameterCount(engine: Pick<Engine, 'parameterLayout'>): number {
  return sizeOfLayout(engine.parameterLayout);
}

function sizeOfLayout(layout: readonly TensorSpec[]): number {
  return layout.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function show(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}
