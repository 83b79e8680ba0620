// Tables of figures as the benchmark prints them.

/**
 * Aligned columns: the first one's words to the left, figures to the right. A row that is shorter than the
 * first, the header, has a reason in place of figures, which no column makes room for.
 */
export function alignedColumns(rows: readonly (readonly string[])[]): string {
  const columns = rows[0]?.length ?? 0;
  const full = rows.filter((row) => row.length === columns);
  const widths = Array.from({ length: columns }, (_, i) =>
    Math.max(...(i === 0 ? rows : full).map((row) => row[i]?.length ?? 0)),
  );
  return rows
    .map(([name = '', ...figures]) => {
      const failed = figures.length + 1 < columns;
      const aligned = figures.map((cell, i) => (failed ? cell : cell.padStart(widths[i + 1] ?? 0)));
      return [name.padEnd(widths[0] ?? 0), ...aligned].join('  ').trimEnd();
    })
    .join('\n');
}

/** 1234, 123, 12.3, 1.23: as much as a timing is worth. */
export function threeDigits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
