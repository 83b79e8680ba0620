// The paths in a configuration. Relative ones are relative to the working folder of the run, which is
// where it began.
import { isAbsolute, relative, resolve } from 'node:path';
import { lookUp, type Located } from './located.js';
import type { Config } from '../catalogue/schema.js';

type PathKey = 'data.directory' | 'labelNoise.file' | 'model.pretrained';

function mapPaths(config: Config, change: (path: string, key: PathKey) => string): Config {
  const { data, labelNoise, model } = config;
  const directory = change(data.directory, 'data.directory');
  const file = labelNoise.file === null ? null : change(labelNoise.file, 'labelNoise.file');
  const pretrained =
    model.pretrained === null ? null : change(model.pretrained, 'model.pretrained');
  return {
    ...config,
    data: { ...data, directory },
    labelNoise: { ...labelNoise, file },
    model: { ...model, pretrained },
  };
}

/** `config`, of a run whose working folder is `folder`, with its paths as this process reads them. */
export function pathsFrom(folder: string, config: Config): Config {
  return folder === process.cwd() ? config : mapPaths(config, (path) => resolve(folder, path));
}

/**
 * `config` as it was `written`, with the paths that were typed here made relative to `folder`, as those
 * of files are.
 */
export function typedPathsFrom(folder: string, config: Config, written: Located): Config {
  if (folder === process.cwd()) return config;
  return mapPaths(config, (path, key) => {
    const isTyped = lookUp(written, key.split('.')).place.kind === 'argument';
    return isTyped && !isAbsolute(path) ? relative(folder, resolve(path)) || '.' : path;
  });
}

/** The paths of `config` that mean another place in another folder, by key. */
export function relativePaths(config: Config): ReadonlyMap<PathKey, string> {
  const found = new Map<PathKey, string>();
  mapPaths(config, (path, key) => {
    if (!isAbsolute(path)) found.set(key, path);
    return path;
  });
  return found;
}
