// The safetensors format: read back, read by Python's library, damaged in every way.
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeSynthetic } from '../../src/data/synthetic.js';
import { loadCheckpoint, saveCheckpoint } from '../../src/experiment/checkpoint.js';
import { BEGINNING } from '../../src/experiment/progress.js';
import { sizeOf } from '../../src/native/types.js';
import { required } from '../../src/util/errors.js';
import {
  readHeader,
  readTensors,
  writeSafetensors,
  type Tensor,
} from '../../src/util/safetensors.js';
import { messageOf } from '../support/errors.js';
import { batchAt } from '../../src/data/image-source.js';
import { temporaryFolder } from '../support/folders.js';
import { fakeConfig, fakeEngine } from './experiment-fake-engine.js';

const memory = Float32Array.of(9, 1, -2, 0.1, 3e38, 5, 1.5);
const tensors = [
  { name: 'b.weight', shape: [1, 2, 2], data: memory.subarray(1, 5) },
  { name: 'a', shape: [2], data: memory.subarray(5) },
  { name: 'empty', shape: [0], data: new Float32Array() },
];

async function written(): Promise<string> {
  const path = join(temporaryFolder(), 'x.safetensors');
  await writeSafetensors(path, tensors, { note: 'größe', 'a key': '1' });
  return path;
}

async function readAll(path: string): Promise<Map<string, Float32Array>> {
  const found = new Map<string, Float32Array>();
  await readTensors(path, ({ name, start, end }) => {
    const data = new Float32Array((end - start) / 4);
    found.set(name, data);
    return data;
  });
  return found;
}

/** A file with `header` before `data` bytes of zeros. */
function handMade(header: string, data: number, length = Buffer.byteLength(header)): string {
  const path = join(temporaryFolder(), 'x.safetensors');
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(length));
  writeFileSync(path, Buffer.concat([prefix, Buffer.from(header), Buffer.alloc(data)]));
  return path;
}

const entry = (start: number, end: number, shape = [(end - start) / 4]) =>
  JSON.stringify({ dtype: 'F32', shape, data_offsets: [start, end] });

const python = process.env['FSAM_TEST_PYTHON'] ?? 'python3';
const hasReader = spawnSync(python, ['-c', 'import safetensors.numpy']).status === 0;
const NO_READER = `skipped: ${python} has no safetensors and numpy; FSAM_TEST_PYTHON names another`;

