// What of a text is trained on, validated and tested with: pieces of it, in whole windows.
import type { DataConfig } from '../../catalogue/schema.js';
import { UserError } from '../../util/errors.js';
import type { TextDataset, TextSet, Tokens, WholeText } from '../dataset.js';

/** Windows of `context` tokens side by side, each with the token after it. */
export const windowsIn = (tokens: Tokens, context: number): number =>
  Math.max(0, Math.floor((tokens.length - 1) / context));

/** Tokens that so many windows take. */
const tokensOf = (windows: number, context: number): number => windows * context + 1;

/**
 * `whole` with the windows that the configuration asks for: `validation` at the end of the training text,
 * `subset` of what is left from the beginning, `windows` an epoch.
 *
 * Errors: UserError where a part of it has not one window, or fewer than are asked for.
 */
export function cutText(
  whole: WholeText,
  { validation, subset, windows, testShare, tokens: kind }: DataConfig,
): TextDataset {
  const { context, name } = whole;
  const part = (tokens: Tokens): TextSet => ({ tokens, examples: windowsIn(tokens, context) });
  const refuse = (key: string, got: number, there: number, of: string): never => {
    const most = there > 0 ? `${there} at most, or ` : '';
    throw new UserError(
      `${key}: got ${got}; ${name} has ${there} windows of ${context} tokens to ${of}: wanted ${most}null`,
    );
  };
  for (const [set, of, share] of [
    [whole.train, 'train on', 1 - testShare],
    [whole.test, 'test on', testShare],
  ] as const) {
    if (set.examples > 0) continue;
    const length = whole.train.tokens.length + whole.test.tokens.length;
    if (length >= 2 * tokensOf(1, context)) {
      throw new UserError(
        `data.testShare: got ${testShare}; of the ${length} tokens of ${whole.source} it leaves ${set.tokens.length} to ${of}, ` +
          `wanted ${tokensOf(1, context)} at least, a window and the token after it; take a ${of === 'test on' ? 'larger' : 'smaller'} share, or a smaller data.context`,
      );
    }
    throw new UserError(
      `data.context: got ${context}; ${whole.source} has ${length} tokens, ${set.tokens.length} of them to ${of} (${Number(share.toPrecision(6))} of the text), ` +
        `wanted ${tokensOf(1, context)} at least, a window and the token after it; take a smaller context, or more text`,
    );
  }
  let { train, test } = whole;
  let held: TextSet | undefined;
  if (validation !== null) {
    const most = windowsIn(train.tokens, context) - 1;
    if (validation > most) refuse('data.validation', validation, most, 'hold out');
    const end = train.tokens.length - tokensOf(validation, context);
    held = part(train.tokens.subarray(end));
    train = part(train.tokens.subarray(0, end));
  }
  const taken = (set: TextSet, split: 'train' | 'test'): TextSet => {
    const count = subset[split];
    if (count === null) return set;
    if (count > set.examples) refuse(`data.subset.${split}`, count, set.examples, `${split} on`);
    return part(set.tokens.subarray(0, tokensOf(count, context)));
  };
  train = taken(train, 'train');
  test = taken(test, 'test');
  const perCharacter = (set: TextSet): number =>
    kind === 'bytes' ? bytesPerCharacter(set.tokens, context) : 1;
  return {
    ...whole,
    tokensPerCharacter: {
      train: perCharacter(train),
      test: perCharacter(test),
      validation: held === undefined ? 1 : perCharacter(held),
    },
    train: { ...train, examples: windows ?? train.examples },
    test,
    ...(held && { validation: held }),
  };
}

/**
 * Of the bytes that its windows side by side are measured by, which are all but the first and those behind the last
 * window; a character counts where its first byte does. 1 where none begins.
 */
function bytesPerCharacter(bytes: Tokens, context: number): number {
  const end = windowsIn(bytes, context) * context + 1;
  let characters = 0;
  // All bytes of a character but its first are 10......
  for (let i = 1; i < end; i++) characters += Number(((bytes[i] ?? 0) & 0xc0) !== 0x80);
  return characters === 0 ? 1 : (end - 1) / characters;
}

/** Windows of a set by their numbers, counted side by side. */
export function pickWindows(set: TextSet, context: number, indices: Int32Array): TextSet {
  const starts = indices.map((index) => index * context);
  return { tokens: set.tokens, examples: starts.length, starts };
}
