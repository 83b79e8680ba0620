// Configurations by the files that come with the project.
import { readdirSync } from 'node:fs';
import { loadConfig } from '../../src/config/load.js';
import type { Config } from '../../src/catalogue/schema.js';

/** What `--config CONFIG --set ASSIGNMENT ...` gives. */
export function configFrom(config: string, ...assignments: string[]): Config {
  return loadConfig({ config, assignments, overrides: {} });
}

/** The names of the configurations in a folder. */
export const yamlIn = (folder: string): string[] =>
  readdirSync(folder).filter((file) => file.endsWith('.yaml'));
