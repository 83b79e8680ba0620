/** Which of the processes that train together this is, and where all are. */
export interface WorkersPlace {
  /** From 0. */
  readonly index: number;
  /** `host:port` of each, in their order. */
  readonly addresses: readonly string[];
  /** After which one that waits for another gives up. */
  readonly timeoutSeconds: number;
}
