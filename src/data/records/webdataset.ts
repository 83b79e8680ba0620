// WebDataset archives: the members of one sample stand behind one another and share their name up to its
// first dot: KEY.jpg, KEY.cls. https://github.com/webdataset/webdataset
import { UserError } from '../../util/errors.js';
import type { FileBytes } from './file-bytes.js';
import { pictureFacts } from './picture-facts.js';
import { keyOf, type Part, type ScannedRecord } from './record.js';
import { tarMembers, type TarMember } from './tar.js';

const PICTURES = new Set(['jpg', 'jpeg', 'png']);
/** The first that is there counts. */
const LABELS = ['cls', 'json', 'txt'] as const;
/** In a JSON label. */
const NUMBER_KEYS = ['label', 'cls', 'class', 'target'];
const NAME_KEYS = ['synset', 'wnid', 'class_name'];
const LARGEST_LABEL = 2 ** 20;

interface Sample {
  readonly key: string;
  readonly members: Map<string, TarMember>;
}

type Label = Pick<ScannedRecord, 'label' | 'className'>;

/** Errors: UserError, after the records before it; as `tarMembers`, and for a sample without picture or label. */
export function* scanWebdataset(bytes: FileBytes): Generator<ScannedRecord, void> {
  let sample = null as Sample | null;
  for (const member of tarMembers(bytes)) {
    if (member.type === 'folder') continue;
    const { key, extension } = nameParts(member.name);
    if (sample?.key !== key) {
      if (sample !== null) yield* recordsOf(bytes, sample);
      sample = { key, members: new Map() };
    }
    if (sample.members.has(extension)) {
      throw new UserError(
        `${bytes.path}: member ${member.name} is there twice; wanted one of each kind with a key`,
      );
    }
    sample.members.set(extension, member);
  }
  if (sample !== null) yield* recordsOf(bytes, sample);
}

/** `a.b/c.d.jpg` is key `a.b/c`, extension `d.jpg`. */
function nameParts(name: string): { key: string; extension: string } {
  const base = name.lastIndexOf('/') + 1;
  const dot = name.indexOf('.', base);
  if (dot === -1) return { key: name, extension: '' };
  return { key: name.slice(0, dot), extension: name.slice(dot + 1).toLowerCase() };
}

function* recordsOf(bytes: FileBytes, { key, members }: Sample): Generator<ScannedRecord, void> {
  // Hidden files that macOS's tar packs along, and notes on the whole archive.
  if (/(^|\/)[._]/.test(key) || key === '') return;
  const [picture, another] = [...members].filter(([extension]) => PICTURES.has(extension));
  if (picture === undefined || another !== undefined) {
    throw new UserError(
      `${bytes.path}: sample ${key} has ${picture === undefined ? 'no picture' : 'several pictures'} among ` +
        `${[...members.values()].map(({ name }) => name).join(', ')}; wanted one of .jpg, .jpeg or .png`,
    );
  }
  const label = labelOf(bytes, key, members);
  yield { ...tarRecord(bytes, picture[1]), ...label, key: keyOf(picture[1].name) };
}

function tarRecord(
  bytes: FileBytes,
  { name, type, start, size }: TarMember,
): Omit<ScannedRecord, 'label' | 'className'> {
  if (type !== 'file') {
    throw new UserError(`${bytes.path}: member ${name} is no file of its own; wanted the picture`);
  }
  return {
    offset: start,
    length: size,
    lead: 0,
    span: size,
    stamp: 0,
    key: keyOf(name),
    name: `member ${name}`,
    picture: pictureFacts(bytes, start, size),
  };
}

function labelOf(bytes: FileBytes, key: string, members: Sample['members']): Label {
  for (const kind of LABELS) {
    const member = members.get(kind);
    if (member?.type !== 'file' || member.size > LARGEST_LABEL) continue;
    const text = bytes.at(member.start, member.size).toString('utf8').trim();
    const label = kind === 'json' ? labelInJson(text) : plainLabel(text);
    if (label !== null) return label;
    throw new UserError(
      `${bytes.path}: member ${member.name} holds ${JSON.stringify(text.slice(0, 40))}; ` +
        (kind === 'json'
          ? `wanted an object with the label at one of ${NUMBER_KEYS.join(', ')}`
          : 'wanted the label: a number, or the name of a class'),
    );
  }
  throw new UserError(
    `${bytes.path}: sample ${key} has no label; wanted ${LABELS.map((kind) => `${key}.${kind}`).join(' or ')} beside the picture`,
  );
}

function plainLabel(text: string): Label | null {
  if (/^-?\d+$/.test(text)) return { label: Number(text), className: null };
  if (text === '' || /\s/.test(text)) return null;
  return { label: null, className: text };
}

function labelInJson(text: string): Label | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value === 'number' && Number.isInteger(value)) {
    return { label: value, className: null };
  }
  if (typeof value !== 'object' || value === null) return null;
  const entries = new Map<string, unknown>(Object.entries(value));
  const number = NUMBER_KEYS.map((key) => entries.get(key)).find(
    (one): one is number => typeof one === 'number' && Number.isInteger(one),
  );
  const name = NAME_KEYS.map((key) => entries.get(key)).find(
    (one): one is string => typeof one === 'string' && one !== '',
  );
  if (number === undefined && name === undefined) return null;
  return { label: number ?? null, className: name ?? null };
}

/** A tar of the pictures of one class, or of a set whose classes are listed elsewhere. */
export function* scanPictureTar(bytes: FileBytes, part: Part): Generator<ScannedRecord, void> {
  for (const member of tarMembers(bytes, part.range)) {
    if (member.type === 'folder' || !isPicture(member.name)) continue;
    yield { ...tarRecord(bytes, member), label: null, className: part.className };
  }
}

const isPicture = (name: string): boolean => /(^|\/)[^/.][^/]*\.(jpe?g|png)$/i.test(name);
