// The two streams: results go to stdout, everything else to stderr.

/** One line of a result. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** One line about how things go. */
export function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}
