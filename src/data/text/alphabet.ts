// Tokens to text and back, as the data set of a run had them.
import { InternalError, required, UserError } from '../../util/errors.js';

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

/**
 * Errors: UserError where a name is no single character, or stands twice.
 *
 * @param names of characters, each as a JSON string, in the order of their tokens; null: tokens are bytes
 * @param path of the file that the names are the lines of
 */
export function alphabetOf(names: readonly string[] | null, path: string): Alphabet {
  if (names === null) return BYTES;
  const characters = names.map(characterOf);
  const seen = new Set<string | null>([null]);
  const wrong = characters.findIndex((character) => seen.size === seen.add(character).size);
  if (wrong < 0) return ofCharacters(characters.filter((character) => character !== null));
  const problem = characters[wrong] === null ? '' : ' once more';
  throw new UserError(
    `${path}:${wrong + 1}: got ${names[wrong] ?? ''}${problem}, wanted one character as a JSON string, each once, as the run wrote them; bring the file back`,
  );
}

/** Null for what is none. */
function characterOf(name: string): string | null {
  try {
    const value: unknown = JSON.parse(name);
    return typeof value === 'string' && Array.from(value).length === 1 ? value : null;
  } catch {
    return null;
  }
}

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
      // A line end CR LF is one LF, as in the text, and told as it was typed.
      const asked = prompt.match(/\r\n|[^]/gu) ?? [];
      const tokenOf = (typed: string) => tokens.get(typed === '\r\n' ? '\n' : typed);
      const others = [...new Set(asked)].filter((typed) => tokenOf(typed) === undefined);
      if (others.length > 0) {
        const told = others.map((character) => JSON.stringify(character)).join(', ');
        throw new UserError(
          `--prompt: got ${told}, which ${others.length > 1 ? 'do' : 'does'} not occur in the text that the run learnt from; wanted its characters alone`,
        );
      }
      return asked.map((typed) => required(tokenOf(typed), 'a token'));
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
