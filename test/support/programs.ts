// Programs that stand in for real ones.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Writes a program: a script of the shell, or of the interpreter `by`. */
export function writeProgram(path: string, script: string, by = '/bin/sh'): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!${by}\n${script}\n`);
  chmodSync(path, 0o755);
}
