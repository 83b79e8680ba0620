// The folder of what can be made again: the set-up keeps TensorFlow there, the data sets their indexes.
import { join, resolve } from 'node:path';
import { UserError } from './errors.js';
import { homeFolder } from './home.js';

/**
 * FSAM_CACHE, or fsam/ under XDG_CACHE_HOME or ~/.cache: as `cacheFolder` of scripts/setup has it.
 * Errors: UserError where there is neither of them, nor a home.
 */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const { FSAM_CACHE: own = '', XDG_CACHE_HOME: caches = '' } = environment;
  if (own !== '') return resolve(own);
  if (caches !== '') return join(resolve(caches), 'fsam');
  const home = homeFolder();
  if (home !== '') return join(home, '.cache', 'fsam');
  throw new UserError(
    'HOME is empty, and the indexes of data sets are kept below it: set HOME, or FSAM_CACHE to a folder for them',
  );
}
