// CSV without quotes, such as metrics.csv.

/** The fields of each line, the header's first. */
export const rowsOf = (csv: string): string[][] =>
  csv
    .trim()
    .split('\n')
    .map((line) => line.split(','));

/** The fields below one name of the header. */
export function columnOf(csv: string, column: string): string[] {
  const [header = [], ...rows] = rowsOf(csv);
  return rows.map((row) => row[header.indexOf(column)] ?? '(none)');
}
