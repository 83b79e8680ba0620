// Types of csv-writer, as far as it is used: the package names its TypeScript source, which strict
// settings refuse.
interface ArrayCsvStringifier {
  getHeaderString(): string | null;
  stringifyRecords(records: readonly (readonly string[])[]): string;
}

export function createArrayCsvStringifier(params: {
  header: readonly string[];
}): ArrayCsvStringifier;
