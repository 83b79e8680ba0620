// The edges of stability that a run's curvature is compared with: which of them hold for its optimizer.
import { descentOf } from '../catalogue/optimizers.js';
import type { Config } from '../catalogue/schema.js';
import type { CheckpointRecord } from '../experiment/checkpoint.js';
import { climbsAsOne, scheduleOf, stepsPerEpoch } from '../experiment/steps.js';
import { stabilityEdge } from './edge.js';

/** A run, and how far it was. */
interface Ended {
  readonly opened: { readonly config: Config };
  readonly analysed: { readonly record: Pick<CheckpointRecord, 'trainImages' | 'progress'> };
}

interface Edge {
  readonly name: 'edge' | 'SAM edge';
  readonly value: number;
  /** Of the last step. */
  readonly rate: number;
}

/**
 * Where steps of the last rate, with the run's momentum, would overshoot if batches were the whole set. None for
 * AdamW, nor where the gradient is clipped or layers have rates of their own; SAM's for its own climb of the whole batch by a
 * constant rho alone.
 */
export function edgesOf(
  { opened: { config }, analysed: { record } }: Ended,
  gradientNorm: number,
): Edge[] {
  const { optimizer } = config;
  const { clipNorm, layerDecay } = optimizer;
  if (descentOf(optimizer) !== 'sgd' || clipNorm !== null || layerDecay !== null) return [];
  const perEpoch = stepsPerEpoch(record.trainImages, config);
  const rate = scheduleOf(perEpoch, config)(Math.max(record.progress.step - 1, 0));
  const { name, adaptive, perturb, rhoSchedule, rho } = optimizer;
  const isPlain = name === 'sam' && !adaptive && perturb === 'all';
  const isSam = isPlain && climbsAsOne(config) && rhoSchedule === 'constant' && rho > 0;
  const at = (climb: number) => stabilityEdge(rate, climb, gradientNorm, optimizer);
  return [
    { name: 'edge', value: at(0), rate },
    ...(isSam ? [{ name: 'SAM edge', value: at(rho), rate } as const] : []),
  ];
}
