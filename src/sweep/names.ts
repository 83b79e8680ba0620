// The names of a sweep's points, which are their folders: what was chosen, then the seed.
import { createHash } from 'node:crypto';
import { asName, keyWord } from '../catalogue/label.js';
import { variantName } from '../catalogue/variant.js';
import type { Config } from '../catalogue/schema.js';
import { valueAt } from '../util/dotted.js';
import { BASE, type Choice } from './axes.js';

export interface Name {
  /** As a file system takes it. */
  readonly name: string;
  /** The same before characters were replaced. */
  readonly unclean: string;
}

type Clean = typeof asName;

/** Words in which no character is replaced. */
const asItIs: Clean = (value) => (typeof value === 'string' ? value : JSON.stringify(value));

/** @param config null where the point has none, and so no run. */
export function nameOf(
  template: string | null,
  varied: ReadonlySet<string>,
  chosen: readonly Choice[],
  values: Readonly<Record<string, unknown>>,
  config: Config | { readonly mistakes: string },
): Name {
  const own = 'mistakes' in config ? null : config;
  const from = (clean: Clean): string => {
    const place = `seed-${clean(own?.seed ?? values['seed'] ?? 1)}`;
    const words =
      template === null
        ? wordsOf(varied, chosen, values, own, clean)
        : filled(template, own, values, clean);
    return `${words}/${place}`;
  };
  return { name: from(asName), unclean: from(asItIs) };
}

/** Of a part of a name: file systems take 255 bytes, with what is added to it. */
const LONGEST = 200;

/** The names; those that are cut, or that only replaced characters make equal, end in a digest. */
export function distinctNames(names: readonly Name[]): string[] {
  const meant = new Map<string, Set<string>>();
  for (const { name, unclean } of names) {
    meant.set(name, (meant.get(name) ?? new Set()).add(unclean));
  }
  return names.map(({ name, unclean }) => {
    const parts = name.split('/').map((part) => part.slice(0, LONGEST));
    const short = parts.join('/');
    if (short === name && meant.get(name)?.size === 1) return name;
    const words = unclean.slice(0, unclean.lastIndexOf('/seed-'));
    const digest = createHash('sha256').update(words).digest('hex').slice(0, 6);
    return short.replace(/\/seed-[^/]*$/, (place) => `-${digest}${place}`);
  });
}

function wordsOf(
  varied: ReadonlySet<string>,
  chosen: readonly Choice[],
  values: Readonly<Record<string, unknown>>,
  config: Config | null,
  clean: Clean,
): string {
  const words = chosen.flatMap(({ label, assignments }) =>
    label === null
      ? assignments
          .filter(({ key }) => key !== 'seed' && varied.has(key))
          .map(({ key }) =>
            keyWord(key, key === BASE ? baseName(values[key]) : values[key], varied, clean),
          )
      : [clean(label)],
  );
  const rest = config === null ? 'point' : variantName(config);
  return words.length === 0 ? rest : words.join('-');
}

/** A base is called by its file. */
export const baseName = (path: unknown): string =>
  String(path)
    .replace(/^.*\//, '')
    .replace(/\.ya?ml$/, '');

/** The template with the values of the keys in braces. */
function filled(
  template: string,
  config: Config | null,
  values: Readonly<Record<string, unknown>>,
  clean: Clean,
): string {
  return template.replace(/\{([^{}]*)\}/g, (_, key: string) =>
    clean(key in values ? values[key] : (valueAt(config, key) ?? null)),
  );
}
