// From what stands in the data to labels that count from 0.
//
// Names of classes (folders, synsets) count before numbers, which differ between writers; they are
// numbered in the order of the class list, or sorted.
import { UserError } from '../../util/errors.js';
import type { ClassList } from './class-list.js';
import { NO_LABEL, type ScannedPart } from './scan.js';

export interface Labelling {
  readonly classes: number;
  /** By label; null where the data only has numbers. */
  readonly names: readonly string[] | null;
  /** How the labels came about, a line each, where it is not plain. */
  readonly notes: readonly string[];
  /** Labels of the records of a part. Errors: UserError that names the first one out of range. */
  readonly labelsOf: (part: ScannedPart) => Int32Array;
}

/** Errors: UserError where a record has neither name nor number, as others have. */
export function labelling(
  train: readonly ScannedPart[],
  test: readonly ScannedPart[],
  list: ClassList | null,
): Labelling {
  const notes = list === null ? [] : [`labels: the classes of ${list.path}, in its order`];
  const names = everyRecordIsNamed(train) ? (list?.names ?? sortedNames(train)) : null;
  const numbers = numbersOf(train);
  const base = names === null ? firstNumber(numbers, list) : baseBeside(train, names);
  if (base === 1) {
    const told = names === null ? 'taken as counting from 0' : 'their names counted from 0 instead';
    notes.push(`labels: the numbers in ${train[0]?.part.path ?? 'the data'} count from 1; ${told}`);
  }
  const classes = names?.length ?? list?.names.length ?? highest(numbers) - base + 1;
  const source = list === null ? 'those of train' : list.path;
  const ranks = new Map((names ?? list?.names ?? []).map((name, i) => [name, i]));
  const labelsOf = (part: ScannedPart): Int32Array =>
    part.columns.label.map((number, i) => {
      const name = part.classNames[part.classes[i] ?? -1];
      const rank = name === undefined ? undefined : ranks.get(name);
      if (rank !== undefined) return rank;
      if (names !== null && name !== undefined) {
        throw recordError(part, i, `has the class ${name}, which is none of ${source}`);
      }
      if (number === NO_LABEL) throw recordError(part, i, 'has no label, as other records have');
      const label = number - base;
      if (label >= 0 && label < classes) return label;
      const range = `${base} to ${classes - 1 + base}`;
      throw recordError(part, i, `has label ${number}, out of range; wanted ${range} (${source})`);
    });
  for (const part of [...train, ...test]) labelsOf(part);
  return { classes, names: names ?? list?.names ?? null, notes, labelsOf };
}

function recordError(part: ScannedPart, i: number, problem: string): UserError {
  const name = part.names[i] ?? `record ${i}`;
  return new UserError(`${part.part.path}: ${name} ${problem}`);
}

const everyRecordIsNamed = (parts: readonly ScannedPart[]): boolean =>
  parts.every(({ classes }) => classes.every((place) => place >= 0));

const sortedNames = (parts: readonly ScannedPart[]): string[] =>
  [...new Set(parts.flatMap(({ classNames }) => classNames))].sort();

const numbersOf = (parts: readonly ScannedPart[]): Set<number> => {
  const numbers = new Set<number>();
  for (const { columns } of parts) for (const label of columns.label) numbers.add(label);
  numbers.delete(NO_LABEL);
  return numbers;
};

const highest = (numbers: ReadonlySet<number>): number =>
  [...numbers].reduce((most, number) => Math.max(most, number), -1);

/**
 * What numbers begin with: 1 where none is 0 and all from 1 to the last class occur. A set that only
 * lacks its first class, and is listed, begins with 0.
 */
function firstNumber(numbers: ReadonlySet<number>, list: ClassList | null): 0 | 1 {
  const most = highest(numbers);
  if (numbers.has(0) || most < 1) return 0;
  if (list !== null) return most === list.names.length ? 1 : 0;
  for (let number = 1; number <= most; number++) if (!numbers.has(number)) return 0;
  return 1;
}

/** 1 where every number beside a name is the name's place, counted from 1. */
function baseBeside(parts: readonly ScannedPart[], names: readonly string[]): 0 | 1 {
  const ranks = new Map(names.map((name, i) => [name, i]));
  let seen = false;
  for (const { columns, classes, classNames } of parts) {
    for (const [i, place] of classes.entries()) {
      const number = columns.label[i] ?? NO_LABEL;
      if (number === NO_LABEL) continue;
      if (number !== (ranks.get(classNames[place] ?? '') ?? -1) + 1) return 0;
      seen = true;
    }
  }
  return seen ? 1 : 0;
}
