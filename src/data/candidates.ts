// The places where a set may lie, and which of them is taken: the first that is whole.

/** A place that was looked at; its files are not read for that. */
export interface Candidate {
  readonly path: string;
  /** What keeps it from being whole, such as a file that an interrupted unpacking cut short. */
  readonly lack: string | null;
}

export interface Choice<T extends Candidate> {
  /** Where none is whole, the first: reading it says in full what is wrong. */
  readonly chosen: T;
  /** One line each of what lies before it and is not whole. */
  readonly passedOver: readonly string[];
}

/** Null where there is no candidate. */
export function choose<T extends Candidate>(candidates: readonly T[]): Choice<T> | null {
  const whole = candidates.findIndex(({ lack }) => lack === null);
  const chosen = candidates[Math.max(whole, 0)];
  if (chosen === undefined) return null;
  const before = candidates.slice(0, Math.max(whole, 0));
  return { chosen, passedOver: before.map(({ path, lack }) => `${path}: ${lack ?? ''}`) };
}
