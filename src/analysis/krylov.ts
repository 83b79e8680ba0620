// Lanczos kept in a journal product by product, so that a kill loses one product.
import type { Journal } from './journal.js';
import type { LanczosState } from './lanczos.js';
import { required } from '../util/errors.js';

/** T's new diagonal number, and the one that couples it with the next. */
type Coupling = readonly [alpha: number, beta: number];

export interface KeptLanczos {
  /** To go on from: `start`, or what an earlier process came to. */
  readonly state: LanczosState;
  /** To be told each new state. */
  readonly onState: (state: LanczosState) => Promise<void>;
}

/**
 * The piece `name` of a journal, which `make` comes to by Lanczos from `start`: while it is under way, each product is
 * a piece and its vector is on the disk.
 *
 * @param start without products; its vector has P numbers
 */
export async function pieceByLanczos<T>(
  journal: Journal,
  name: string,
  start: () => LanczosState,
  make: (kept: KeptLanczos) => Promise<T>,
): Promise<T> {
  if (journal.known(name) !== undefined) return journal.known(name) as T;
  const kept = await keepLanczos(journal, `${name} product`, start());
  const value = await journal.piece(name, () => make(kept));
  // A kill before this leaves them until the analysis is done.
  await kept.drop();
  return value;
}

async function keepLanczos(
  journal: Journal,
  name: string,
  start: LanczosState,
): Promise<KeptLanczos & { readonly drop: () => Promise<void> }> {
  const { length: size } = required(start.basis[0], 'a first vector');
  const vectors = journal.vectors(name.replaceAll(/[/ ]/g, '-'), size);
  return {
    state: await restored(journal, name, vectors.read, start, size),
    // A vector first: one without its numbers is dropped.
    onState: async ({ basis, alpha, beta }) => {
      const k = alpha.length;
      if (basis.length > k) await vectors.add(required(basis[k], 'a new vector'));
      const coupling: Coupling = [required(alpha[k - 1], 'alpha'), required(beta[k - 1], 'beta')];
      await journal.piece(pieceOf(name, k - 1), () => Promise.resolve(coupling));
    },
    drop: vectors.remove,
  };
}

const pieceOf = (name: string, step: number): string => `${name} ${step}`;

async function restored(
  journal: Journal,
  name: string,
  read: (count: number) => Promise<Float32Array[]>,
  start: LanczosState,
  size: number,
): Promise<LanczosState> {
  const couplings: Coupling[] = [];
  for (;;) {
    const coupling = journal.known(pieceOf(name, couplings.length)) as Coupling | undefined;
    if (coupling === undefined) break;
    couplings.push(coupling);
  }
  // The last vector of a whole space is followed by none.
  const wanted = Math.min(couplings.length, size - 1);
  const later = await read(wanted);
  // Where vectors are gone, so are the products that gave them: they come out the same.
  const kept = later.length < wanted ? couplings.slice(0, later.length) : couplings;
  return {
    basis: [...start.basis, ...later],
    alpha: kept.map(([alpha]) => alpha),
    beta: kept.map(([, beta]) => beta),
  };
}
