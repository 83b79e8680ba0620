// Weights from files of other programs and of ours: what is taken, what is told, and what is refused.
import { execFileSync } from 'node:child_process';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isAsPublished } from '../../src/catalogue/network.js';
import { configSchema, modelSchema } from '../../src/catalogue/schema.js';
import { whereWeightsAre } from '../../src/catalogue/published-weights.js';
import { makeSynthetic } from '../../src/data/synthetic.js';
import { beginWithPretrained } from '../../src/experiment/pretrained.js';
import { Layout } from '../../src/nn/layout.js';
import { readPretrained } from '../../src/session/pretrained.js';
import { networkSlots, trainingSlots, type State } from '../../src/session/slot.js';
import { readFloats } from '../../src/util/safetensors-floats.js';
import { writeSafetensors } from '../../src/util/safetensors.js';
import { messageOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';
import { f32, safetensorsFile, type Written } from '../support/safetensors.js';

/** A kernel [2 1 1 3], a matrix [2 3], a classifier for three classes, and running means. */
function network() {
  const [parameters, statistics] = [new Layout(), new Layout()];
  parameters.add('conv.weight', [2, 1, 1, 3]);
  parameters.add('fc.weight', [2, 3], { isHead: true });
  parameters.add('fc.bias', [3], { isHead: true });
  statistics.add('bn.running_mean', [2]);
  return { parameters, statistics };
}
const slots = networkSlots(network());
const drawn: State = new Map([
  ['parameters', Float32Array.from({ length: 15 }, () => 9)],
  ['statistics', Float32Array.of(9, 9)],
]);

const counting = (length: number, from = 0) => Float32Array.from({ length }, (_, i) => from + i);

/** As PyTorch has them: OIHW, [out in]. */
const KERNEL = f32('conv.weight', [3, 1, 2, 1], counting(6));
const MATRIX = f32('fc.weight', [3, 2], counting(6, 10));
const BIAS = f32('fc.bias', [3], counting(3, 20));
const MEAN = f32('bn.running_mean', [2], counting(2, 30));
const COUNT: Written = {
  name: 'bn.num_batches_tracked',
  dtype: 'I64',
  shape: [],
  bytes: new Uint8Array(8),
};
const WHOLE = [KERNEL, MATRIX, BIAS, MEAN, COUNT];
const without = (...left: Written[]) => WHOLE.filter((one) => !left.includes(one));

const read = (path: string, of = slots) => readPretrained(path, 'net', of, drawn, 'antialias');

const refusal = async (path: string): Promise<string> => {
  const message = await messageOf(read(path));
  expect(message).not.toContain('\n');
  expect(message.startsWith(`${path}: `)).toBe(true);
  return message.slice(path.length + 2);
};

test('axes are turned around, and BatchNorm’s counts left out', async () => {
  const path = safetensorsFile(WHOLE);
  const { state, notes } = await read(path);
  // conv: output channel o of row h has 2 o + h; fc: output o of input i has 10 + 2 o + i.
  expect([...(state.get('parameters') ?? [])]).toEqual([
    ...[0, 2, 4, 1, 3, 5],
    ...[10, 12, 14, 11, 13, 15],
    ...[20, 21, 22],
  ]);
  expect([...(state.get('statistics') ?? [])]).toEqual([30, 31]);
  expect(notes).toEqual([
    expect.stringMatching(
      /^begins with 4 of 4 tensors of .*model.safetensors \(sha256 [0-9a-f]{12}\)$/,
    ),
  ]);
  // What was drawn is as it was.
  expect(drawn.get('parameters')?.every((value) => value === 9)).toBe(true);
});

test('a language model’s tables are as PyTorch’s, its matrices are not', async () => {
  const parameters = new Layout();
  parameters.add('transformer.wte.weight', [2, 3]);
  parameters.add('transformer.h.0.attn.c_attn.weight', [2, 3]);
  const path = safetensorsFile([
    f32('transformer.wte.weight', [2, 3], counting(6)),
    f32('transformer.h.0.attn.c_attn.weight', [3, 2], counting(6, 10)),
  ]);
  const of = networkSlots({ parameters, statistics: new Layout() });
  const none: State = new Map([
    ['parameters', new Float32Array(12)],
    ['statistics', new Float32Array(0)],
  ]);
  const { state, notes } = await readPretrained(path, 'gpt', of, none, 'plain');
  expect([...(state.get('parameters') ?? [])]).toEqual([
    ...[0, 1, 2, 3, 4, 5],
    ...[10, 12, 14, 11, 13, 15],
  ]);
  // It has no classifier of its own that could be missing.
  expect(notes).toHaveLength(1);
});

describe('a language model', () => {
  const parameters = new Layout();
  parameters.add('transformer.wte.weight', [2, 3]);
  const of = networkSlots({ parameters, statistics: new Layout() });
  const none: State = new Map([
    ['parameters', new Float32Array(6)],
    ['statistics', new Float32Array(0)],
  ]);
  const table = f32('transformer.wte.weight', [2, 3], counting(6));
  const begin = (path: string, names: readonly string[] | null = null) =>
    readPretrained(path, 'gpt', of, none, 'plain', { names, areTokens: true });

  test('takes nanoGPT’s second name of its table, where that is the table', async () => {
    const same = f32('lm_head.weight', [2, 3], counting(6));
    const { state, notes } = await begin(safetensorsFile([table, same]));
    expect([...(state.get('parameters') ?? [])]).toEqual([0, 1, 2, 3, 4, 5]);
    expect(notes[1]).toBe('its lm_head.weight is transformer.wte.weight once more');
    const other = f32('lm_head.weight', [2, 3], counting(6, 1));
    expect(await messageOf(begin(safetensorsFile([table, other])))).toContain(
      'lm_head.weight is not transformer.wte.weight, which the network has in its place; wanted model.tied=false',
    );
  });

  test('tells all tensors of another dtype at once, that second name among them', async () => {
    const double = (name: string) => ({
      name,
      dtype: 'F64',
      shape: [2, 3],
      bytes: new Uint8Array(48),
    });
    const same = f32('lm_head.weight', [2, 3], counting(6));
    const [wte, head] = ['transformer.wte.weight', 'lm_head.weight'].map(double);
    const told = async (...tensors: (Written | undefined)[]) =>
      messageOf(begin(safetensorsFile(tensors.filter((one) => one !== undefined))));
    const of = 'of a dtype other than F32, F16, BF16, to be converted to float32';
    expect(await told(wte, head)).toContain(
      `does not fit gpt: 2 ${of} (transformer.wte.weight F64, lm_head.weight F64)`,
    );
    expect(await told(wte, same)).toContain(`1 ${of} (transformer.wte.weight F64)`);
    expect(await told(table, head)).toContain(`1 ${of} (lm_head.weight F64)`);
  });

  test('takes the weights of a text with its own characters alone', async () => {
    const labels = (names: readonly string[]) => ({ format: 'pt', labels: JSON.stringify(names) });
    const ofAb = safetensorsFile([table], labels(['"a"', '"b"']));
    expect((await begin(ofAb, ['"a"', '"b"'])).notes).toHaveLength(1);
    expect(await messageOf(begin(ofAb, ['"a"', '"c"']))).toContain(
      `${ofAb}: is of a text with other characters: token 1 is "b" there, "c" in this text (2 and 2 of them); wanted`,
    );
    expect(await messageOf(begin(ofAb, ['"a"', '"b"', '"c"']))).toContain(
      'token 2 is none there, "c" in this text (2 and 3 of them)',
    );
    expect(await messageOf(begin(ofAb))).toContain('its tokens are 2 characters, wanted bytes');
    const { notes } = await begin(safetensorsFile([table]), ['"a"', '"b"']);
    expect(notes[1]).toBe(
      'the file does not say its characters: they are taken for those of this text',
    );
  });
});

describe('the classifier', () => {
  test('of other classes is left out, and that is said', async () => {
    const other = [f32('fc.weight', [7, 2], counting(14)), f32('fc.bias', [7], counting(7))];
    const { state, notes } = await read(safetensorsFile([KERNEL, ...other, MEAN]));
    expect([...(state.get('parameters') ?? [])].slice(6)).toEqual(Array(9).fill(9));
    expect(notes[1]).toBe(
      'its classifier for 7 classes is left out: that for 3 is drawn from the seed',
    );
  });

  test('of as many classes, but others, is left out where the file says so', async () => {
    const path = safetensorsFile(WHOLE, { format: 'pt', labels: '["cat","dog","owl"]' });
    const begin = (names: readonly string[]) =>
      readPretrained(path, 'net', slots, drawn, 'plain', { names, areTokens: false });
    expect((await begin(['cat', 'dog', 'owl'])).notes).toHaveLength(1);
    const { state, notes } = await begin(['dog', 'cat', 'owl']);
    expect([...(state.get('parameters') ?? [])].slice(6)).toEqual(Array(9).fill(9));
    expect(notes[1]).toBe(
      'its classifier is left out, as its classes are others: that for 3 is drawn from the seed',
    );
  });

  test('may be missing, and that is said', async () => {
    const { state, notes } = await read(safetensorsFile(without(MATRIX, BIAS)));
    expect([...(state.get('parameters') ?? [])].slice(6)).toEqual(Array(9).fill(9));
    expect(notes[1]).toBe('the file has no classifier: that for 3 is drawn from the seed');
  });

  test('of other features is refused', async () => {
    const other = f32('fc.weight', [7, 4], counting(28));
    expect(await refusal(safetensorsFile([KERNEL, other, BIAS, MEAN]))).toBe(
      'does not fit net: 1 of another shape (fc.weight [4, 7], wanted [2, 3])',
    );
  });
});

test('a weight average begins with the weights of the file', async () => {
  const averaged = trainingSlots(network(), { state: ['momentum'] }, 0.9);
  const { state } = await readPretrained(safetensorsFile(WHOLE), 'net', averaged, drawn, 'plain');
  expect(state.get('averagedParameters')).toEqual(state.get('parameters'));
  expect([...(state.get('averagedStatistics') ?? [])]).toEqual([30, 31]);
  expect([...(state.get('momentum') ?? [])]).toEqual(Array(15).fill(0));
});

describe('a file of ours', () => {
  const tensors = [
    { name: 'conv.weight', shape: [2, 1, 1, 3], data: counting(6) },
    { name: 'fc.weight', shape: [2, 3], data: counting(6, 10) },
    { name: 'fc.bias', shape: [3], data: counting(3, 20) },
    { name: 'bn.running_mean', shape: [2], data: counting(2, 30) },
    { name: 'optimizer.momentum', shape: [15], data: counting(15) },
  ];
  const write = async (extra: typeof tensors = []) => {
    const path = join(temporaryFolder(), 'step-1.safetensors');
    await writeSafetensors(path, [...tensors, ...extra], { format: 'fsam checkpoint' });
    return path;
  };

  test('is in our order of axes, and what the optimizer has is left out', async () => {
    const { state } = await read(await write());
    expect([...(state.get('parameters') ?? [])]).toEqual([
      ...[0, 1, 2, 3, 4, 5],
      ...[10, 11, 12, 13, 14, 15],
      ...[20, 21, 22],
    ]);
  });

  test('with averaged weights gives these: they are what is evaluated', async () => {
    const extra = [{ name: 'average.fc.bias', shape: [3], data: Float32Array.of(7, 7, 7) }];
    const { state } = await read(await write(extra));
    expect([...(state.get('parameters') ?? [])].slice(12)).toEqual([7, 7, 7]);
  });

  test('whose content was changed is refused', async () => {
    const path = await write();
    const bytes = readFileSync(path);
    bytes[bytes.length - 1] = 1;
    writeFileSync(path, bytes);
    expect(await refusal(path)).toBe(
      'is no intact safetensors file: its content does not match its checksum',
    );
  });
});

/** 16-bit numbers as they lie in a file. */
const half = (dtype: string, ...bits: number[]): Written => ({
  name: 'fc.bias',
  dtype,
  shape: [bits.length],
  bytes: new Uint8Array(Uint16Array.from(bits).buffer),
});

describe('dtypes', () => {
  test.each([
    // Of IEEE 754 binary16: largest, smallest normal, smallest of all, -0, 1/3 rounded.
    [
      'F16',
      [0x7bff, 0x0400, 0x0001, 0x8000, 0x3555],
      [65504, 2 ** -14, 2 ** -24, -0, 0.333251953125],
    ],
    ['F16', [0xbe00, 0x83ff], [-1.5, -1023 / 2 ** 24]],
    // Of bfloat16: 1.5, -2, pi rounded, 2^-133, the smallest of all.
    ['BF16', [0x3fc0, 0xc000, 0x4049, 0x0001], [1.5, -2, 3.140625, 2 ** -133]],
  ])('%s %j', async (dtype, bits, wanted) => {
    const found = new Float32Array(bits.length);
    await readFloats(safetensorsFile([half(dtype, ...bits)]), () => found);
    expect([...found]).toEqual(wanted);
  });

  test.each([
    ['F64', 8],
    ['I32', 4],
    ['BOOL', 1],
  ])('%s is refused', async (dtype, size) => {
    const bytes = new Uint8Array(3 * size);
    const other = { name: 'fc.bias', dtype, shape: [3], bytes };
    expect(await refusal(safetensorsFile([KERNEL, MATRIX, other, MEAN]))).toBe(
      `does not fit net: 1 of a dtype other than F32, F16, BF16, to be converted to float32 (fc.bias ${dtype})`,
    );
  });

  test.each([
    ['F32', f32('fc.bias', [3], Float32Array.of(1, NaN, 2))],
    ['F16', half('F16', 0, 0x7c00, 0)],
    ['BF16', half('BF16', 0, 0xff80, 0)],
  ])('%s with NaN or infinity is refused', async (_, broken) => {
    expect(await refusal(safetensorsFile([KERNEL, MATRIX, broken, MEAN]))).toBe(
      'tensor fc.bias holds numbers that are not finite',
    );
  });
});

test('mismatches are told all at once', async () => {
  const others = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => f32(name, [1], counting(1)));
  const kernel = f32('conv.weight', [3, 1, 3, 3], counting(27));
  const bias = { ...BIAS, dtype: 'I32' };
  expect(await refusal(safetensorsFile([kernel, MATRIX, bias, ...others]))).toBe(
    'does not fit net: 1 missing (bn.running_mean); 6 unexpected (a, b, c, d, and 2 more); ' +
      '1 of another shape (conv.weight [3, 3, 1, 3], wanted [2, 1, 1, 3]); ' +
      '1 of a dtype other than F32, F16, BF16, to be converted to float32 (fc.bias I32)',
  );
});

