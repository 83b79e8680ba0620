// Consecutive pieces of a row of things.

/** Things number `begin` to `begin + size`. */
export interface Range {
  readonly begin: number;
  readonly size: number;
}

/** `range` in so many pieces, or one each where there are fewer things; sizes differ by at most 1. */
export function cutRange({ begin, size }: Range, pieces: number): Range[] {
  const cuts = Math.min(pieces, size);
  const at = (i: number): number => Math.floor((i * size) / cuts);
  return Array.from({ length: cuts }, (_, i) => ({
    begin: begin + at(i),
    size: at(i + 1) - at(i),
  }));
}
