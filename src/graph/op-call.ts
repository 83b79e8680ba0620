// One op under tracing, as the rules of shapes.ts look at it.
import { describeType } from '../native/types.js';
import { InternalError, required } from '../util/errors.js';
import type { Attribute, SymbolicTensor } from './node.js';

export type Attributes = Readonly<Record<string, Attribute>>;
type AttributeValues = { [A in Attribute as A['kind']]: A['value'] };

/** What a rule sees of one op. */
export class Call {
  constructor(
    readonly op: string,
    readonly inputs: readonly SymbolicTensor[],
    readonly attributes: Attributes,
  ) {}

  input(index: number): SymbolicTensor {
    return this.inputs.at(index) ?? this.fail(`has no input ${index}`);
  }

  shape(index: number): readonly number[] {
    return this.input(index).shape;
  }

  /** The known value of an input that decides a shape: axes, sizes, paddings. */
  values(index: number): number[] {
    const { value, output } = this.input(index);
    return value === undefined
      ? this.fail(`takes its shape from ${output}, which is not a constant`)
      : Array.from(value);
  }

  value(index: number): number {
    return required(this.values(index)[0], `the value of input ${index} of ${this.op}`);
  }

  attribute<K extends keyof AttributeValues>(name: string, kind: K): AttributeValues[K] {
    const attribute = this.attributes[name];
    if (attribute?.kind !== kind) return this.fail(`wants the attribute ${name} (${kind})`);
    return attribute.value as AttributeValues[K];
  }

  flag(...names: string[]): boolean {
    return names.some((name) => {
      const attribute = this.attributes[name];
      return attribute?.kind === 'bool' && attribute.value;
    });
  }

  /** Input `index`'s axis as a number from 0. */
  axis(index: number, axis: number): number {
    const rank = this.shape(index).length;
    const positive = axis < 0 ? axis + rank : axis;
    return positive >= 0 && positive < rank ? positive : this.fail(`has no axis ${axis}`);
  }

  fail(what: string): never {
    const inputs = this.inputs.map(describeType).join(', ');
    throw new InternalError(`op ${this.op}(${inputs}) ${what}`);
  }
}
