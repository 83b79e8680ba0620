// The part of jstat that is used here; the package has no types of its own.
declare module 'jstat' {
  interface StudentT {
    /** P(T <= x) with `dof` degrees of freedom. */
    cdf(x: number, dof: number): number;
    /** The x with P(T <= x) = p. */
    inv(p: number, dof: number): number;
  }
  const jstat: { readonly studentt: StudentT };
  export default jstat;
}
