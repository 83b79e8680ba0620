// Weights under names, axes and sizes of others: what is taken, and which key the rest follows from.
import { describe, expect, test } from 'vitest';
import { Layout } from '../../src/nn/layout.js';
import { readPretrained } from '../../src/session/pretrained.js';
import { networkSlots, type State } from '../../src/session/slot.js';
import { messageOf } from '../support/errors.js';
import { f32, safetensorsFile, type Written } from '../support/safetensors.js';

const counting = (length: number, from = 0) => Float32Array.from({ length }, (_, i) => from + i);

describe('Hugging Face’s GPT-2', () => {
  const parameters = new Layout();
  parameters.add('transformer.wte.weight', [3, 2]);
  parameters.add('transformer.wpe.weight', [2, 2]);
  parameters.add('transformer.h.0.attn.c_attn.weight', [2, 6]);
  parameters.add('transformer.h.0.attn.c_attn.bias', [6]);
  parameters.add('transformer.h.0.attn.c_proj.weight', [2, 2]);
  const of = networkSlots({ parameters, statistics: new Layout() });
  const none: State = new Map([
    ['parameters', new Float32Array(32)],
    ['statistics', new Float32Array(0)],
  ]);
  const begin = (path: string) => readPretrained(path, 'gpt', of, none, 'plain');
  const weights = async (path: string) => [...((await begin(path)).state.get('parameters') ?? [])];
  /** Its matrices are [in out]; a mask is no weight. */
  const file = (prefix: string, ...more: Written[]) =>
    safetensorsFile([
      f32(`${prefix}h.0.attn.bias`, [1, 1, 2, 2], counting(4)),
      f32(`${prefix}h.0.attn.masked_bias`, [], counting(1)),
      f32(`${prefix}h.0.attn.c_attn.bias`, [6], counting(6, 22)),
      f32(`${prefix}h.0.attn.c_attn.weight`, [2, 6], counting(12, 10)),
      f32(`${prefix}h.0.attn.c_proj.weight`, [2, 2], counting(4, 28)),
      f32(`${prefix}wpe.weight`, [2, 2], counting(4, 6)),
      f32(`${prefix}wte.weight`, [3, 2], counting(6)),
      ...more,
    ]);
  const AXES = "its matrices are [in out], as those of Hugging Face's GPT-2, and are taken so";

  test('is taken with its axes, and without the prefix that nanoGPT’s names have', async () => {
    const path = file('');
    expect(await weights(path)).toEqual([...counting(32)]);
    const { notes } = await begin(path);
    expect(notes[0]).toMatch(/^begins with 5 of 5 tensors/);
    expect(notes.slice(1)).toEqual(['its names are taken as those after transformer.', AXES]);
  });

  test('is taken with its last layer, which is its table', async () => {
    const path = file('transformer.', f32('lm_head.weight', [3, 2], counting(6)));
    expect(await weights(path)).toEqual([...counting(32)]);
    expect((await begin(path)).notes.slice(1)).toEqual([
      AXES,
      'its lm_head.weight is transformer.wte.weight once more',
    ]);
  });

  test('nanoGPT’s matrices are [out in], without its prefix, too', async () => {
    const path = safetensorsFile([
      f32('wte.weight', [3, 2], counting(6)),
      f32('wpe.weight', [2, 2], counting(4, 6)),
      f32('h.0.attn.c_attn.weight', [6, 2], counting(12, 10)),
      f32('h.0.attn.c_attn.bias', [6], counting(6, 22)),
      f32('h.0.attn.c_proj.weight', [2, 2], Float32Array.of(28, 30, 29, 31)),
    ]);
    expect((await weights(path)).slice(10, 16)).toEqual([10, 12, 14, 16, 18, 20]);
    expect((await weights(path)).slice(28)).toEqual([28, 29, 30, 31]);
    expect((await begin(path)).notes).not.toContain(AXES);
  });

  test('what does not fit is told under the network’s names', async () => {
    const path = file('', f32('h.1.ln_1.weight', [2], counting(2)));
    expect(await messageOf(begin(path))).toBe(
      `${path}: does not fit gpt: 1 unexpected (transformer.h.1.ln_1.weight); ` +
        'it is of a network with model.layers=2',
    );
  });
});

describe('shapes that do not fit name the key that they follow from', () => {
  const refusalOf = (wanted: Readonly<Record<string, readonly number[]>>, found: Written[]) => {
    const parameters = new Layout();
    for (const [name, shape] of Object.entries(wanted)) parameters.add(name, shape);
    const of = networkSlots({ parameters, statistics: new Layout() });
    const none: State = new Map([
      ['parameters', new Float32Array(parameters.size)],
      ['statistics', new Float32Array(0)],
    ]);
    return messageOf(readPretrained(safetensorsFile(found), 'net', of, none, 'plain'));
  };
  const sized = (name: string, shape: readonly number[]) =>
    f32(name, shape, counting(shape.reduce((product, extent) => product * extent, 1)));
  const [TOKENS, PLACES] = ['transformer.wte.weight', 'transformer.wpe.weight'];
  const PATCH = 'patch_embed.proj.weight';

  test.each([
    ['data.context', PLACES, [8, 4], [16, 4], 'data.context=16'],
    ['model.width of a gpt', TOKENS, [5, 4], [5, 8], 'model.width=8'],
    ['bytes', TOKENS, [83, 4], [256, 4], 'data.tokens=bytes'],
    [
      'characters',
      TOKENS,
      [256, 4],
      [83, 4],
      'data.tokens=characters and a text of 83 different ones',
    ],
    // [out in height width] in the file.
    ['model.patch', PATCH, [4, 4, 3, 6], [6, 3, 2, 2], 'model.patch=2'],
    ['model.width of a vit', PATCH, [4, 4, 3, 6], [8, 3, 4, 4], 'model.width=8'],
  ])('%s', async (_, name, wanted, found, key) => {
    const message = await refusalOf({ [name]: wanted }, [sized(name, found)]);
    expect(message).toMatch(/does not fit net: 1 of another shape \(.*\); /);
    expect(message.endsWith(`; it is of a network with ${key}`)).toBe(true);
  });

  test.each([
    ['transformer.h.1.ln_1.weight', 'transformer.h.0.ln_1.weight', 1],
    ['blocks.0.norm1.weight', 'blocks.2.norm1.weight', 3],
  ])('layers: %s for %s', async (name, other, layers) => {
    const message = await refusalOf({ [name]: [4] }, [sized(other, [4])]);
    expect(message.endsWith(`; it is of a network with model.layers=${layers}`)).toBe(true);
  });

  test('none of others', async () => {
    const message = await refusalOf({ 'fc.weight': [2, 3] }, [sized('fc.weight', [5, 5])]);
    expect(message).toMatch(/wanted \[2, 3\]\)$/);
  });
});
