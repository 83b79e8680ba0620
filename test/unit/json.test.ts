// JSON of ours after editors and other versions.
import { expect, test } from 'vitest';
import { z } from 'zod';
import { laterVersion, parseJson, repeatedKey } from '../../src/util/json.js';

test('a byte order mark at the beginning counts for nothing, elsewhere it is text', () => {
  expect(parseJson('\ufeff{"a":"\ufeff"}')).toEqual({ a: '\ufeff' });
  expect(() => parseJson('\ufeff\ufeff1')).toThrow(SyntaxError);
});

test('a key that no schema has is named, wherever it is', () => {
  const inner = z.strictObject({ b: z.number() });
  const schema = z.strictObject({
    list: z.array(z.strictObject({ either: z.union([inner, z.strictObject({ c: z.string() })]) })),
  });
  const tell = (value: unknown) => laterVersion('f', schema.safeParse(value).error)?.message;
  const message = (key: string) =>
    `f: has the key ${key}, which this version of fsam does not know; use the version that wrote it, or another folder`;
  expect(tell({ list: [], more: 1 })).toBe(message('more'));
  expect(tell({ list: [{ either: { b: 1 } }, { either: { b: 1, x: 1 } }] })).toBe(
    message('list.1.either.x'),
  );
  expect(tell({ list: [{ either: { b: 'no' } }] })).toBeUndefined();
  expect(tell(5)).toBeUndefined();
  expect(laterVersion('f', new SyntaxError('no'))).toBeNull();
});

test('a key that an object has twice is found, in any depth, and no text is taken for one', () => {
  expect(repeatedKey('{"a":{"b":1,"c":"b"},"d":[{"b":1},{"b":2}],"e":"\\"a\\":"}')).toBeNull();
  expect(repeatedKey('{"a":1,"b":[],"a":2}')).toBe('a');
  expect(repeatedKey('[{"x":{"y":1,"z":[{}],"y" :2}}]')).toBe('y');
  // Two ways to write one key.
  expect(repeatedKey('{"a":1,"\\u0061":2}')).toBe('a');
  expect(repeatedKey(JSON.stringify({ labels: '\\"'.repeat(2_000_000) }))).toBeNull();
});