test('names behind a common beginning are told as such', async () => {
  const behind = WHOLE.map((one) => ({ ...one, name: `model.${one.name}` }));
  expect(await refusal(safetensorsFile(behind))).toMatch(
    /^does not fit net: .*; its names begin with model\., wanted a file that has them without it$/,
  );
});

test('published weights are spoken of where the network is as published', () => {
  const model = modelSchema.parse({ name: 'deit-s', dropPath: 0.1 });
  expect(isAsPublished(model)).toBe(true);
  expect(isAsPublished({ ...model, layers: 2 })).toBe(false);
  expect(isAsPublished({ ...model, width: 384 })).toBe(true);
  expect(whereWeightsAre('deit-s', false)).toMatch(
    /^of deit-s with these options of model none are published; .* node scripts\/fill-weights\.mjs/,
  );
});

describe('a damaged file', () => {
  test('that fsam exported under PyTorch’s names, too', async () => {
    const path = join(temporaryFolder(), 'exported.safetensors');
    const names = [KERNEL, MATRIX, BIAS, MEAN].map(({ name, shape }) => ({ name, shape }));
    const sizes = [6, 6, 3, 2];
    const tensors = names.map((one, i) => ({ ...one, data: counting(sizes[i] ?? 0) }));
    await writeSafetensors(path, tensors, { format: 'pt', by: 'fsam export' });
    expect((await read(path)).notes).toHaveLength(1);
    const bytes = readFileSync(path);
    bytes[bytes.length - 1] = 1;
    writeFileSync(path, bytes);
    expect(await refusal(path)).toBe(
      'is no intact safetensors file: its content does not match its checksum',
    );
  });

  test('whose header has a tensor twice', async () => {
    const path = safetensorsFile(WHOLE);
    const bytes = readFileSync(path);
    const length = Number(bytes.readBigUInt64LE());
    const header = bytes.subarray(8, 8 + length).toString();
    const entry = /"bn\.num_batches_tracked":\{[^}]*\}/.exec(header)?.[0] ?? '';
    const twice = Buffer.from(header.replace(/\}$/, `,${entry}}`));
    const prefix = Buffer.alloc(8);
    prefix.writeBigUInt64LE(BigInt(twice.length));
    writeFileSync(path, Buffer.concat([prefix, twice, bytes.subarray(8 + length)]));
    expect(await refusal(path)).toBe(
      'is no intact safetensors file: its header has bn.num_batches_tracked twice',
    );
  });

  test.each([
    ['a zip archive', Buffer.from('PK\u0003\u0004\u0014\u0000\u0000\u0008\u0008')],
    ['a pickle', Buffer.from([0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9])],
  ])('that torch.save wrote, as %s, is told as such', async (_, bytes) => {
    const path = join(temporaryFolder(), 'model.pth');
    writeFileSync(path, bytes);
    expect(await refusal(path)).toMatch(
      /^looks like a file of torch\.save .* wanted a safetensors file; in Python: safetensors\.torch\.save_file/,
    );
  });

  test.each([
    ['a pointer of Git LFS', 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n'],
    ['a web page', '<!DOCTYPE html><html><body>not found</body></html>'],
    ['a web page', '<html><head></head></html>'],
    ['a web page', '\uFEFF\n<!-- none --><html></html>'],
    ['a web page', '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'],
  ])('that is %s is told as such', async (what, text) => {
    const path = join(temporaryFolder(), 'model.safetensors');
    writeFileSync(path, text);
    expect(await refusal(path)).toContain(`is ${what}`);
  });

  test('that is a pipe is refused without waiting for its writer', async () => {
    const path = join(temporaryFolder(), 'pipe.safetensors');
    execFileSync('mkfifo', [path]);
    expect(await refusal(path)).toMatch(
      /^is a pipe, which cannot be read more than once; wanted a file/,
    );
  });

  test('cut in half', async () => {
    const path = safetensorsFile(WHOLE);
    truncateSync(path, readFileSync(path).length - 40);
    expect(await refusal(path)).toMatch(/^is no intact safetensors file: .*it was cut short$/);
  });

  test('whose header says that it is 10 GB long', async () => {
    const path = safetensorsFile(WHOLE);
    const bytes = readFileSync(path);
    bytes.writeBigUInt64LE(10_000_000_000n);
    writeFileSync(path, bytes);
    expect(await refusal(path)).toContain('its header cannot be 10000000000 bytes long');
  });

  test('whose header says that a tensor has 10 GB', async () => {
    const huge = { name: 'conv.weight', shape: [2_500_000_000], bytes: new Uint8Array(0) };
    const entry = { dtype: 'F32', shape: huge.shape, data_offsets: [0, 10_000_000_000] };
    const header = Buffer.from(JSON.stringify({ [huge.name]: entry }));
    const path = join(temporaryFolder(), 'huge.safetensors');
    const prefix = Buffer.alloc(8);
    prefix.writeBigUInt64LE(BigInt(header.length));
    writeFileSync(path, Buffer.concat([prefix, header]));
    expect(await refusal(path)).toContain('wanted 10000000000: it was cut short');
    // Nothing but holes: it has as many bytes as it says.
    truncateSync(path, prefix.length + header.length + 10_000_000_000);
    const before = process.memoryUsage().rss;
    expect(await refusal(path)).toContain('conv.weight [2500000000], wanted [2, 1, 1, 3]');
    expect(process.memoryUsage().rss - before).toBeLessThan(100e6);
  });
});

