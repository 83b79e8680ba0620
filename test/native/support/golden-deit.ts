// deit.json: DeiT-S, its twin, resampled position embeddings, and what published files hold.
import type { Resampling } from '../../../src/nn/positions.js';
import { read, type GoldenVit } from './golden.js';

export interface GoldenTransformer extends Omit<GoldenVit, 'options'> {
  readonly options: Readonly<Record<string, number | string>>;
  readonly parameters_by_classes: Readonly<Record<string, number>>;
}

/** A table of positions in another grid; where the twin takes it, what the network gives then. */
export interface Resampled {
  readonly norm: number;
  readonly first_channel: readonly number[] | null;
  readonly entries: readonly (readonly [row: number, column: number, value: number])[];
  readonly input?: GoldenVit['input'];
  readonly logits?: GoldenVit['logits'];
  readonly loss?: number;
}

interface Filled {
  readonly size: number;
  readonly norm: number;
  readonly entries: readonly (readonly [tensor: string, place: number, value: number])[];
}

interface Positions {
  readonly from: readonly [number, number];
  readonly cases: readonly ({ readonly grid: readonly [number, number] } & Readonly<
    Record<Resampling, Resampled>
  >)[];
}

interface GoldenDeit {
  readonly twin: GoldenTransformer;
  readonly deit_small: GoldenTransformer;
  readonly drop_path: { readonly rate: number; readonly by_layer: readonly number[] };
  readonly positions: {
    readonly twin: Positions;
    readonly deit_small: Positions;
    readonly matrices: Readonly<
      Record<string, Readonly<Record<Resampling, readonly (readonly number[])[]>>>
    >;
  };
  readonly pretrained: Readonly<
    Record<
      string,
      {
        readonly network: string | Readonly<Record<string, number | string>>;
        readonly rows: readonly (readonly [
          key: string,
          shape: readonly number[],
          ours: string | null,
          ourShape: readonly number[] | null,
          axes: readonly number[] | null,
        ])[];
        readonly filled_parameters: Filled;
        readonly filled_statistics?: Filled;
      }
    >
  >;
}

export const goldenDeit = (): GoldenDeit => read('deit.json') as GoldenDeit;
