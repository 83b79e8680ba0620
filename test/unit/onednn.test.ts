// When TensorFlow computes with oneDNN: by processor, by size, and as the user says.
import { afterEach, describe, expect, test } from 'vitest';
import { chooseOneDnn, oneDnnTold, settleOneDnn } from '../../src/native/onednn.js';
import { UserError } from '../../src/util/errors.js';

const VARIABLE = 'TF_ENABLE_ONEDNN_OPTS';
const before = process.env[VARIABLE];
const set = (value: string | undefined): void => {
  if (value === undefined) Reflect.deleteProperty(process.env, VARIABLE);
  else process.env[VARIABLE] = value;
};
afterEach(() => {
  set(before);
});

// As /proc/cpuinfo has them.
const HASWELL = 'fpu sse sse2 ssse3 fma sse4_1 sse4_2 avx f16c avx2 bmi2';
const PROCESSORS = {
  'Sandy Bridge': 'fpu sse sse2 ssse3 sse4_1 sse4_2 avx',
  Haswell: HASWELL,
  'Skylake-X': `${HASWELL} avx512f avx512dq avx512cd avx512bw avx512vl`,
  'Cascade Lake': `${HASWELL} avx512f avx512dq avx512cd avx512bw avx512vl avx512_vnni`,
  'Alder Lake': `${HASWELL} avx_vnni`,
  Neoverse: 'fp asimd evtstrm aes sve asimdhp',
};

describe('the rule', () => {
  const [SMALL, LARGE] = [0.9e6, 3.6e6];
  test.each([
    ['Sandy Bridge', null, null],
    ['Haswell', false, true],
    ['Skylake-X', false, true],
    ['Cascade Lake', null, null],
    ['Alder Lake', null, null],
    ['Neoverse', null, null],
  ] as const)('%s: %s where convolutions are small, %s where not', (name, small, large) => {
    const flags = new Set(PROCESSORS[name].split(' '));
    expect(chooseOneDnn(SMALL, flags)?.on ?? null).toBe(small);
    expect(chooseOneDnn(LARGE, flags)?.on ?? null).toBe(large);
  });

  test('says why', () => {
    const flags = new Set(HASWELL.split(' '));
    expect(chooseOneDnn(SMALL, flags)?.reason).toBe(
      'about 0.90 M multiply-adds a convolution; it pays from 2.0 M on',
    );
  });
});

describe('TF_ENABLE_ONEDNN_OPTS', () => {
  test.each([
    [undefined, null],
    ['', null],
    ['0', false],
    ['1', true],
    ['False', false],
    ['true', true],
  ])('%j says %j', (value, told) => {
    set(value);
    expect(oneDnnTold()).toBe(told);
  });

  test.each(['2', 'on', 'yes'])('%j is refused', (value) => {
    set(value);
    expect(() => settleOneDnn(null)).toThrow(UserError);
    expect(() => settleOneDnn(null)).toThrow(`${VARIABLE}: got "${value}", wanted 1 (on) or 0`);
  });

  test('wins over our choice', () => {
    set('0');
    expect(settleOneDnn({ on: true, reason: 'large' })).toBe(`${VARIABLE}=0`);
    expect(process.env[VARIABLE]).toBe('0');
  });

  test.each([
    [{ on: true, reason: 'large' }, '1', 'large'],
    [{ on: false, reason: 'small' }, '0', 'small'],
    [null, undefined, "TensorFlow's choice for this processor"],
  ])('unset, it becomes %j', (choice, value, reason) => {
    set(undefined);
    expect(settleOneDnn(choice)).toBe(reason);
    expect(process.env[VARIABLE]).toBe(value);
  });
});
