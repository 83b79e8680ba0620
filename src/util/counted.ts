// Numbers of things, as one says them.

/** `1 run`, `2 runs`. */
export const counted = (number: number, noun: string): string =>
  `${number} ${noun}${number === 1 ? '' : 's'}`;
