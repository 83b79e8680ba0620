// Every kernel of the TensorFlow library: for which device, and for which types of an op. Needs no device.
//
// The messages below are the parts of tensorflow/core/framework/{kernel_def,attr_value}.proto that are
// read; field numbers are TensorFlow's.
import protobuf from 'protobufjs';
import { kernelList } from './session.js';

const MESSAGES = `
syntax = "proto3";
package tensorflow;
message ListValue { repeated int32 type = 6 [packed = true]; }
message AttrValue { ListValue list = 1; }
message AttrConstraint { string name = 1; AttrValue allowed_values = 2; }
message KernelDef {
  string op = 1; string device_type = 2; repeated AttrConstraint constraint = 3; repeated string host_memory_arg = 4;
  string label = 5;
}
message KernelList { repeated KernelDef kernel = 1; }
`;

interface Message {
  readonly kernel: readonly {
    readonly op: string;
    readonly device_type: string;
    readonly constraint: readonly {
      readonly name: string;
      readonly allowed_values: { readonly list: { readonly type: readonly number[] } } | null;
    }[];
    readonly host_memory_arg: readonly string[];
    readonly label: string;
  }[];
}

export interface RegisteredKernel {
  readonly op: string;
  /** `CPU`, `GPU`, or `DEFAULT`, which is any. */
  readonly device: string;
  /** By attribute, numbers of DATA_TYPE; an attribute that is not there may be any. */
  readonly types: ReadonlyMap<string, readonly number[]>;
  /** Inputs and outputs that lie in the host's memory, whatever the device. */
  readonly onHost: readonly string[];
}

/** Those that a graph gets unless it asks for another by its label. */
export function registeredKernels(): RegisteredKernel[] {
  const type = protobuf
    .parse(MESSAGES, { keepCase: true })
    .root.lookupType('tensorflow.KernelList');
  const { kernel } = type.toObject(type.decode(kernelList()), { defaults: true }) as Message;
  return kernel
    .filter(({ label }) => label === '')
    .map(({ op, device_type: device, constraint, host_memory_arg: onHost }) => ({
      op,
      device,
      onHost,
      types: new Map(
        constraint.map(({ name, allowed_values: allowed }) => [name, allowed?.list.type ?? []]),
      ),
    }));
}
