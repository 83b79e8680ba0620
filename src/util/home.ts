// `~` at the beginning of a path. The shell expands it where it begins a word, but neither in a file nor
// in --set KEY=~/x.
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * `path` with the user's home folder for its `~`, which is HOME, or without it what the system says of
 * the user; other paths as they are. What was `wanted` instead, where it is another user's (`~name`),
 * or there is no home.
 */
export function expandHome(path: string): { readonly path: string } | { readonly wanted: string } {
  const [first = ''] = path.split('/', 1);
  if (!first.startsWith('~')) return { path };
  if (first !== '~') {
    return {
      wanted: `wanted ~/..., which is your own home, or the whole path (./${first} is a folder of that name)`,
    };
  }
  const home = homeFolder();
  return home === ''
    ? { wanted: 'wanted the whole path: HOME, which ~ stands for, is empty' }
    : { path: join(home, path.slice(1)) };
}

/** The user's home; empty where there is none. */
export function homeFolder(): string {
  try {
    return homedir();
  } catch {
    // A user whom the system does not know, as in containers.
    return '';
  }
}
