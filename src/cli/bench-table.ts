// The table that `fsam bench` prints.
import type { TimedRow } from './bench-sides.js';
import { hasFailed } from './bench-turns.js';
import { alignedColumns, threeDigits } from './columns.js';

/** The rows that speeds are compared with, as far as they were timed. */
const REFERENCES = ['fsam stock', 'fsam eager', 'pytorch channels_last'] as const;

/**
 * Aligned columns; a ratio above 1 means faster than the reference. A side that failed has its
 * reason in place of figures.
 *
 * @param examples what a second takes in: `images`
 */
export function benchTable(rows: readonly TimedRow[], examples: string): string {
  const median = (name: string) => {
    const outcome = rows.find((row) => row.name === name)?.outcome;
    return outcome !== undefined && !hasFailed(outcome) ? outcome.timing.median : undefined;
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
    `${examples}/s`,
    'peak MB',
    ...references.map(({ name }) => `vs ${name.replace(/^.* /, '')}`),
  ];
  const cells = rows.map(({ name, outcome }) => {
    if (hasFailed(outcome)) return [name, outcome.failure];
    const { median: own, min, p90, imagesPerSecond, peakMemory } = outcome.timing;
    const ratios = references.map(({ milliseconds }) => `${(milliseconds / own).toFixed(2)}x`);
    const figures = [own, min, p90, imagesPerSecond].map(threeDigits);
    return [name, ...figures, peakMemory.toFixed(0), ...ratios];
  });
  return alignedColumns([header, ...cells]);
}
