// Every mistake in a configuration as one line each: where, which key, what was found, what was
// wanted.
import { distance } from 'fastest-levenshtein';
import type { z } from 'zod';
import { configJsonSchema, keyPaths, schemaAt, type SchemaNode } from './jsonSchema.js';
import { lookUp, toPlain, type Located, type Place } from './located.js';
import { hintFor, show, showPath, wantedBy } from './wording.js';

export interface Mistake {
  readonly place: Place;
  /** Begins with the key, unless the place names it already. */
  readonly text: string;
}

/** What is an option of a command and no key, though a key elsewhere has its name. */
const OPTIONS = new Map([
  [
    'workers',
    'processes are asked for by fsam train --workers; data.workers are threads that read',
  ],
]);

/** What zod found wrong with `written`, a configuration unless another `schema` is given. */
export function explain(
  issues: readonly z.core.$ZodIssue[],
  written: Located,
  schema: SchemaNode = configJsonSchema(),
): Mistake[] {
  return issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => unknownKey([...issue.path, key], written, schema))
      : [wrongValue(issue, written, schema)],
  );
}

function unknownKey(path: PropertyKey[], written: Located, schema: SchemaNode): Mistake {
  const { place } = lookUp(written, path);
  const option = OPTIONS.get(path.join('.'));
  if (option !== undefined)
    return { place, text: `${keyPrefix(path, place)}unknown key, ${option}` };
  const siblings = Object.keys(schemaAt(schema, path.slice(0, -1))?.properties ?? {});
  const parents = path.slice(0, -1).map(String);
  const name = String(path.at(-1));
  const sibling = nearest(name, siblings);
  const suggestion =
    sibling === undefined
      ? keyPaths(schema).find((known) => known.split('.').at(-1) === name)
      : [...parents, sibling].join('.');
  const wayOut =
    suggestion === undefined
      ? `wanted one of ${siblings.join(', ')}`
      : `did you mean ${suggestion}?`;
  return { place, text: `${keyPrefix(path, place)}unknown key, ${wayOut}` };
}

function wrongValue(issue: z.core.$ZodIssue, written: Located, schema: SchemaNode): Mistake {
  const { found, place } = lookUp(written, issue.path);
  const node = schemaAt(schema, issue.path) ?? {};
  const wanted = issue.code === 'custom' ? issue.message : `wanted ${wantedBy(node)}`;
  const prefix = keyPrefix(issue.path, place);
  if (found === undefined) return { place, text: `${prefix}missing, ${wanted}` };
  const value = toPlain(found);
  const typed = found.kind === 'scalar' ? found.text : undefined;
  const hint = hintFor(node, value, typed);
  return { place, text: `${prefix}got ${typed ?? show(value)}, ${wanted}${hint}` };
}

/** `KEY: `, or nothing where the place is an argument that names this very key. */
function keyPrefix(path: readonly PropertyKey[], place: Place): string {
  const isNamed = place.kind === 'argument' && place.path.join('.') === path.join('.');
  return path.length === 0 || isNamed ? '' : `${showPath(path)}: `;
}

/** The candidate that `word` is a slip of the keyboard away from, if there is one. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const bare = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, '');
  const sorted = (text: string): string => Array.from(bare(text)).sort().join('');
  const steps = (candidate: string): number =>
    sorted(candidate) === sorted(word) ? 0 : distance(bare(word), bare(candidate));
  return candidates
    .map((candidate) => ({ candidate, steps: steps(candidate) }))
    .filter(({ candidate, steps }) => steps <= Math.max(1, Math.floor(candidate.length / 3)))
    .sort((a, b) => a.steps - b.steps)[0]?.candidate;
}

/** All mistakes, one a line: those in files by file and line, then those on the command line. */
export function render(mistakes: readonly Mistake[]): string {
  const lines = [...mistakes]
    .sort((a, b) => compare(a.place, b.place))
    .map(({ place, text }) => `${showPlace(place)}: ${text}`);
  // A number that is too large in two ways is one mistake.
  return [...new Set(lines)].join('\n');
}

function compare(a: Place, b: Place): number {
  if (a.kind === 'argument' || b.kind === 'argument') {
    return Number(a.kind === 'argument') - Number(b.kind === 'argument');
  }
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return (a.line ?? 0) - (b.line ?? 0);
}

function showPlace(place: Place): string {
  if (place.kind === 'argument') return place.text;
  return [place.file, place.line, place.column]
    .filter((part) => part !== null && part !== undefined)
    .join(':');
}
