// The addons of our own, which the set-up compiles into build/.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { UserError } from '../util/errors.js';

const file = (name: string): string =>
  fileURLToPath(new URL(`../../build/${name}.node`, import.meta.url));

/** Null where it was not built. */
export function findAddon(name: string): unknown {
  return existsSync(file(name)) ? createRequire(import.meta.url)(file(name)) : null;
}

/** @throws UserError where it was not built */
export function loadAddon(name: string): unknown {
  const addon = findAddon(name);
  if (addon !== null) return addon;
  throw new UserError(
    `${file(name)}: there is no such file; run bin/fsam, which builds it, or node scripts/setup.mjs`,
  );
}
