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
      return node.properties === undefined
        ? 'a map'
        : `a map with keys such as ${Object.keys(node.properties).slice(0, 3).join(', ')}`;
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
    const meant = numberMeant(value.trim(), types.includes('number'));
    if (meant !== null && (node.anyOf ?? [node]).some((choice) => allowsNumber(choice, meant))) {
      return `: write ${meant}`;
    }
  }
  if (value === null && types.includes('object')) {
    return ': write its keys on the lines below it, indented further';
  }
  if (typeof value === 'number') {
    const text = typed ?? String(value);
    if ((node.anyOf ?? [node]).some((choice) => allowsText(choice, text))) {
      return `: write "${text}" in quotes`;
    }
  }
  return '';
}

/** The number that `text` stands for, as it is to be written; null where it is none, or might be two. */
function numberMeant(text: string, fractions: boolean): string | null {
  const isGrouped = /^[-+]?[1-9]\d{0,2}(,\d{3})+$/.test(text);
  if (isGrouped && fractions) return null;
  const meant = isGrouped ? text.replaceAll(',', '') : text.replace(/^([-+]?\d+),(\d+)$/, '$1.$2');
  return meant !== '' && Number.isFinite(Number(meant)) ? meant : null;
}

function allowsNumber(node: SchemaNode, text: string): boolean {
  const value = Number(text);
  return (
    (node.type === 'number' || (node.type === 'integer' && Number.isInteger(value))) &&
    value >= (node.minimum ?? -Infinity) &&
    value <= (node.maximum ?? Infinity) &&
    value > (node.exclusiveMinimum ?? -Infinity) &&
    value < (node.exclusiveMaximum ?? Infinity)
  );
}

const allowsText = ({ type, enum: choices, pattern }: SchemaNode, text: string): boolean =>
  type === 'string' && (choices?.includes(text) ?? new RegExp(pattern ?? '').test(text));

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
