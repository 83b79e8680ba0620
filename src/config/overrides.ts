// What the command line lays over the file: `--set KEY=VALUE`, and the flags for the keys one
// changes most.
import { nest, type Located, type Place } from './located.js';
import type { Mistake } from './mistakes.js';
import { showFlag } from './wording.js';
import { parseYaml } from './yaml.js';

/** Flags as typed; undefined or left out where not given. */
export interface Overrides {
  readonly seed?: string | undefined;
  readonly dataDirectory?: string | undefined;
  readonly epochs?: string | undefined;
  readonly maxSteps?: string | undefined;
  /** `TRAIN,TEST`, or `TRAIN` alone, which leaves the test set as it was. */
  readonly subset?: string | undefined;
  readonly device?: string | undefined;
}

/** Everything that the command line lays over a file, in the order in which it counts. */
export function readOverlays(
  {
    assignments,
    overrides,
  }: { readonly assignments: readonly string[]; readonly overrides: Overrides },
  mistakes: Mistake[],
): Located[] {
  return [...readAssignments(assignments, mistakes), ...readOverrides(overrides, mistakes)];
}

/**
 * One overlay for each `KEY=VALUE`, in order. VALUE is YAML, so that numbers, null and `{train: 5}`
 * can be given.
 */
export function readAssignments(
  assignments: readonly string[],
  mistakes: Mistake[],
  flag = '--set',
): Located[] {
  return assignments.flatMap((assignment) => {
    const equals = assignment.indexOf('=');
    const key = (equals === -1 ? assignment : assignment.slice(0, equals)).trim();
    const value = equals === -1 ? '' : assignment.slice(equals + 1);
    const path = key.split('.');
    const place: Place = { kind: 'argument', text: showFlag(flag, assignment), path };
    const refuse = (text: string): [] => {
      mistakes.push({ place, text });
      return [];
    };
    if (path.includes('')) return refuse('no such key, wanted KEY=VALUE such as optimizer.rho=0.1');
    if (value.trim() === '') return refuse(`no value, wanted ${key}=VALUE`);
    if (path[0] === 'extends') return refuse(`wanted in a file: extends is not a key of ${flag}`);
    return overlay(path, value, place, mistakes);
  });
}

/** One overlay for each flag that was given; they go on top of what `--set` says. */
function readOverrides(overrides: Overrides, mistakes: Mistake[]): Located[] {
  const number = (flag: string, key: string, text: string | undefined): Located[] => {
    if (text === undefined) return [];
    const place: Place = { kind: 'argument', text: showFlag(flag, text), path: [key] };
    return overlay([key], text, place, mistakes);
  };
  const words = (flag: string, path: string[], text: string | undefined): Located[] => {
    if (text === undefined) return [];
    const place: Place = { kind: 'argument', text: showFlag(flag, text), path };
    return [nest(path, { kind: 'scalar', place, value: text })];
  };
  return [
    ...number('--seed', 'seed', overrides.seed),
    ...words('--data-dir', ['data', 'directory'], overrides.dataDirectory),
    ...number('--epochs', 'epochs', overrides.epochs),
    ...number('--max-steps', 'maxSteps', overrides.maxSteps),
    ...subset(overrides.subset, mistakes),
    ...words('--device', ['device'], overrides.device),
  ];
}

function subset(text: string | undefined, mistakes: Mistake[]): Located[] {
  if (text === undefined) return [];
  const place: Place = {
    kind: 'argument',
    text: showFlag('--subset', text),
    path: ['data', 'subset'],
  };
  const [train, test, ...others] = text.split(',');
  if (others.length > 0 || !train?.trim() || test?.trim() === '') {
    mistakes.push({ place, text: 'wanted TRAIN or TRAIN,TEST, such as 5000,1000' });
    return [];
  }
  return [
    ...overlay(['data', 'subset', 'train'], train, place, mistakes),
    ...(test === undefined ? [] : overlay(['data', 'subset', 'test'], test, place, mistakes)),
  ];
}

function overlay(path: string[], text: string, place: Place, mistakes: Mistake[]): Located[] {
  const value = parseYaml(text, () => place, mistakes);
  return value === null ? [] : [nest(path, value)];
}
