// YAML 1.2 text to located values. Only plain data passes: aliases, merge keys and tags are refused
// by name.
import {
  LineCounter,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  parseAllDocuments,
  type Document,
  type ErrorCode,
  type Node,
  type YAMLMap,
} from 'yaml';
import type { Located, Place } from './located.js';
import type { Mistake } from './mistakes.js';
import { showPath } from './wording.js';

/** Turns a position in the text, counted from 1, into the place to show. */
export type PlaceOf = (line: number, column: number) => Place;

/**
 * Reads one YAML document.
 * @returns null where nothing sensible could be read; `mistakes` then holds the reason. Duplicate
 *   keys are put there, too, but do not keep the rest from being read.
 */
export function parseYaml(text: string, placeOf: PlaceOf, mistakes: Mistake[]): Located | null {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
  }) as Document[];
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return placeOf(line, col);
  };

  // One slip makes YAML parsers stumble several times over: only the first complaint is of use.
  const error = documents.flatMap(({ errors }) => errors)[0];
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    const place = placeOf(line, col);
    mistakes.push({
      place: place.kind === 'file' ? { ...place, column: col } : place,
      text: `not valid YAML (${error.message}): ${SYNTAX_HINTS[error.code] ?? GENERAL_HINT}`,
    });
    return null;
  }
  const [document, second] = documents;
  if (document?.contents === undefined || document.contents === null) {
    return { kind: 'scalar', place: placeOf(1, 1), value: null };
  }
  if (second !== undefined) {
    const place = at(second.range?.[0] ?? 0);
    mistakes.push({
      place,
      text: `${documents.length} YAML documents, wanted one: remove the "---"`,
    });
    return null;
  }
  if (document.directives?.yaml.explicit === true && document.directives.yaml.version !== '1.2') {
    const { version } = document.directives.yaml;
    mistakes.push({ place: placeOf(1, 1), text: `got %YAML ${version}, wanted YAML 1.2` });
    return null;
  }
  const reading: Reading = { at, mistakes, refused: false };
  const located = locate(document.contents, at(document.contents.range?.[0] ?? 0), [], reading);
  return reading.refused ? null : located;
}

interface Reading {
  readonly at: (offset: number) => Place;
  readonly mistakes: Mistake[];
  /**
   * Something was met that has no value, so that what is left would only give rise to false alarms.
   */
  refused: boolean;
}

/** `place` is that of the key, for a value in a map: the line one looks at. */
function locate(node: Node | null, place: Place, path: string[], reading: Reading): Located {
  if (isAlias(node)) {
    refuse(reading, place, path, `got *${node.source}, wanted the value itself (share by extends)`);
  } else if (typeof node?.tag === 'string') {
    refuse(reading, place, path, `got the tag ${node.tag}, wanted a plain value`);
  } else if (isMap<Node, Node | null>(node)) {
    return locateMap(node, place, path, reading);
  } else if (isSeq<Node | null>(node)) {
    const items = node.items.map((item, i) =>
      locate(item, reading.at(item?.range?.[0] ?? 0), [...path, String(i)], reading),
    );
    return { kind: 'list', place, items };
  }
  const value = isScalar(node) ? node.value : null;
  const text = typeof value === 'number' && isScalar(node) ? node.source : undefined;
  return { kind: 'scalar', place, value, ...(text === undefined ? {} : { text }) };
}

function locateMap(
  map: YAMLMap<Node, Node | null>,
  place: Place,
  path: string[],
  reading: Reading,
): Located {
  const entries = new Map<string, Located>();
  for (const { key, value } of map.items) {
    const keyPlace = reading.at(key.range?.[0] ?? 0);
    if (!isScalar(key)) {
      refuse(reading, keyPlace, path, 'got a key that is not a word, wanted KEY: VALUE');
      continue;
    }
    const name = String(key.value);
    const keyPath = [...path, name];
    if (name === '<<') {
      refuse(reading, keyPlace, keyPath, 'merge keys are not part of YAML 1.2 (share by extends)');
      continue;
    }
    if (entries.has(name)) {
      reading.mistakes.push({
        place: keyPlace,
        text: `${showPath(keyPath)}: set twice in one map`,
      });
    }
    entries.set(name, locate(value, keyPlace, keyPath, reading));
  }
  return { kind: 'map', place, entries };
}

function refuse(reading: Reading, place: Place, path: readonly string[], text: string): void {
  reading.refused = true;
  reading.mistakes.push({ place, text: path.length === 0 ? text : `${showPath(path)}: ${text}` });
}

const GENERAL_HINT = 'look at the indentation, colons and quotes up to here';

const SYNTAX_HINTS: Partial<Record<ErrorCode, string>> = {
  BAD_INDENT: 'indent the keys of one map alike, and close every bracket',
  BAD_SCALAR_START: 'put the value in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'put each key on a line of its own, keys of one map indented alike',
  MISSING_CHAR: 'close the quote or bracket',
  MULTILINE_IMPLICIT_KEY: 'write KEY: VALUE, with a colon and a space',
  TAB_AS_INDENT: 'indent with spaces',
};
