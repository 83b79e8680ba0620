// Sets of numbered shards: whether all are there.
import { UserError } from '../../util/errors.js';

interface Numbered {
  readonly name: string;
  /** What the names of a set share. */
  readonly set: string;
  readonly number: number;
  /** How many there are to be; null where the names do not tell. */
  readonly total: number | null;
  /** The name of another shard of the set. */
  readonly nameOf: (number: number) => string;
}

/**
 * Errors: UserError where there are sets of several sizes.
 *
 * @param names of the shards of one split in `folder`
 * @param onFault told of missing shards, the first by its name, and of the folder
 */
export function findGaps(
  folder: string,
  names: readonly string[],
  onFault: (fault: UserError, file: string) => void,
): void {
  const sets = new Map<string, Numbered[]>();
  for (const shard of names.flatMap((name) => parse(name) ?? [])) {
    sets.set(shard.set, [...(sets.get(shard.set) ?? []), shard]);
  }
  for (const shards of sets.values()) {
    const totals = new Set(shards.map(({ total }) => total));
    const [first] = shards;
    if (first === undefined) continue;
    if (totals.size > 1) {
      const sizes = [...totals].map((total) => total ?? 'unknown').join(' and ');
      throw new UserError(
        `${folder}: holds shards like ${first.name} of sets of ${sizes}; wanted those of one`,
      );
    }
    const present = new Set(shards.map(({ number }) => number));
    const { total } = first;
    const [begin, end] =
      total === null ? [Math.min(1, ...present), Math.max(...present)] : [0, total - 1];
    const missing: number[] = [];
    for (let number = begin; number <= end; number++) {
      if (!present.has(number)) missing.push(number);
    }
    const [gap] = missing;
    if (gap === undefined) continue;
    const others = missing.length > 1 ? ` and ${missing.length - 1} more are` : ' is';
    onFault(
      new UserError(
        `${folder}: shard ${first.nameOf(gap)}${others} missing (${present.size} of ${end - begin + 1} are there); get the whole set`,
      ),
      folder,
    );
  }
}

/** Null for a name without a number. */
function parse(name: string): Numbered | null {
  const of = /^(.*?)(\d+)-of-(\d+)(.*)$/.exec(name);
  if (of !== null) {
    const [, before = '', digits = '', total = '', behind = ''] = of;
    return {
      name,
      set: `${before}*${behind}`,
      number: Number(digits),
      total: Number(total),
      nameOf: (number) =>
        `${before}${String(number).padStart(digits.length, '0')}-of-${total}${behind}`,
    };
  }
  // A number at the end, but for ILSVRC2012_img_train.tar and n01440764.tar.
  const last = /^(.*[-_.])(\d+)(\.(?:tar|tfrecords?))$/.exec(name);
  if (last === null) return null;
  const [, before = '', digits = '', behind = ''] = last;
  return {
    name,
    set: `${before}*${behind}`,
    number: Number(digits),
    total: null,
    nameOf: (number) => `${before}${String(number).padStart(digits.length, '0')}${behind}`,
  };
}
