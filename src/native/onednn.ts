// Whether TensorFlow computes with oneDNN, decided before its library is loaded.
//
// TensorFlow decides by itself for a processor, whatever it computes: on with AVX-512's or AVX's
// instructions for neural networks (VNNI, BF16, AMX) and on Arm's Neoverse V1, off elsewhere
// (tensorflow/core/util/port.cc). On processors that have AVX2 and none of those, oneDNN is the
// faster one as well, except where its cost a call outweighs small convolutions.
import { readFileSync } from 'node:fs';
import { UserError } from '../util/errors.js';

const VARIABLE = 'TF_ENABLE_ONEDNN_OPTS';

/** Whether, and why. */
export interface OneDnn {
  readonly on: boolean;
  readonly reason: string;
}

/**
 * Multiply-adds of an average convolution, forwards and over a whole batch, from which oneDNN is
 * faster.
 */
export const WORTH_IT = 2e6;

/** Flags of /proc/cpuinfo with which TensorFlow has oneDNN on by itself. */
const MADE_FOR_IT = [
  ...['avx512_vnni', 'avx512_bf16', 'avx_vnni', 'amx_tile', 'amx_int8', 'amx_bf16'],
];

/** Whether the choice is ours on a processor with these flags: it has AVX2, and TensorFlow has oneDNN off. */
export function isOursToChoose(flags: ReadonlySet<string>): boolean {
  return flags.has('avx2') && flags.has('fma') && !MADE_FOR_IT.some((flag) => flags.has(flag));
}

/**
 * @param multiplyAdds of an average convolution of the network, over a batch.
 * @returns null where TensorFlow decides.
 */
export function chooseOneDnn(multiplyAdds: number, flags = processorFlags()): OneDnn | null {
  if (!isOursToChoose(flags)) return null;
  const millions = (number: number): string => (number / 1e6).toPrecision(2);
  const [size, border] = [multiplyAdds, WORTH_IT].map(millions);
  return multiplyAdds >= WORTH_IT
    ? { on: true, reason: `about ${size} M multiply-adds a convolution, on a processor with AVX2` }
    : {
        on: false,
        reason: `about ${size} M multiply-adds a convolution; it pays from ${border} M on`,
      };
}

/** Those of the first processor; none where the system does not tell. */
export function processorFlags(): ReadonlySet<string> {
  try {
    const line = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'));
    return new Set(line?.[1]?.trim().split(/\s+/));
  } catch {
    return new Set();
  }
}

/**
 * As the environment says, in `TF_ENABLE_ONEDNN_OPTS`; null where it leaves the choice to us.
 *
 * @throws UserError where it says neither on nor off
 */
export function oneDnnTold(): boolean | null {
  const text = (process.env[VARIABLE] ?? '').toLowerCase();
  if (text === '') return null;
  if (text === '1' || text === 'true') return true;
  if (text === '0' || text === 'false') return false;
  throw new UserError(
    `${VARIABLE}: got "${text}", wanted 1 (on) or 0 (off); unset it to leave it open`,
  );
}

/**
 * Writes the choice down for TensorFlow, unless the environment has one already; null leaves it to
 * TensorFlow.
 *
 * @returns the reason of what is now to be used.
 * @throws UserError as oneDnnTold
 */
export function settleOneDnn(choice: OneDnn | null): string {
  const told = oneDnnTold();
  if (told !== null) return `${VARIABLE}=${told ? 1 : 0}`;
  // Empty would be no answer to TensorFlow, which warns of it.
  Reflect.deleteProperty(process.env, VARIABLE);
  if (choice === null) return "TensorFlow's choice for this processor";
  process.env[VARIABLE] = choice.on ? '1' : '0';
  return choice.reason;
}
