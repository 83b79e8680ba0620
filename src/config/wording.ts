// How a value and what was wanted instead are put into words.
import type { SchemaNode } from './jsonSchema.js';

/** What `node` allows: "a whole number of at least 1", "one of sgd, adamw", ... */
export function wantedBy(node: SchemaNode): string {
  if (node.anyOf !== undefined) return node.anyOf.map(wantedBy).join(', or ');
  if (node.enum !== undefined) {
    return node.enum.length === 2 ? node.enum.join(' or ') : `one of ${node.enum.join(', ')}`;
  }
  switch (node.type) {
    case 'integer':
      return `a whole number${range(node)}`;
    case 'number':
      return `a number${range(node)}`;
    case 'boolean':
      return 'true or false';
    case 'null':
      return 'null';
    case 'array':
      return `a list, each item ${wantedBy(node.items ?? {})}`;
    case 'object':
      return `a map with keys such as ${Object.keys(node.properties ?? {})
        .slice(0, 3)
        .join(', ')}`;
    default:
      return node.patternErrorMessage ?? 'text that is not empty';
  }
}

function range(node: SchemaNode): string {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = node;
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`;
  const bounds = [
    minimum === undefined ? '' : `of at least ${minimum}`,
    exclusiveMinimum === undefined ? '' : `above ${exclusiveMinimum}`,
    maximum === undefined ? '' : `of at most ${maximum}`,
    exclusiveMaximum === undefined ? '' : `below ${exclusiveMaximum}`,
  ].filter((bound) => bound !== '');
  return bounds.length === 0 ? '' : ` ${bounds.join(' and ')}`;
}

/**
 * The way out for slips that one does not see in one's own file; an empty string for all others.
 *
 * @param typed a number as it was written
 */
export function hintFor(node: SchemaNode, value: unknown, typed?: string): string {
  const types = (node.anyOf ?? [node]).map(({ type }) => type);
  if (typeof value === 'string') {
    if (types.includes('boolean') && /^(y|yes|on|n|no|off)$/i.test(value)) {
      return ' (YAML 1.2 has no yes and no)';
    }
    if (types.includes('number') || types.includes('integer')) {
      const meant = value.trim().replace(/^([-+]?\d+),(\d+)$/, '$1.$2');
      const fits = types.includes('number') || Number.isInteger(Number(meant));
      if (meant !== '' && fits && Number.isFinite(Number(meant))) return `: write ${meant}`;
    }
  }
  if (value === null && types.includes('object')) {
    return ': write its keys on the lines below it, indented further';
  }
  if (typeof value === 'number' && types.includes('string')) {
    return `: write "${typed ?? value}" in quotes`;
  }
  return '';
}

/** The dotted name of a key, on one line whatever is in it. */
export function showPath(path: readonly PropertyKey[]): string {
  return path
    .map(String)
    .map((key) => (/^[\w-]+$/.test(key) ? key : JSON.stringify(key)))
    .join('.');
}

/** A flag as it was typed; a value that could not be seen or would break the line is quoted. */
export function showFlag(flag: string, value: string): string {
  return `${flag} ${value.trim() === '' || /[\n\r]/.test(value) ? JSON.stringify(value) : value}`;
}

/** A value as YAML would show it, cut to a length that leaves the message on one line. */
export function show(value: unknown): string {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    return Number.isNaN(value) ? '.nan' : value > 0 ? '.inf' : '-.inf';
  }
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
