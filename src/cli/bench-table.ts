// The table that `fsam bench` prints.
import type { Outcome } from './bench-sides.js';

export interface Row {
  readonly name: string;
  readonly outcome: Outcome;
}

/** The rows that speeds are compared with, as far as they were timed. */
const REFERENCES = ['fsam stock', 'fsam eager', 'pytorch channels_last'] as const;

/**
 * Aligned columns; a ratio above 1 means faster than the reference. A side that failed has its
 * reason in place of figures.
 */
export function benchTable(rows: readonly Row[]): string {
  const median = (name: string) => {
    const outcome = rows.find((row) => row.name === name)?.outcome;
    return outcome !== undefined && 'timing' in outcome ? outcome.timing.median : undefined;
  };
  const references = REFERENCES.flatMap((name) => {
    const milliseconds = median(name);
    return milliseconds === undefined ? [] : [{ name, milliseconds }];
  });
  const header = [
    'side',
    'ms/step',
    'min',
    'p90',
    'images/s',
    'peak MB',
    ...references.map(({ name }) => `vs ${name.replace(/^.* /, '')}`),
  ];
  const cells = rows.map(({ name, outcome }) => {
    if ('failure' in outcome) return [name, outcome.failure];
    const { median: own, min, p90, imagesPerSecond, peakMemory } = outcome.timing;
    const ratios = references.map(({ milliseconds }) => `${(milliseconds / own).toFixed(2)}x`);
    const figures = [own, min, p90, imagesPerSecond].map(threeDigits);
    return [name, ...figures, peakMemory.toFixed(0), ...ratios];
  });
  const figureRows = [header, ...cells].filter((row) => row.length === header.length);
  const widths = header.map((_, i) => Math.max(...figureRows.map((row) => row[i]?.length ?? 0)));
  widths[0] = Math.max(...rows.map(({ name }) => name.length));
  return [header, ...cells]
    .map(([name = '', ...figures]) => {
      const failed = figures.length + 1 < header.length;
      const aligned = figures.map((cell, i) => (failed ? cell : cell.padStart(widths[i + 1] ?? 0)));
      return [name.padEnd(widths[0] ?? 0), ...aligned].join('  ').trimEnd();
    })
    .join('\n');
}

/** 1234, 123, 12.3, 1.23: as much as a timing is worth. */
function threeDigits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
