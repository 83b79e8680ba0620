// Options that take a count.
import { InvalidArgumentError } from 'commander';

/** A parser, for commander, of whole numbers from 1 with at most `digits` digits. */
export function wholeNumber(digits: number): (text: string) => number {
  return (text) => {
    if (/^[1-9]\d*$/.test(text) && text.length <= digits) return Number(text);
    throw new InvalidArgumentError('wanted a whole number of at least 1');
  };
}
