// Types of csv-writer, as far as it is used: the package names its TypeScript source, which strict
// settings refuse.
export interface ObjectCsvStringifier {
  getHeaderString(): string | null;
  stringifyRecords(records: readonly Readonly<Record<string, string>>[]): string;
}

export function createObjectCsvStringifier(params: {
  header: readonly { id: string; title: string }[];
}): ObjectCsvStringifier;

interface ArrayCsvStringifier {
  getHeaderString(): string | null;
  stringifyRecords(records: readonly (readonly string[])[]): string;
}

export function createArrayCsvStringifier(params: {
  header: readonly string[];
}): ArrayCsvStringifier;
