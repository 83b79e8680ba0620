// What one of two processes does of distributed.json, and what it tells.
import { joinWorkers } from '../../../src/graph/workers.js';
import { openTensorFlow } from '../../../src/native/tensorflow.js';
import type { WorkersPlace } from '../../../src/util/workers-place.js';
import { SEEDS } from './compare.js';
import { differences, openDistributed, PARTED } from './golden-distributed.js';
import type { Cut } from './golden-training.js';

/** How one golden run came out. */
export interface GoldenEnd {
  readonly kind: string;
  /** From the golden numbers, attempt by attempt until there are none. */
  readonly differences: readonly (readonly string[])[];
  /** Of the last attempt: the vectors of the state after three steps, as base64. */
  readonly state: Readonly<Record<string, string>>;
}

const STATE = ['parameters', 'statistics', 'momentum'] as const;

/** Every run of two workers, `cut` in this way. */
export const endsOf = (cut: Cut): GoldenEnd[] =>
  PARTED.map((golden) => {
    const [network, training] = openDistributed(golden, { how: 'traced', cut });
    const found: string[][] = [];
    for (const attempt of SEEDS) {
      training.start(attempt);
      found.push(differences(training, network, golden, 'mean'));
      if (found.at(-1)?.length === 0) break;
    }
    const state = STATE.map((name) => [name, base64(training.read(name))] as const);
    training.dispose();
    return { kind: golden.run.kind, differences: found, state: Object.fromEntries(state) };
  });

/** Called in a process of its own: its server ends with it. */
export function takeGoldenSteps(place: WorkersPlace): GoldenEnd[] {
  openTensorFlow();
  return endsOf({ microBatches: 1, workers: joinWorkers(place, { devices: 1, kind: 'CPU' }) });
}

const base64 = ({ buffer, byteOffset, byteLength }: Float32Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('base64');