interface Told {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

function readByPython(path: string) {
  const program = `
import json, sys
from safetensors import safe_open
with safe_open(sys.argv[1], 'np') as f:
    found = {name: f.get_tensor(name) for name in sorted(f.keys())}
    tensors = [dict(name=n, type=str(t.dtype), shape=t.shape, values=t.ravel().tolist()) for n, t in found.items()]
    print(json.dumps(dict(metadata=f.metadata(), tensors=tensors)))`;
  const output = execFileSync(python, ['-c', program, path], { encoding: 'utf8' });
  return JSON.parse(output) as { metadata: Record<string, string>; tensors: Told[] };
}

const asPythonTells = ({ name, shape, data }: Tensor): Told => ({
  ...{ name, type: 'float32', shape },
  values: [...data.subarray(0, sizeOf(shape))],
});

const byName = (a: Told, b: Told): number => (a.name < b.name ? -1 : 1);

describe('safetensors', () => {
  it('reads back what it wrote, and leaves no other file', async () => {
    const path = await written();
    const { metadata, tensors: entries, dataStart } = await readHeader(path);
    expect(metadata).toMatchObject({ note: 'größe', 'a key': '1' });
    expect(entries.map(({ name, shape }) => [name, shape])).toEqual(
      tensors.map(({ name, shape }) => [name, shape]),
    );
    expect(dataStart % 8).toBe(0);
    expect(await readAll(path)).toEqual(new Map(tensors.map(({ name, data }) => [name, data])));
    expect(readdirSync(join(path, '..'))).toEqual(['x.safetensors']);
  });

  describe(`is what Python's safetensors reads (${hasReader ? python : NO_READER})`, () => {
    it.skipIf(!hasReader)('a file of tensors, empty ones included', async () => {
      const path = await written();
      const { metadata, tensors: read } = readByPython(path);
      expect(metadata).toEqual((await readHeader(path)).metadata);
      expect(metadata).toMatchObject({ note: 'größe', 'a key': '1' });
      expect(read).toEqual(tensors.map(asPythonTells).sort(byName));
    });

    it.skipIf(!hasReader)('a checkpoint', async () => {
      const path = join(temporaryFolder(), 'x.safetensors');
      const config = fakeConfig();
      const engine = fakeEngine()(config, makeSynthetic(config.data.synthetic, 1), {
        mode: 'compiled',
      });
      engine.trainStep(0, batchAt(Int32Array.of(0, 1, 2)), 0.1);
      const record = { identity: { größe: 1e-12 }, seed: 1, trainImages: 20, progress: BEGINNING };
      await saveCheckpoint(path, engine, record);
      const { metadata, tensors: read } = readByPython(path);
      expect(metadata).toEqual((await readHeader(path)).metadata);
      expect(JSON.parse(metadata['run'] ?? '')).toEqual(record);
      const state = engine.readState();
      const wanted = engine.slots.flatMap((slot) =>
        slot.tensors.map(({ name, shape, offset }) => {
          const data = required(state.get(slot.name), slot.name).subarray(offset);
          return asPythonTells({ name, shape, data });
        }),
      );
      expect(wanted.length).toBeGreaterThan(4);
      expect(read).toEqual(wanted.sort(byName));
    });
  });

  it('a checkpoint with a number that no run saves is refused by the name of its tensor', async () => {
    const path = join(temporaryFolder(), 'x.safetensors');
    const config = fakeConfig();
    const engine = fakeEngine()(config, makeSynthetic(config.data.synthetic, 1), {
      mode: 'compiled',
    });
    await saveCheckpoint(path, engine, { seed: 1, trainImages: 20, progress: BEGINNING });
    const header = await readHeader(path);
    const sets = header.tensors.map(({ name, shape }) => {
      return { name, shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) };
    });
    await readTensors(
      path,
      ({ name }) =>
        required(
          sets.find((one) => one.name === name),
          name,
        ).data,
    );
    required(sets[1], 'a tensor').data[0] = NaN;
    const { metadata } = header;
    Reflect.deleteProperty(metadata, 'sha256');
    await writeSafetensors(path, sets, metadata);
    expect(await messageOf(loadCheckpoint(path, engine))).toBe(
      `${path}: ${required(sets[1], 'a tensor').name} holds numbers that are not finite, which no run saves; wanted the file as it was written`,
    );
  });

  it('finds every single damaged byte', async () => {
    const path = await written();
    const intact = readFileSync(path);
    for (let i = 0; i < intact.length; i++) {
      const bytes = Buffer.from(intact);
      bytes[i] = (bytes[i] ?? 0) ^ 1;
      writeFileSync(path, bytes);
      expect(await messageOf(readAll(path)), `byte ${i}`).toContain(path);
    }
  });

  it('finds every cut', async () => {
    const path = await written();
    const intact = readFileSync(path);
    for (let length = 0; length < intact.length; length++) {
      writeFileSync(path, intact.subarray(0, length));
      expect(await messageOf(readHeader(path)), `${length} bytes`).toContain('is no intact');
    }
  });

  it.each([
    ['an absurd header length', '{}', 0, 2 ** 50, 'cannot be 1125899906842624 bytes long'],
    ['a header longer than the file', '{}', 0, 1000, 'in its header of 1000 bytes'],
    ['a header that is not JSON', '{a}', 0, undefined, 'not JSON'],
    ['a header that is a list', '[1]', 0, undefined, 'not a JSON object'],
    ['numbers in the metadata', '{"__metadata__":{"a":1}}', 0, undefined, '__metadata__'],
    ['an unknown type', '{"a":{"dtype":"F3"}}', 0, undefined, 'a: dtype "F3", wanted one of F64'],
    ['a negative size', `{"a":${entry(0, 4, [-1])}}`, 4, undefined, 'a: shape [-1]'],
    ['sizes that do not fit', `{"a":${entry(0, 4, [2])}}`, 4, undefined, 'wanted two 8 bytes'],
    [
      'an overlap',
      `{"a":${entry(0, 8)},"b":${entry(4, 12)}}`,
      12,
      undefined,
      'b: starts at byte 4',
    ],
    ['a gap', `{"a":${entry(0, 4)},"b":${entry(8, 12)}}`, 12, undefined, 'follows a gap'],
    ['elements out of range', `{"a":${entry(0, 8)}}`, 4, undefined, 'it was cut short'],
    ['elements of no tensor', `{"a":${entry(0, 4)}}`, 8, undefined, 'added at its end'],
  ])('refuses %s', async (_, header, data, length, wanted) => {
    expect(await messageOf(readHeader(handMade(header, data, length)))).toContain(wanted);
  });

  it('tells files of others and tensors of other types for what they are', async () => {
    const half = '{"a":{"dtype":"F16","shape":[3],"data_offsets":[0,6]}}';
    const path = handMade(half, 6);
    expect((await readHeader(path)).tensors).toMatchObject([{ name: 'a', dtype: 'F16', end: 6 }]);
    const message = await messageOf(readTensors(path, () => new Float32Array(3)));
    expect(message).toBe(
      `${path}: tensor a is of dtype F16, wanted F32, which all of a checkpoint is`,
    );
    const engine = { slots: [], readState: () => new Map(), writeState: () => undefined };
    expect(await messageOf(loadCheckpoint(path, engine))).toBe(
      `${path}: is a safetensors file, but no checkpoint of fsam`,
    );
    const run = JSON.stringify({ seed: 1, trainImages: 1, progress: { ...BEGINNING, rings: 1 } });
    await writeSafetensors(path, [], { format: 'fsam checkpoint', version: '1', run });
    expect(await messageOf(loadCheckpoint(path, engine))).toContain(
      `${path}: has the key progress.rings, which this version of fsam does not know`,
    );
  });
});
