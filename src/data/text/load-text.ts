// Texts as training reads them: files, cut into tokens, with a part at the end to test on.
import { fileURLToPath } from 'node:url';
import { hasNamedLabels } from '../../catalogue/data-sets.js';
import type { DataConfig } from '../../catalogue/schema.js';
import { counted, firstOf } from '../../util/counted.js';
import { UserError } from '../../util/errors.js';
import type { Tokens, WholeText } from '../dataset.js';
import { windowsIn } from './cut-text.js';
import { CR, eachByte, eachCharacter, textFiles } from './read-text.js';

/** The embedded text stands beside the sources and the build alike: three folders above this file. */
const EMBEDDED = fileURLToPath(new URL('../../../data/moby-dick/moby-dick.txt', import.meta.url));

/** Numbers of Unicode go up to this. */
const UNICODE = 0x110000;
const [FEW, MANY] = [1 << 8, 1 << 16];
/** Places in a text are told as int32. */
const LONGEST = 2 ** 31 - 1;

interface Text {
  readonly tokens: Tokens;
  /** Tokens that there are. */
  readonly count: number;
  readonly names?: readonly string[];
  readonly notes: readonly string[];
}

/**
 * The text of the file `directory`, or of the .txt files in that folder, one after the other.
 *
 * Errors: UserError where there is none, it is empty or longer than 2^31 - 1 tokens, or, by characters, is
 * not UTF-8 or has more than 65,536 different ones.
 */
export async function loadText(config: DataConfig): Promise<WholeText> {
  const { files, leftOut, empty } = await textFiles(config.directory);
  const text = await asDataset(config, config.directory, files);
  const { source, train, test, classes } = text;
  const tokens = (train.tokens.length + test.tokens.length).toLocaleString('en');
  const told = [
    `${source}: ${counted(files.length, 'file')}, ${tokens} ${config.tokens}, ${classes} different ones`,
    ...(leftOut.length === 0 ? [] : [`left out: ${firstOf(leftOut)}`]),
    ...(empty.length === 0 ? [] : [`empty: ${firstOf(empty)}`]),
  ];
  return { ...text, notes: [told.join('; '), ...(text.notes ?? [])] };
}

/** Moby Dick, which comes with the program. Errors: as loadText. */
export const loadMobyDick = (config: DataConfig): Promise<WholeText> =>
  asDataset(config, EMBEDDED, [EMBEDDED]);

async function asDataset(
  config: DataConfig,
  source: string,
  files: readonly string[],
): Promise<WholeText> {
  const { name, context, testShare } = config;
  const text = hasNamedLabels(config)
    ? await readCharacters(source, files)
    : await readBytes(files);
  const { tokens, count, names, notes } = text;
  if (tokens.length === 0) throw new UserError(`${source}: is empty, wanted a text`);
  const end = Math.floor(tokens.length * (1 - testShare));
  const [train, test] = [tokens.subarray(0, end), tokens.subarray(end)];
  return {
    name,
    classes: count,
    ...(names && { classNames: names }),
    source,
    notes,
    context,
    train: { tokens: train, examples: windowsIn(train, context) },
    test: { tokens: test, examples: windowsIn(test, context) },
  };
}

async function readBytes(files: readonly string[]): Promise<Text> {
  let length = 0;
  for (const file of files) await eachByte(file, (bytes) => (length += bytes.length));
  refuseLonger(length);
  const text = fillable(new Uint8Array(length));
  for (const file of files) {
    await eachByte(file, (bytes) => {
      text.add(bytes, (byte) => byte);
    });
  }
  return { tokens: text.filled(), count: FEW, notes: [] };
}

/** Once to find which characters there are and how many, and once more to number them. */
async function readCharacters(source: string, files: readonly string[]): Promise<Text> {
  const isThere = new Uint8Array(UNICODE);
  let [length, crlf] = [0, 0];
  for (const file of files) {
    const read = await eachCharacter(file, (characters) => {
      for (const character of characters) isThere[character] = 1;
      length += characters.length;
    });
    crlf += read.crlf;
  }
  refuseLonger(length);
  const numbers = new Uint16Array(UNICODE);
  const names: string[] = [];
  isThere.forEach((one, character) => {
    if (one === 0) return;
    numbers[character] = names.length;
    names.push(JSON.stringify(String.fromCodePoint(character)));
  });
  if (names.length > MANY) {
    throw new UserError(
      `${source}: has ${names.length} different characters, wanted ${MANY} at most; data.tokens=bytes takes any text`,
    );
  }
  const text = fillable(names.length <= FEW ? new Uint8Array(length) : new Uint16Array(length));
  for (const file of files) {
    await eachCharacter(file, (characters) => {
      text.add(characters, (character) => numbers[character] ?? 0);
    });
  }
  return {
    tokens: text.filled(),
    count: names.length,
    names,
    notes: [
      ...(crlf === 0
        ? []
        : [`${source}: ${crlf.toLocaleString('en')} line ends CR LF, read as LF`]),
      ...(isThere[CR] === 1 ? [`${source}: has CR without LF, which stays a character`] : []),
    ],
  };
}

function refuseLonger(length: number): void {
  if (length <= LONGEST) return;
  throw new UserError(`data.directory: got a text of ${length} tokens, wanted ${LONGEST} at most`);
}

/** Memory of a length that was counted before, to be filled from its beginning. */
function fillable(tokens: Tokens) {
  let length = 0;
  const refuse = (): never => {
    throw new UserError(
      'data.directory: its files change while they are read; wait for that to end',
    );
  };
  return {
    add: (values: Uint8Array | Uint32Array, numberOf: (value: number) => number): void => {
      if (length + values.length > tokens.length) refuse();
      for (let i = 0; i < values.length; i++) tokens[length++] = numberOf(values[i] ?? 0);
    },
    filled: (): Tokens => (length === tokens.length ? tokens : refuse()),
  };
}
