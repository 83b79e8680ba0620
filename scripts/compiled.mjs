// What scripts use of the compiled program.

/**
 * @template T
 * @param {string} path of a module below dist/
 * @returns {Promise<T>}
 */
export const compiled = (path) => import(new URL(`../dist/${path}`, import.meta.url).href);
