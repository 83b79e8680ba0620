// Slots, what a data set has on the device, and any functions over them, opened to be run. The door
// of this folder: training, evaluation, probes, costs and golden tests are all this.
import type { Held } from '../data/source.js';
import { loadGraph, traceProgram } from '../graph/compile.js';
import { runEagerly } from '../graph/eager.js';
import type { FunctionSpec, Program, ProgramSpec } from '../graph/program.js';
import type { Workers } from '../graph/workers.js';
import { withoutOwnOps } from '../native/own-ops.js';
import { SessionError } from '../native/session.js';
import { withStockOps } from '../native/stock-ops.js';
import type { TensorType } from '../native/types.js';
import { InternalError, required } from '../util/errors.js';
import { LostWorker } from '../util/lost-worker.js';
import { messageOf } from '../util/file-errors.js';
import type { Slot, State } from './slot.js';

/**
 * `compiled`: one call of TensorFlow a function. `xla`: the same, each compiled by XLA. `eager`: the same operations one by one, which
 * traces are held against. `stock`: tfjs's own operations one by one, as a tfjs program runs without
 * this project; the benchmark's baseline.
 */
export type Mode = 'compiled' | 'xla' | 'eager' | 'stock';

/** What is opened. */
export interface SessionSpec {
  readonly slots: readonly Slot[];
  /** Sizes of vectors that functions keep for each other, by name: no part of the state, 0 at first. */
  readonly scratch?: Readonly<Record<string, number>>;
  /** Read by functions, written once. */
  readonly held: Readonly<Record<string, Held>>;
  /** Each reads and changes slots, and reads what is held, by name. */
  readonly functions: Readonly<Record<string, FunctionSpec>>;
}

export interface Session extends Pick<Program, 'run'> {
  readonly slots: readonly Slot[];
  /** One vector, of a slot or of what is kept beside them. */
  read(name: string): Float32Array;
  write(name: string, values: Float32Array): void;
  readState(): State;
  /** Errors: InternalError where a name or length differs from this session's. */
  writeState(state: State): void;
  dispose(): void;
}

/** The same as a program: a variable a slot, and one for each thing kept or held. */
export function programOf({ slots, scratch = {}, held, functions }: SessionSpec): ProgramSpec {
  const sizes = [
    ...slots.map(({ name, size }) => [name, size] as const),
    ...Object.entries(scratch),
  ];
  const ofSlots = sizes.map(([name, size]): [string, TensorType] => [
    name,
    { dtype: 'float32', shape: [size] },
  ]);
  const ofHeld = Object.entries(held).map(([name, { type }]): [string, TensorType] => [name, type]);
  return { variables: Object.fromEntries([...ofSlots, ...ofHeld]), functions };
}

/**
 * Its slots have no value until they are written.
 *
 * @param workers that its functions meet others by; null: it is alone
 */
export function openSession(
  spec: SessionSpec,
  mode: Mode,
  workers: Workers | null = null,
): Session {
  const { slots, scratch = {}, held } = spec;
  const names = slots.map(({ name }) => name);
  const program = execute(programOf(spec), mode, workers);
  for (const [name, { values }] of Object.entries(held)) program.write(name, values());
  for (const [name, size] of Object.entries(scratch)) program.write(name, new Float32Array(size));
  return {
    slots,
    run: workers === null ? (...given) => program.run(...given) : among(program),
    read: (name) => program.read(name) as Float32Array,
    write: (name, values) => {
      program.write(name, values);
    },
    readState: () => new Map(names.map((name) => [name, program.read(name) as Float32Array])),
    writeState: (state) => {
      const extra = [...state.keys()].filter((name) => !names.includes(name));
      if (extra.length > 0) throw new InternalError(`the session has no state ${extra.join(', ')}`);
      for (const name of names) program.write(name, required(state.get(name), `state ${name}`));
    },
    dispose: () => {
      program.dispose();
    },
  };
}

function execute(spec: ProgramSpec, mode: Mode, workers: Workers | null): Program {
  switch (mode) {
    case 'compiled':
      return loadGraph(traceProgram(spec), { workers });
    case 'xla':
      return loadGraph(
        withoutOwnOps(() => traceProgram(spec)),
        { workers, xla: true },
      );
    case 'eager':
      return runEagerly(spec);
    case 'stock':
      return runOnStockOps(spec);
    default:
      return mode satisfies never;
  }
}

/** The same program by tfjs's own operations, with bytes as tfjs has them: int32. */
function runOnStockOps(spec: ProgramSpec): Program {
  const wide = Object.entries(spec.variables).map(
    ([name, type]) =>
      [name, type.dtype === 'uint8' ? { ...type, dtype: 'int32' as const } : type] as const,
  );
  const program = runEagerly({ ...spec, variables: Object.fromEntries(wide) });
  return {
    ...program,
    run: (...given) => withStockOps(() => program.run(...given)),
    write: (name, values) => {
      program.write(name, values instanceof Uint8Array ? Int32Array.from(values) : values);
    },
  };
}

/** Among several workers, what fails elsewhere is that one of them is gone. */
const among =
  (program: Program): Program['run'] =>
  (...given) => {
    try {
      return program.run(...given);
    } catch (error) {
      if (!(error instanceof SessionError && error.isElsewhere)) throw error;
      // The other lines say where TensorFlow found it.
      const lines = messageOf(error)
        .split('\n')
        .map((line) => line.trim());
      const reason = lines.find((line) => !/^(?:internal: .* From |From |\[\[)/.test(line));
      throw new LostWorker('another worker was lost', reason ?? messageOf(error));
    }
  };
