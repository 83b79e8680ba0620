// The `graph` backend of tfjs: tfjs-node's own, over a binding that records.
import { narrowing } from '../native/narrowing.js';
import { nameScope } from '../native/scope.js';
import {
  backendClass,
  eagerBackend,
  tf,
  type Backend,
  type Tensor,
  type TFJSBinding,
} from '../native/tensorflow.js';
import { InternalError } from '../util/errors.js';
import type { Node, SymbolicTensor } from './node.js';
import type { Recorder } from './recorder.js';

const NAME = 'graph';

type NativeBackend = InstanceType<ReturnType<typeof backendClass>>;

function createBackend(binding: TFJSBinding): Backend {
  class GraphBackend extends backendClass() {
    #writing = false;

    override write(...parameters: Parameters<NativeBackend['write']>) {
      this.#writing = true;
      try {
        return super.write(...parameters);
      } finally {
        this.#writing = false;
      }
    }

    /** tfjs calls this by itself only to bring over a tensor that belongs to another backend. */
    override move(...parameters: Parameters<NativeBackend['move']>): void {
      if (!this.#writing) {
        const [, , shape, dtype] = parameters;
        throw new InternalError(
          `a tensor ${dtype} [${shape.join(' ')}] with a value of its own was captured by a traced function; ` +
            'make it an input or a state variable',
        );
      }
      super.move(...parameters);
    }
  }
  const created = new GraphBackend(binding, '@tensorflow/tfjs-node-gpu');
  for (const kernel of tf.getKernelsForBackend('tensorflow')) {
    tf.registerKernel({ ...kernel, backendName: NAME });
  }
  tf.registerBackend(NAME, () => created, 0);
  return created as unknown as Backend;
}

let backend: Backend | undefined;

function graphBackend(binding: TFJSBinding): Backend {
  backend ??= createBackend(binding);
  backend.binding = binding;
  return backend;
}

/** What a traced function's body may need of the trace it runs in. */
export interface Tracing {
  /** The tensor of a node's first output, to compute with. */
  tensor(node: Node): Tensor;
  /** What is known of a tensor; an InternalError if it does not belong to the trace. */
  symbol(tensor: Tensor, what: string): SymbolicTensor;
}

/**
 * Runs `body` with every tfjs operation written into `recorder`. Math.random is out of reach
 * meanwhile: what it drew would be a constant of the graph.
 */
export function trace<T>(recorder: Recorder, name: string, body: (tracing: Tracing) => T): T {
  const graph = graphBackend(narrowing(recorder.binding()));
  const tracing: Tracing = {
    tensor: (node) => graph.createOutputTensor(recorder.bind(node)),
    symbol: (tensor, what) => {
      if (tensor.isDisposed) throw new InternalError(`${what} was disposed of before the end`);
      if (belongsTo(eagerBackend(), tensor)) {
        throw new InternalError(`${what} does not come from the traced function: it has a value`);
      }
      const [id] = graph.getInputTensorIds([tensor]);
      return recorder.tensor(id ?? 0);
    },
  };
  const random = Math.random;
  Math.random = () => {
    throw new InternalError(
      `Math.random was called while ${name} is traced: the draw would be a constant; draw on the host and feed it`,
    );
  };
  void tf.setBackend(NAME);
  try {
    let result: T | undefined;
    tf.tidy(() => {
      result = nameScope(name, () => body(tracing));
    });
    return result as T;
  } finally {
    Math.random = random;
    void tf.setBackend('tensorflow');
  }
}

function belongsTo(other: unknown, tensor: Tensor): boolean {
  const { tensorMap } = other as { tensorMap: { has(id: object): boolean } };
  return tensorMap.has(tensor.dataId);
}
