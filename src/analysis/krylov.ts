// The ends of a spectrum and Lanczos quadratures, kept in a journal product by product.
import { findExtremes, type Extremes, type ExtremesOptions } from './eigenvalues.js';
import type { Journal } from './journal.js';
import { lanczosFrom, startStream, type LanczosState } from './lanczos.js';
import { required } from '../util/errors.js';
import { drawNormal, type Product } from './vectors.js';
import type { Watch } from './watch.js';

/** T's new diagonal number, and the one that couples it with the next. */
type Coupling = readonly [alpha: number, beta: number];

export type KeptOptions = Omit<ExtremesOptions, 'state' | 'onState'>;

/** As `findExtremes`, going on with what `journal` has under `name`. */
export async function findExtremesKept(
  journal: Journal,
  name: string,
  product: Product,
  size: number,
  options: KeptOptions,
  watch: Watch,
): Promise<Extremes & { readonly products: number; readonly state: LanczosState }> {
  const vectors = journal.vectors(name.replaceAll('/', '-'), size);
  const start = lanczosFrom(drawNormal(size, startStream(options.seed, 0)));
  const state = await restored(journal, name, vectors.read, start, size);
  const found = await findExtremes(
    product,
    size,
    {
      ...options,
      state,
      // A vector first: one without its numbers is dropped.
      onState: async ({ basis, alpha, beta }) => {
        const k = alpha.length;
        if (basis.length > k) await vectors.add(required(basis[k], 'a new vector'));
        const coupling: Coupling = [required(alpha[k - 1], 'alpha'), required(beta[k - 1], 'beta')];
        await journal.piece(pieceOf(name, k - 1), () => Promise.resolve(coupling));
      },
    },
    watch,
  );
  return { ...found, products: found.state.alpha.length };
}

const pieceOf = (name: string, step: number): string => `${name} ${step}`;

async function restored(
  journal: Journal,
  name: string,
  read: (count: number) => Promise<Float32Array[] | null>,
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
  const later = required(
    (await read(Math.min(couplings.length, size - 1))) ?? undefined,
    `${name}.f32`,
  );
  return {
    basis: [...start.basis, ...later],
    alpha: couplings.map(([alpha]) => alpha),
    beta: couplings.map(([, beta]) => beta),
  };
}