test.each(['https://example.org/model.safetensors', 'HTTP://x/y', 'hf://timm/vit', 's3://a/b'])(
  'an address is told as one: %s',
  async (pretrained) => {
    const config = configSchema.parse({
      ...{ name: 'begun', epochs: 1, data: { name: 'synthetic' } },
      model: { name: 'vit', pretrained },
      optimizer: { name: 'sgd' },
    });
    const engine = {
      slots,
      readState: () => drawn,
      writeState: () => {
        throw new Error('nothing is there to begin with');
      },
    };
    const request = { config, workingFolder: '/', reporter: { note: () => undefined } };
    const dataset = makeSynthetic(config.data.synthetic, 1);
    expect(await messageOf(beginWithPretrained(request, engine, dataset))).toBe(
      `model.pretrained: got the address ${pretrained}, wanted a file: fetch it first, for nothing here fetches weights`,
    );
  },
);

test('where weights are published is told by network', () => {
  expect(whereWeightsAre('deit-s', true)).toBe(
    'fsam fetches no weights; those of deit-s are model.safetensors of timm/deit_small_patch16_224.fb_in1k on the ' +
      'Hugging Face hub, made of deit_small_patch16_224-cd65a155.pth, whose sha256 begins with cd65a155',
  );
  expect(whereWeightsAre('vit-s/16', true)).toMatch(
    /augreg_in21k_ft_in1k on the Hugging Face hub$/,
  );
  expect(whereWeightsAre('vgg16', true)).toContain('of vgg16 none are published');
});
