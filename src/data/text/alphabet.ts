// Tokens to text and back, as the data set of a run had them.
import { InternalError, UserError } from '../../util/errors.js';

export interface Alphabet {
  /** Tokens that there are. */
  readonly count: number;
  /** What stands for the beginning of a line. */
  readonly beginning: number[];
  /** Errors: UserError where it is empty, or has a character that is none of them. */
  encode(prompt: string): number[];
  /** Gives the text of tokens, piece by piece; a character of several bytes with the last of them. */
  decoder(): (tokens: readonly number[]) => string;
}

/** @param names of characters, each as a JSON string, in the order of their tokens; null: tokens are bytes */
export const alphabetOf = (names: readonly string[] | null): Alphabet =>
  names === null ? BYTES : ofCharacters(names.map((name) => JSON.parse(name) as string));

const LINE_END = 10;

function refuseNothing(prompt: string): void {
  if (prompt === '') throw new UserError('--prompt: got nothing, wanted a text, or leave it out');
}

const BYTES: Alphabet = {
  count: 256,
  beginning: [LINE_END],
  encode: (prompt) => {
    refuseNothing(prompt);
    return [...new TextEncoder().encode(prompt)];
  },
  decoder: () => {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    return (tokens) => decoder.decode(Uint8Array.from(tokens), { stream: true });
  },
};

function ofCharacters(characters: readonly string[]): Alphabet {
  const tokens = new Map(characters.map((character, token) => [character, token]));
  return {
    count: characters.length,
    beginning: [tokens.get('\n') ?? 0],
    encode: (prompt) => {
      refuseNothing(prompt);
      return Array.from(prompt.replaceAll('\r\n', '\n'), (character) => {
        const token = tokens.get(character);
        if (token !== undefined) return token;
        throw new UserError(
          `--prompt: got ${JSON.stringify(character)}, which does not occur in the text that the run learnt from; wanted its characters alone`,
        );
      });
    },
    decoder: () => (some) =>
      some
        .map((token) => {
          const character = characters[token];
          if (character === undefined) throw new InternalError(`there is no token ${token}`);
          return character;
        })
        .join(''),
  };
}
