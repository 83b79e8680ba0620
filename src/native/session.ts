// A graph in execution: TensorFlow's C API through an addon of our own (src/native/session/).
//
// tfjs-node can load a graph as well, from a folder, without options for the session, and feeding
// arrays as they lie: one that a variable is assigned from would become its memory. Here what is fed
// is copied, but for what is lent.
import { loadAddon } from './addon.js';
import { openTensorFlow } from './tensorflow.js';
import { DATA_TYPE, type TensorType, type TypedArray } from './types.js';
import { watched } from './vigil.js';
import { InternalError, required } from '../util/errors.js';
import { errorCode, messageOf } from '../util/file-errors.js';

/** What only the addon knows the inside of. */
type Handle = symbol;

interface Result {
  readonly outputs: TypedArray[];
  /** A serialized RunMetadata, where the run was given options. */
  readonly metadata: Uint8Array | null;
}

interface Addon {
  serve(definition: Uint8Array): string;
  allowTf32(isOn: boolean): boolean;
  kernels(): Uint8Array;
  makeFunction(
    graph: Uint8Array,
    name: string,
    inputs: readonly string[],
    outputs: readonly string[],
  ): Uint8Array;
  open(graph: Uint8Array, config: Uint8Array, target: string): Handle;
  devices(session: Handle): string[];
  define(
    session: Handle,
    feeds: readonly { node: string; type: number; shape: readonly number[]; lent: boolean }[],
    outputs: readonly string[],
    targets: readonly string[],
  ): number;
  run(session: Handle, index: number, arrays: readonly TypedArray[], options: Uint8Array): Result;
  promise(
    session: Handle,
    index: number,
    arrays: readonly TypedArray[],
    options: Uint8Array,
  ): Promise<Result>;
  close(session: Handle): void;
}

let loaded: Addon | undefined;

/** TensorFlow comes first: the addon is linked to it. */
function load(): Addon {
  openTensorFlow();
  return (loaded ??= loadAddon('session') as Addon);
}

const NOTHING = new Uint8Array();

interface Feed {
  readonly node: string;
  readonly type: TensorType;
  /**
   * Whether `run` reads the array where it lies, which saves a copy of what is large. The graph has to
   * make something new of it before anything else; a run that kept its memory fails. Aligned to 64
   * bytes, or TensorFlow copies it.
   */
  readonly lent?: boolean;
}

/** A way through the graph: what is fed, which nodes' first outputs are fetched, which are just run. */
interface Route {
  /** What it is called in errors: `train`. */
  readonly name?: string;
  readonly feeds?: readonly Feed[];
  readonly outputs?: readonly string[];
  readonly targets?: readonly string[];
}

export interface SessionOptions {
  /** A serialized ConfigProto; by default TensorFlow's own settings. */
  readonly config?: Uint8Array;
  /** Of a server, such as `grpc://host:port`; by default this process. */
  readonly target?: string;
}

/** Each feeds the arrays, in the order of the feeds, and gives the outputs. */
export interface Computation {
  run(arrays: readonly TypedArray[]): TypedArray[];
  /** On another thread, with copies of all arrays: they may be changed at once. */
  runAsync(arrays: readonly TypedArray[]): Promise<TypedArray[]>;
  /** With a serialized RunMetadata of what a serialized RunOptions asks for. */
  runTraced(
    arrays: readonly TypedArray[],
    options: Uint8Array,
  ): { readonly outputs: TypedArray[]; readonly metadata: Uint8Array };
}

export interface GraphSession {
  /** Names of the devices that it may use, such as `/job:localhost/replica:0/task:0/device:CPU:0`. */
  readonly devices: readonly string[];
  /** Errors: InternalError where the graph has no such node. */
  define(route: Route): Computation;
  /** Waits for what is under way; what runs later fails. */
  close(): void;
}

/**
 * Starts a server in this process, which ends with it, and gives the target of its sessions.
 *
 * Errors: Error with what TensorFlow says, such as of a port that is taken.
 */
export const startServer = (definition: Uint8Array): string => load().serve(definition);

/**
 * Whether GPUs may multiply float32 as TF32. Gives what TensorFlow says then.
 *
 * Errors: InternalError where the library has no such switch.
 */
export const allowTf32 = (isOn: boolean): boolean =>
  told('has no TF32', () => load().allowTf32(isOn));

/** A serialized KernelList of every kernel that the library has. */
export const kernelList = (): Uint8Array => told('lists no kernels', () => load().kernels());

/**
 * A serialized GraphDef as a serialized FunctionDef, which other graphs call.
 *
 * @param inputs nodes that stand for the arguments
 * @param outputs what it gives, as inputs are named in a GraphDef: `node` or `node:1`
 */
export const makeFunction = (
  graph: Uint8Array,
  name: string,
  inputs: readonly string[],
  outputs: readonly string[],
): Uint8Array =>
  told(`makes no function of ${name}`, () => load().makeFunction(graph, name, inputs, outputs));

/**
 * A session over a serialized GraphDef. Variables belong to the session.
 *
 * Errors: InternalError with what TensorFlow says, here and in every run.
 */
export function openGraph(
  graph: Uint8Array,
  { config = NOTHING, target = '' }: SessionOptions = {},
): GraphSession {
  const addon = load();
  const session = told('opens no session', () => watched(() => addon.open(graph, config, target)));
  return {
    devices: told('lists no devices', () => addon.devices(session)),
    define({ name, feeds = [], outputs = [], targets = [] }) {
      const fails = name === undefined ? 'fails' : `fails in ${name}`;
      const fed = feeds.map(({ node, type: { dtype, shape }, lent = false }) => ({
        node,
        type: DATA_TYPE[dtype],
        shape,
        lent,
      }));
      const index = told('defines no run', () => addon.define(session, fed, outputs, targets));
      return {
        run: (arrays) =>
          told(fails, () => watched(() => addon.run(session, index, arrays, NOTHING)).outputs),
        async runAsync(arrays) {
          try {
            return (await addon.promise(session, index, arrays, NOTHING)).outputs;
          } catch (error) {
            throw new SessionError(fails, error);
          }
        },
        runTraced: (arrays, options) => {
          const result = told(fails, () => addon.run(session, index, arrays, options));
          return { ...result, metadata: required(result.metadata, 'RunMetadata') };
        },
      };
    },
    close: () => {
      addon.close(session);
    },
  };
}

/** Of TF_Code: what a call comes to when another process that it needs is gone, or is not heard of in time. */
const ELSEWHERE: readonly string[] = [
  /* CANCELLED */ '1',
  /* DEADLINE_EXCEEDED */ '4',
  /* ABORTED */ '10',
  /* UNAVAILABLE */ '14',
];

/** A call of TensorFlow's that failed. */
export class SessionError extends InternalError {
  /** Whether what failed is another process, or the way to it. */
  readonly isElsewhere: boolean;
  constructor(what: string, error: unknown) {
    super(`TensorFlow ${what}: ${messageOf(error)}`);
    this.isElsewhere = ELSEWHERE.includes(errorCode(error) ?? '');
  }
}

function told<T>(what: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw new SessionError(what, error);
  }
}
