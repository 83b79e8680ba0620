// Values of nested records by dotted names.

/** The value of a dotted key; undefined where there is none. */
export function valueAt(config: unknown, key: string): unknown {
  return key
    .split('.')
    .reduce<unknown>((value, step) => (isRecord(value) ? value[step] : undefined), config);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
