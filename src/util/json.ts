// Reading JSON of ours that an editor may have saved again, or another version of fsam wrote.
import { z } from 'zod';
import { UserError } from './errors.js';

/** The value of `text`, which may begin with a byte order mark. Errors: SyntaxError. */
export function parseJson(text: string): unknown {
  return JSON.parse(text.replace(/^\uFEFF/, ''));
}

/**
 * What to tell of the file at `path` where `error` says that its schema lacks one of its keys: a later
 * version has added it. Null for any other error.
 */
export function laterVersion(path: string, error: unknown): UserError | null {
  const key = error instanceof z.core.$ZodError ? unknownKey(error.issues, []) : null;
  if (key === null) return null;
  return new UserError(
    `${path}: has the key ${key}, which this version of fsam does not know; use the version that wrote it, or another folder`,
  );
}

function unknownKey(
  issues: readonly z.core.$ZodIssue[],
  above: readonly PropertyKey[],
): string | null {
  for (const issue of issues) {
    const path = [...above, ...issue.path];
    if (issue.code === 'unrecognized_keys') return [...path, ...issue.keys.slice(0, 1)].join('.');
    // The first branch is the usual one.
    const inner = issue.code === 'invalid_union' ? unknownKey(issue.errors[0] ?? [], path) : null;
    if (inner !== null) return inner;
  }
  return null;
}

/** A key that an object of the JSON text has twice, in any depth; null where there is none. */
export function repeatedKey(json: string): string | null {
  // Of each object that is open the keys so far; null: a list.
  const open: (Set<string> | null)[] = [];
  // A text, with the colon after it where it is a key, or a bracket.
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"(?:\s*:)?|[{}[\]]/g)) {
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(null);
    else if (token === '}' || token === ']') open.pop();
    else if (token.endsWith(':')) {
      const key = JSON.parse(token.slice(0, -1)) as string;
      const keys = open.at(-1);
      if (keys?.has(key) === true) return key;
      keys?.add(key);
    }
  }
  return null;
}
