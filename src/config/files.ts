// Finds a configuration file and reads it together with the files that it extends.
import { readFileSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expandHome } from '../util/home.js';
import { merge, type Located, type Place } from './located.js';
import { nearest, type Mistake } from './mistakes.js';
import { parseYaml } from './yaml.js';
import { show, showFlag } from './wording.js';

/** The folder of the experiments that come with the project. */
export const CONFIGS_FOLDER = fileURLToPath(new URL('../../configs', import.meta.url));

/** No experiment is this long: a data set or a checkpoint was named by mistake. */
const LARGEST_BYTES = 1_000_000;

/**
 * Reads `name`, a path or a name under configs/ (or `library`, a folder in it) with or without
 * `.yaml`, and lays it over what it extends.
 * @returns null where a file could not be found or read; `mistakes` then holds the reason.
 */
export function readConfig(name: string, mistakes: Mistake[], library = ''): Located | null {
  const place: Place = { kind: 'argument', text: showFlag('--config', name), path: [] };
  return readNamed(name, [process.cwd(), join(CONFIGS_FOLDER, library)], place, mistakes);
}

/** Reads the file that `name`, written at `place` of another file, stands for: as `readConfig`. */
export function readReferred(name: string, place: Place, mistakes: Mistake[]): Located | null {
  const beside = place.kind === 'file' ? folderOf(resolve(place.file)) : process.cwd();
  return readNamed(name, [beside, CONFIGS_FOLDER], place, mistakes);
}

/** `folders`: where the file is looked for, the last of them the library that names are taken from. */
function readNamed(
  name: string,
  folders: readonly [string, string],
  place: Place,
  mistakes: Mistake[],
): Located | null {
  const [beside, library] = folders;
  const got = place.kind === 'file' ? `${show(name)}: ` : '';
  const own = expandHome(name);
  if ('wanted' in own) {
    mistakes.push({ place, text: `${got}${own.wanted}` });
    return null;
  }
  const candidates = [
    resolve(beside, own.path),
    join(library, own.path),
    join(library, `${own.path}.yaml`),
  ];
  const path = own.path === '' ? undefined : candidates.find(isFile);
  if (path !== undefined) return readChain(path, [], mistakes);
  const known = readdirSync(library)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length));
  const bare = name.replace(/^.*\//, '').replace(/\.ya?ml$/, '');
  const suggestion = nearest(bare, known);
  const shelf = `${relative(dirname(CONFIGS_FOLDER), library)}/`;
  const wayOut =
    suggestion === undefined
      ? `(${shelf} has ${known.join(', ')})`
      : `(did you mean ${suggestion}?)`;
  mistakes.push({
    place,
    text: `${got}no such file, wanted a YAML file or a name under ${shelf} ${wayOut}`,
  });
  return null;
}

/** `chain`: the files that led here, each extending the next. */
function readChain(path: string, chain: readonly string[], mistakes: Mistake[]): Located | null {
  const file = displayed(path);
  const root = readOne(path, file, mistakes);
  if (root === null) return null;
  if (root.kind !== 'map') {
    const got =
      root.kind === 'list' ? 'a list' : root.value === null ? 'nothing' : show(root.value);
    const text = `got ${got}, wanted keys such as name, data, model and optimizer`;
    mistakes.push({ place: root.place, text });
    return null;
  }
  const parent = root.entries.get('extends');
  if (parent === undefined) return root;

  const refuse = (text: string): null => {
    mistakes.push({ place: parent.place, text: `extends: ${text}` });
    return null;
  };
  if (parent.kind !== 'scalar' || typeof parent.value !== 'string' || parent.value === '') {
    return refuse('wanted the name of one file, relative to this one');
  }
  const parentName = expandHome(parent.value);
  if ('wanted' in parentName) return refuse(parentName.wanted);
  const parentPath = resolve(folderOf(path), parentName.path);
  if (!isFile(parentPath)) return refuse(`no file ${displayed(parentPath)}`);
  const files = [...chain, realPath(path)];
  const start = files.indexOf(realPath(parentPath));
  if (start !== -1) {
    const circle = [...files.slice(start), realPath(parentPath)].map(displayed);
    return refuse(`the files extend each other in a circle: ${circle.join(' -> ')}`);
  }
  const base = readChain(parentPath, files, mistakes);
  const own = new Map([...root.entries].filter(([key]) => key !== 'extends'));
  return base === null ? null : merge(base, { ...root, entries: own });
}

function readOne(path: string, file: string, mistakes: Mistake[]): Located | null {
  const refuse = (text: string): null => {
    mistakes.push({ place: { kind: 'file', file, line: null }, text });
    return null;
  };
  if (statSync(path).size > LARGEST_BYTES) return refuse('too long for a configuration');
  let text: string;
  try {
    const bytes = readFileSync(path);
    if (bytes.length > LARGEST_BYTES) return refuse('too long for a configuration');
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    const reason = error instanceof TypeError ? 'not text in UTF-8' : (error as Error).message;
    return refuse(`cannot be read: ${reason}`);
  }
  return parseYaml(text, (line) => ({ kind: 'file', file, line }), mistakes);
}

/** What a file's relative names are relative to; a pipe lies nowhere. */
function folderOf(path: string): string {
  return isPipe(path) ? process.cwd() : dirname(path);
}

const realPath = (path: string): string => (isPipe(path) ? path : realpathSync(path));

function isPipe(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFIFO() === true;
}

function isFile(path: string): boolean {
  try {
    const found = statSync(path);
    // A pipe, such as the shell's <(...), is read once and to its end.
    return found.isFile() || found.isFIFO();
  } catch {
    return false;
  }
}

/** Relative to the working folder, where the file lies in it. */
function displayed(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith(`..${sep}`) || isAbsolute(short) ? path : short;
}
