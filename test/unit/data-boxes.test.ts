// Boxes of pictures, against torchvision's rules worked out by hand.
import { describe, expect, test } from 'vitest';
import { evaluationCut, randomBox, trainingCut } from '../../src/data/boxes.js';

/** Draws that are said beforehand, and what was asked of them. */
function scripted(uniforms: number[], integers: number[] = []) {
  const bounds: number[] = [];
  const next = (values: number[]): number => {
    const value = values.shift();
    expect(value).toBeDefined();
    return value!;
  };
  return {
    bounds,
    left: () => uniforms.length + integers.length,
    uniform: () => next(uniforms),
    integer: (bound: number) => {
      bounds.push(bound);
      return next(integers);
    },
  };
}

describe('a random box', () => {
  test('has the area and the ratio that were drawn, at the place that was drawn', () => {
    // Area 0.08 + 0.92 / 2 = 0.54 of 200 x 100, ratio exp(0) = 1: sides of sqrt(10800) = 103.9 do not fit.
    // Then 0.08 + 0.92 / 4 = 0.31: 78.7; ratio exp(log(3/4) / 2) = 0.866: 73.3 x 84.6.
    const draws = scripted([0.5, 0.5, 0.25, 0.25], [15, 127]);
    const box = randomBox(draws, { height: 100, width: 200 });
    expect(box).toEqual({ top: 15, left: 127, height: 85, width: 73 });
    expect(draws.bounds).toEqual([100 - 85 + 1, 200 - 73 + 1]);
    expect(draws.left()).toBe(0);
  });

  test('may be the whole picture', () => {
    // Ratio 4/3 of all of 400 x 300; almost, as 1 is never drawn.
    const draws = scripted([1 - 1e-12, 1 - 1e-12], [0, 0]);
    const box = randomBox(draws, { height: 300, width: 400 });
    expect(box).toEqual({ top: 0, left: 0, height: 300, width: 400 });
    expect(draws.bounds).toEqual([1, 1]);
  });

  test.each([
    // Wide: 10 x 4/3 = 13.3; tall: 10 / (3/4) = 13.3; both in the middle, rounded down.
    ['wide', { height: 10, width: 1000 }, { top: 0, left: 493, height: 10, width: 13 }],
    ['tall', { height: 1000, width: 10 }, { top: 493, left: 0, height: 13, width: 10 }],
    ['square', { height: 10, width: 10 }, { top: 0, left: 0, height: 10, width: 10 }],
    // 44.7 x 33.5 pixels is almost as low as the picture.
    ['almost fitting', { height: 30, width: 50 }, { top: 0, left: 5, height: 30, width: 40 }],
  ])('is central in a picture that is %s, once ten have not fitted', (_, picture, box) => {
    // All of the area, at a ratio of 3/4 and then 4/3: neither fits.
    const draws = scripted(Array.from({ length: 20 }, (__, i) => [1, i % 4 === 1 ? 0 : 1][i % 2]!));
    expect(randomBox(draws, picture)).toEqual(box);
    expect(draws.left()).toBe(0);
  });
});

describe('a training cut', () => {
  const picture = { height: 375, width: 500 };
  const cuts = Array.from({ length: 4000 }, (_, i) => trainingCut(7, 3, i, picture, 224));

  test('is a function of seed, epoch and index', () => {
    const cut = trainingCut(7, 3, 5, picture, 224);
    expect(cut).toEqual(cuts[5]);
    expect(cut).toMatchObject({
      size: { height: 224, width: 224 },
      window: { top: 0, left: 0, height: 224, width: 224 },
    });
    for (const other of [
      trainingCut(8, 3, 5, picture, 224),
      trainingCut(7, 4, 5, picture, 224),
      trainingCut(7, 3, 6, picture, 224),
    ]) {
      expect(other.box).not.toEqual(cut.box);
    }
  });

  test('lies in the picture, of 8 % of it at least, and of no extreme shape', () => {
    for (const { box } of cuts) {
      expect(Math.min(box.top, box.left)).toBeGreaterThanOrEqual(0);
      expect(box.top + box.height).toBeLessThanOrEqual(375);
      expect(box.left + box.width).toBeLessThanOrEqual(500);
      // Half a pixel of rounding on sides of 92 and more.
      expect(box.height * box.width).toBeGreaterThan(0.079 * 375 * 500);
      expect(box.width / box.height).toBeGreaterThan(0.74);
      expect(box.width / box.height).toBeLessThan(1.35);
    }
  });

  test('is mirrored half of the time, and as often wide as tall', () => {
    // Standard deviation of 4000 fair draws: 32.
    const flips = cuts.filter(({ flip }) => flip).length;
    expect(Math.abs(flips - 2000)).toBeLessThan(128);
    const small = cuts.filter(({ box }) => box.height * box.width < 0.4 * 375 * 500);
    const wide = small.filter(({ box }) => box.width > box.height).length;
    expect(Math.abs(wide / small.length - 0.5)).toBeLessThan(0.06);
  });
});

describe('an evaluation cut', () => {
  test.each([
    // 256 x 500 / 375 = 341.3; (341 - 224) / 2 = 58.5, to the even 58.
    [{ height: 375, width: 500 }, { height: 256, width: 341 }, 16, 58],
    [{ height: 500, width: 375 }, { height: 341, width: 256 }, 58, 16],
    // 256 x 501 / 375 = 342.02; 59. 256 x 502 / 375 = 342.7; 59. 256 x 503 / 375 = 343.4; 59.5, to the even 60.
    [{ height: 375, width: 502 }, { height: 256, width: 342 }, 16, 59],
    [{ height: 375, width: 503 }, { height: 256, width: 343 }, 16, 60],
    [{ height: 256, width: 256 }, { height: 256, width: 256 }, 16, 16],
    [{ height: 1, width: 3 }, { height: 256, width: 768 }, 16, 272],
  ])('of %j is the centre of %j', (picture, size, top, left) => {
    expect(evaluationCut(picture, 256, 224)).toEqual({
      box: { top: 0, left: 0, ...picture },
      size,
      window: { top, left, height: 224, width: 224 },
      flip: false,
    });
  });

  test('is not larger than what was resized', () => {
    expect(() => evaluationCut({ height: 9, width: 9 }, 223, 224)).toThrow('internal: a centre');
  });
});
