// Options as they are typed.

/** `dataDir` -> `--data-dir` */
export const flagOf = (key: string): string =>
  `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
