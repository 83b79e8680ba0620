// The door of this folder: files and command line to one complete, checked configuration, or every
// mistake at once.
import { UserError } from '../util/errors.js';
import { readConfig } from './files.js';
import { lookUp, merge, nest, toPlain, type Located } from './located.js';
import { explain, render, type Mistake } from './mistakes.js';
import { readOverlays, type Overrides } from './overrides.js';
import { typedPathsFrom } from './paths.js';
import { isAtHand } from '../catalogue/data-sets.js';
import { writtenInVain } from '../catalogue/fits.js';
import { defaultOf } from '../catalogue/identity.js';
import { configSchema, type Config } from '../catalogue/schema.js';

export interface ConfigRequest {
  /** A path, or a name under configs/ with or without `.yaml`. */
  readonly config: string;
  /** `KEY=VALUE`, in the order typed: the last one wins. */
  readonly assignments: readonly string[];
  /** Flags of their own; they win over `assignments`. */
  readonly overrides: Overrides;
  /** Values by dotted key where the file is silent; left out: the defaults alone. */
  readonly beneath?: Readonly<Record<string, unknown>>;
  /** What relative paths of the result are relative to; left out: the folder one is in. */
  readonly workingFolder?: string;
}

/**
 * 1. Read the file, laid over the files that it extends.
 * 2. Lay the command line over it.
 * 3. Check the whole against the schema and fill in the defaults.
 * @throws UserError with every mistake found, one a line.
 */
export function loadConfig(request: ConfigRequest): Config {
  const mistakes: Mistake[] = [];
  const file = readConfig(request.config, mistakes);
  const overlays = readOverlays(request, mistakes);
  // Without the file every key would seem to be missing.
  if (file === null) throw new UserError(render(mistakes));
  const sweep = ofSweep(request.config, file);
  if (sweep !== undefined) throw new UserError(render([...mistakes, sweep]));

  const { place } = file;
  const beneath = Object.entries(request.beneath ?? {}).map(([key, value]) =>
    nest(key.split('.'), { kind: 'scalar', place, value }),
  );
  const written = [...beneath, file, ...overlays].reduce(merge);
  const checked = checkConfig(written, request.workingFolder ?? process.cwd());
  if ('mistakes' in checked) mistakes.push(...checked.mistakes);
  if ('mistakes' in checked || mistakes.length > 0) throw new UserError(render(mistakes));
  return checked.config;
}

/** Keys that every sweep file has one of, and no experiment. */
const SWEEP_KEYS = ['axes', 'points'];

/** A sweep file in the place of an experiment, of which every key would be a mistake. */
function ofSweep(name: string, file: Located): Mistake | undefined {
  if (file.kind !== 'map') return undefined;
  const [entry] = [...file.entries].filter(([key]) => SWEEP_KEYS.includes(key));
  if (entry === undefined) return undefined;
  const [key, { place }] = entry;
  const text = `${key}: is a key of sweep files, wanted an experiment; fsam sweep --config ${name} runs a sweep`;
  return { place, text };
}

const DIRECTORY = ['data', 'directory'];

/** A folder that the command line names, though none is read; files of runs name one for every set. */
function folderInVain(
  written: Located,
  { data }: Config,
): { readonly path: string[]; readonly message: string }[] {
  const isAsked = lookUp(written, DIRECTORY).place.kind === 'argument';
  if (!isAsked || !isAtHand(data.name) || data.directory === defaultOf('data.directory')) return [];
  const message = `wanted none for ${data.name}, which is read from no folder; data.name says what is`;
  return [{ path: DIRECTORY, message }];
}

/**
 * `written` held against the schema, with its defaults filled in; or what is wrong with it.
 *
 * @param workingFolder what its relative paths are relative to; those typed are relative to the folder one is in.
 */
export function checkConfig(
  written: Located,
  workingFolder: string,
): { readonly config: Config } | { readonly mistakes: readonly Mistake[] } {
  const plain = toPlain(written);
  const checked = configSchema.safeParse(plain);
  if (!checked.success) return { mistakes: explain(checked.error.issues, written) };
  const vain = [...writtenInVain(plain, checked.data), ...folderInVain(written, checked.data)];
  return vain.length === 0
    ? { config: typedPathsFrom(workingFolder, checked.data, written) }
    : {
        mistakes: explain(
          vain.map((issue) => ({ ...issue, code: 'custom', input: plain })),
          written,
        ),
      };
}
