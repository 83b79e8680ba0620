// Numbers for people to read, rounded but never to something else.

/**
 * `value` with `places` digits after the point, such as 0.05000; where too few of its own digits
 * would be left (three, or as many as there are places and one), those, such as 1.37e-7. What is not 0
 * is never shown as 0.
 */
export function decimals(value: number, places: number): string {
  const digits = Math.min(3, places + 1);
  const isSmall = value !== 0 && Math.abs(value) < 10 ** (digits - 1 - places);
  return isSmall ? String(Number(value.toPrecision(digits))) : value.toFixed(places);
}
