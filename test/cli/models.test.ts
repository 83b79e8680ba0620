// fsam models: sizes that are known from elsewhere.
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/folders.js';
import { fsam } from './support/fsam.js';

test('lists parameters and multiply-adds', async () => {
  const { code, stdout } = await fsam(temporaryFolder(), ['models']);
  expect(code).toBe(0);
  const rows = new Map(
    stdout.split('\n').map((line) => {
      const [name = '', ...cells] = line.split(/ {2,}/);
      return [name, cells] as const;
    }),
  );
  // torchvision's documentation has 25,557,032 parameters and 4.09 GMACs for ResNet-50 at 224 pixels, 11,689,512 and 1.81
  // for ResNet-18.
  expect(rows.get('imagenet-resnet50')?.[2]).toBe('25,557,032');
  expect(rows.get('imagenet-resnet50')?.[3]).toMatch(/^4,0(8|9)\d\.\d M$/);
  expect(rows.get('imagenet-resnet18')?.slice(2)).toEqual([
    '11,689,512',
    expect.stringMatching(/^1,81\d\.\d M$/),
  ]);
  // Its own count of the others.
  const others = { 34: '21,797,672', 101: '44,549,160', 152: '60,192,808' };
  for (const [depth, parameters] of Object.entries(others)) {
    expect(rows.get(`imagenet-resnet${depth}`)?.[2]).toBe(parameters);
  }
  // As in models.json.
  expect(rows.get('wrn-10-1')?.[2]).toBe('175,322');
});

test('says where a network does not take such images, and refuses nonsense', async () => {
  const small = await fsam(temporaryFolder(), ['models', '--size', '16']);
  expect(small.stdout).toMatch(/^vgg16-bn .* not this size$/m);
  expect(small.stdout).toMatch(/^resnet18 +16x16x3 +10 +11,173,962 /m);
  const nonsense = await fsam(temporaryFolder(), ['models', '--size', '0']);
  expect(nonsense.code).toBe(2);
  expect(nonsense.stderr).toContain('wanted a whole number from 1 to 99,999');
});
