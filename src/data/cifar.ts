// CIFAR-10 and CIFAR-100 from any form they are handed out in: binary or pickled, a folder or a
// .tar.gz.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../util/errors.js';
import { readArchive } from './archive.js';
import { choose, type Candidate } from './candidates.js';
import { decodeCifarFile, fetchHint } from './cifar-decode.js';
import {
  CIFAR_CHANNELS,
  CIFAR_IMAGE_BYTES,
  CIFAR_SIDE,
  recordBytes,
  type CifarFile,
  type CifarForm,
  type CifarFormat,
} from './cifar-format.js';
import type { ImageDataset, ImageShape, ImageSet } from './dataset.js';
import { kindOf, readDataFile } from './files.js';

/** For both sets, as the authors of F-SAM have them: https://github.com/nblt/F-SAM. */
const MEAN = [0.4914, 0.4822, 0.4465];
const STD = [0.2023, 0.1994, 0.201];

interface CifarSource extends Candidate {
  readonly form: CifarForm;
  readonly packed: boolean;
}

/**
 * The set that `directory` names: the folder of its files, the folder above it, its .tar.gz, or the
 * folder of that. One of which a file is missing or cut short is passed over where another is whole.
 *
 * Errors: UserError when there is no such set, a file is missing, cut short or unreadable, or a
 * label is out of range.
 */
export async function loadCifar(
  format: CifarFormat,
  directory: string,
): Promise<ImageDataset<Uint8Array>> {
  const { source, passedOver } = await findSource(format, directory);
  const sets = { train: emptySet(source.form, 'train'), test: emptySet(source.form, 'test') };
  const missing = new Set(source.form.files);
  for await (const { file, path, bytes } of sourceFiles(source)) {
    decodeCifarFile(
      format,
      source.form,
      file,
      path,
      bytes,
      placeOf(source.form, file, sets[file.split]),
    );
    missing.delete(file);
  }
  for (const { name } of missing) {
    throw new UserError(`${source.path}: has no ${name}; ${fetchHint(format)}`);
  }
  return { name: format.name, ...imagesOf(format), ...sets, source: source.path, passedOver };
}

/** The shape of the whole set, known without its files. */
export function cifarShape(format: CifarFormat): ImageShape {
  const count = (split: 'train' | 'test') =>
    format.binary.files
      .filter((file) => file.split === split)
      .reduce((sum, { records }) => sum + records, 0);
  return {
    ...imagesOf(format),
    labelNoise: false,
    streamed: false,
    trainCount: count('train'),
    testCount: count('test'),
    validationCount: 0,
  };
}

const imagesOf = ({ classes }: CifarFormat) => ({
  classes,
  height: CIFAR_SIDE,
  width: CIFAR_SIDE,
  channels: CIFAR_CHANNELS,
  mean: MEAN,
  std: STD,
});

async function findSource(
  format: CifarFormat,
  directory: string,
): Promise<{ source: CifarSource; passedOver: readonly string[] }> {
  const choice = choose(await cifarCandidates(format, directory));
  if (choice !== null) return { source: choice.chosen, passedOver: choice.passedOver };
  const kind = await kindOf(directory);
  const problem =
    kind === 'missing' ? 'there is no such file or folder' : `holds no ${format.title}`;
  const forms = [format.binary, format.pickle];
  const names = forms.flatMap((form) => [form.folder, form.archive]).join(', ');
  const wanted =
    kind === 'file'
      ? `wanted ${format.binary.archive}, ${format.pickle.archive} or a folder`
      : `wanted ${names}, or the folder that holds one of these; ` +
        `run fsam data fetch ${format.name} --data-dir ${directory}`;
  throw new UserError(`data.directory ${directory}: ${problem}; ${wanted}`);
}

/** Where the set, or a part of it, lies; the place that `loadCifar` would rather take comes first. */
export async function cifarCandidates(
  format: CifarFormat,
  directory: string,
): Promise<CifarSource[]> {
  const forms = [format.binary, format.pickle];
  const kind = await kindOf(directory);
  if (kind === 'missing') return [];
  if (kind === 'file') {
    const form = await formOfArchive(format, directory);
    return form === null ? [] : [{ form, path: directory, packed: true, lack: null }];
  }
  const found: CifarSource[] = [];
  for (const form of forms) {
    for (const path of [directory, join(directory, form.folder)]) {
      if (!(await hasAnyFile(form, path))) continue;
      found.push({ form, path, packed: false, lack: await lackOf(format, form, path) });
    }
  }
  for (const form of forms) {
    const path = join(directory, form.archive);
    if ((await kindOf(path)) === 'file') found.push({ form, path, packed: true, lack: null });
  }
  return found;
}

async function hasAnyFile(form: CifarForm, folder: string): Promise<boolean> {
  for (const { name } of form.files) {
    if ((await kindOf(join(folder, name))) === 'file') return true;
  }
  return false;
}

/** What an unpacking that was interrupted leaves: files that are missing or too short. */
async function lackOf(
  format: CifarFormat,
  form: CifarForm,
  folder: string,
): Promise<string | null> {
  for (const { name, records } of form.files) {
    const path = join(folder, name);
    if ((await kindOf(path)) !== 'file') return `has no ${name}`;
    const { size } = await stat(path);
    // A pickle holds names beside the pixels, so that its length is not known.
    const shortest =
      records * (form.encoding === 'binary' ? recordBytes(format) : CIFAR_IMAGE_BYTES);
    if (size < shortest) return `${name} has only ${size} bytes`;
  }
  return null;
}

/**
 * The form whose first file the archive holds; an archive may have been renamed, its members
 * hardly. Null where it holds neither's.
 */
async function formOfArchive(format: CifarFormat, path: string): Promise<CifarForm | null> {
  const owners = new Map<string, CifarForm>();
  for (const form of [format.binary, format.pickle]) {
    for (const { name } of form.files) owners.set(`${form.folder}/${name}`, form);
  }
  for await (const member of readArchive(path, new Set(owners.keys()))) {
    const form = owners.get(member.name);
    if (form !== undefined) return form;
  }
  return null;
}

async function* sourceFiles(source: CifarSource) {
  const { form, path } = source;
  if (!source.packed) {
    for (const file of form.files) {
      const filePath = join(path, file.name);
      yield { file, path: filePath, bytes: await readDataFile(filePath) };
    }
    return;
  }
  const members = new Map(form.files.map((file) => [`${form.folder}/${file.name}`, file]));
  for await (const { name, bytes } of readArchive(path, new Set(members.keys()))) {
    const file = members.get(name);
    if (file !== undefined) yield { file, path: `${path}:${name}`, bytes };
  }
}

function emptySet(form: CifarForm, split: CifarFile['split']): ImageSet<Uint8Array> {
  const records = form.files
    .filter((file) => file.split === split)
    .reduce((sum, file) => sum + file.records, 0);
  return { images: new Uint8Array(records * CIFAR_IMAGE_BYTES), labels: new Int32Array(records) };
}

/** The part of `set` that the images of `file` take. */
function placeOf(
  form: CifarForm,
  file: CifarFile,
  set: ImageSet<Uint8Array>,
): ImageSet<Uint8Array> {
  let first = 0;
  for (const before of form.files) {
    if (before === file) break;
    if (before.split === file.split) first += before.records;
  }
  const end = first + file.records;
  return {
    images: set.images.subarray(first * CIFAR_IMAGE_BYTES, end * CIFAR_IMAGE_BYTES),
    labels: set.labels.subarray(first, end),
  };
}
