// Numbers of things, and lists of names, as one says them.

/** `1 run`, `2 runs`. */
export const counted = (number: number, noun: string): string =>
  `${number} ${noun}${number === 1 ? '' : 's'}`;

/** Names told of a longer list. */
const TOLD = 4;

/** `a, b, c, d, and 2 more` */
export function firstOf(names: readonly string[]): string {
  const more = names.length > TOLD ? `, and ${names.length - TOLD} more` : '';
  return `${names.slice(0, TOLD).join(', ')}${more}`;
}
