// What `fsam analyze sharpness` is asked for, checked: each option has to have something to act on.
import { STEPS } from '../analysis/ascent.js';
import { DRAWS, SHARPNESS_KINDS, type SharpnessKind } from '../analysis/sharpness.js';
import type { SharpnessesOptions } from '../analysis/sharpnesses.js';
import { UserError } from '../util/errors.js';
import { refuseUnused } from './unused-options.js';

/** As commander names them. */
export interface SharpnessFlags {
  readonly rho?: readonly number[];
  readonly adaptiveRho?: readonly number[];
  readonly kinds?: string;
  readonly steps?: number;
  readonly restarts?: number;
  readonly draws?: number;
  readonly m?: number;
  readonly parts?: number;
}

/** Of an ascent, to reach rho. */
const LEAST_STEPS = 10;
const PARTS = 16;

/** Errors: UserError where an option is out of range, or has nothing to act on. */
export function sharpnessesOf(flags: SharpnessFlags): SharpnessesOptions {
  const { rho = [], adaptiveRho = [], m = null } = flags;
  if (rho.length + adaptiveRho.length === 0) {
    throw new UserError('--rho, --adaptive-rho: got no length, wanted one at least');
  }
  const kinds = kindsIn(flags.kinds ?? '');
  const asked = `--kinds ${kinds.join(',')}`;
  if (!kinds.includes('worst-case')) {
    refuseUnused(flags, ['steps', 'restarts'], `${asked}, of which none climbs step by step`);
  }
  if (!kinds.includes('sphere') && !kinds.includes('gaussian')) {
    refuseUnused(flags, ['draws'], `${asked}, of which none is drawn at random`);
  }
  if (m === null) refuseUnused(flags, ['parts'], 'the whole sample alone, wanted --m beside it');
  const { steps = STEPS, restarts = 0, draws = DRAWS, parts = PARTS } = flags;
  if (steps < LEAST_STEPS) {
    throw new UserError(
      `--steps: got ${steps}, wanted ${LEAST_STEPS} at least: steps of rho / 10 come no further than that part of rho`,
    );
  }
  if (draws < 2) throw new UserError('--draws: got 1, wanted 2 at least: one has no error');
  return { kinds, rho, adaptiveRho, m, parts, steps, restarts, draws };
}

function kindsIn(text: string): readonly SharpnessKind[] {
  const names = new Set(text.split(','));
  const kinds = SHARPNESS_KINDS.filter((kind) => names.has(kind));
  if (kinds.length === names.size) return kinds;
  throw new UserError(`--kinds: got ${text}, wanted some of ${SHARPNESS_KINDS.join(', ')}`);
}
