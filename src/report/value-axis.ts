// The axis of a figure over the values of a key: a tick at each value that was tried, labelled with
// that value as it is written in a configuration.

/** Values this many times apart lie too close together on a linear axis. */
const WIDE = 8;

/** The x axis of a figure, for Vega-Lite. `values`: those of the points, in any order. */
export function valueAxis(field: string, title: string, values: readonly number[]) {
  return {
    field,
    type: 'quantitative',
    title,
    axis: {
      values: [...new Set(values)].sort((a, b) => a - b),
      // JavaScript's shortest text that is the same number; Vega's own formats round.
      labelExpr: "'' + datum.value",
      // Drops a label only where it would touch the one before.
      labelOverlap: 'greedy',
      labelSeparation: 3,
      labelFlush: false,
      grid: true,
    },
    scale: scaleOf(values),
  } as const;
}

function scaleOf(values: readonly number[]) {
  const positive = values.filter((value) => value > 0);
  const [lowest, highest] = [Math.min(...positive), Math.max(...positive)];
  const isWide = highest / lowest >= WIDE;
  if (isWide && positive.length === values.length) return { type: 'log', nice: false } as const;
  // Linear up to the smallest one, so that 0 has a place; logarithmic from there on.
  if (isWide && Math.min(...values) === 0)
    return { type: 'symlog', constant: lowest, nice: false } as const;
  return { zero: false, nice: false } as const;
}
