// The values of a range: `{ from: 0.1, to: 0.3, count: 3 }`.

export interface Range {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  readonly scale: 'linear' | 'log';
}

const [FEWEST_DIGITS, MOST_DIGITS] = [6, 17];

/**
 * `count` numbers evenly apart, or with even ratios: both ends exactly as written, those between with
 * six digits, or more where six would not tell them apart. Whole numbers where the key takes no
 * others. Null where two of them would be one.
 */
export function valuesOf(range: Range, wholeNumbers: boolean): number[] | null {
  for (let digits = FEWEST_DIGITS; digits <= MOST_DIGITS; digits++) {
    const values = rounded(range, (value) =>
      wholeNumbers ? Math.round(value) : Number(value.toPrecision(digits)),
    );
    if (rises(values)) return values;
  }
  return null;
}

function rounded({ from, to, count, scale }: Range, round: (value: number) => number): number[] {
  return Array.from({ length: count }, (_, i) => {
    if (i === 0) return from;
    if (i === count - 1) return to;
    const part = i / (count - 1);
    return round(scale === 'log' ? from * (to / from) ** part : from + (to - from) * part);
  });
}

/** Whether each is further along the way from the first to the last. */
function rises(values: readonly number[]): boolean {
  const way = Math.sign((values.at(-1) ?? 0) - (values[0] ?? 0));
  return values.every((value, i) => i === 0 || (value - (values[i - 1] ?? 0)) * way > 0);
}
