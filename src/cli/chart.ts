// Curves in a terminal, drawn with the dots of braille characters.

/** One curve: values by epoch, from the first on. */
export interface Curve {
  readonly values: readonly number[];
  /** Every nth dot along the curve is drawn: 1 is a solid line. */
  readonly every: number;
}

const [WIDTH, HEIGHT] = [60, 9];
/** A character has two columns and four rows of dots; the bit of each, from the top. */
const BITS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;
const BRAILLE = 0x2800;

/** Lines of text: the curves over one scale, its ends on the left. */
export function drawChart(curves: readonly Curve[], format: (value: number) => string): string[] {
  const all = curves.flatMap(({ values }) => values);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const longest = Math.max(...curves.map(({ values }) => values.length));
  const dots = Array.from({ length: HEIGHT }, () => new Uint8Array(WIDTH));
  const [columns, rows] = [WIDTH * 2, HEIGHT * 4];
  for (const { values, every } of curves) {
    for (let x = 0; x < columns; x += every) {
      const value = valueAt(values, (x / (columns - 1)) * (longest - 1));
      if (value === null) continue;
      const y = Math.round((high === low ? 0.5 : (high - value) / (high - low)) * (rows - 1));
      const line = dots[y >> 2];
      const bit = BITS[x & 1]?.[y & 3] ?? 0;
      if (line !== undefined) line[x >> 1] = (line[x >> 1] ?? 0) | bit;
    }
  }
  const labels = [format(high), ...Array<string>(HEIGHT - 2).fill(''), format(low)];
  const margin = Math.max(...labels.map((label) => label.length));
  return dots.map((line, i) => {
    const text = [...line].map((bits) => String.fromCharCode(BRAILLE + bits)).join('');
    return `${(labels[i] ?? '').padStart(margin)} |${text}`;
  });
}

/** Between two epochs on the straight line; null after the last. */
function valueAt(values: readonly number[], position: number): number | null {
  const before = Math.floor(position);
  const [from, to] = [values[before], values[before + 1]];
  if (from === undefined) return null;
  const part = position - before;
  if (to === undefined) return part > 0 ? null : from;
  return from + (to - from) * part;
}
