// The labels of a figure's axis, read back from the SVG: each value as it is, where there is room.
import { describe, expect, test } from 'vitest';
import { base } from '../../src/figures/style.js';
import { renderSvg } from '../../src/figures/render.js';
import { valueAxis } from '../../src/report/value-axis.js';

/** Texts of the x axis, from left to right, without those that Vega hides for want of room. */
async function labelsOf(values: readonly number[]): Promise<string[]> {
  const spec = {
    ...base(values.map((x) => ({ x, y: x }))),
    width: 440,
    height: 100,
    mark: 'point',
    encoding: {
      x: valueAxis('x', 'rho', values),
      y: { field: 'y', type: 'quantitative', axis: null },
    },
  };
  const svg = await renderSvg({ name: 'x', caption: '', spec: spec as never });
  const axis = svg.split('role-axis-label')[1]?.split('role-axis-title')[0] ?? '';
  return [...axis.matchAll(/<text ([^>]*)>([^<]*)<\/text>/g)]
    .filter(([, attributes = '']) => !attributes.includes('opacity="0"'))
    .map(([, , text = '']) => text);
}

describe('labels are the values', () => {
  test.each([
    [[0.5, 0.75, 0.9, 0.95, 0.25]],
    [[0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]],
    [[0, 0.05, 0.1, 0.2, 0.4, 0.8]],
    [[0, 0.2, 0.4]],
    [[1e-7, 0.00012, 0.3]],
    [[1000001, 1000003, 1000005]],
    [[-0.5, 0, 0.125]],
    [[8, 16, 64]],
    [[0.3333333333333333, 0.6666666666666666]],
  ])('%j', async (values) => {
    expect(await labelsOf(values)).toEqual([...values].sort((a, b) => a - b).map(String));
  });
});

test('where there is no room the labels left are values', async () => {
  const values = Array.from({ length: 60 }, (_, i) => 1 + i / 1000);
  const labels = await labelsOf(values);
  expect(labels.length).toBeGreaterThan(3);
  expect(labels.length).toBeLessThan(60);
  expect(values.map(String)).toEqual(expect.arrayContaining(labels));
});
