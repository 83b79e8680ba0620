// Writing shards of our own, going on with them, and verifying them.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { maskedCrc } from '../../src/data/records/crc.js';
import { shardFolder, type ShardOptions } from '../../src/data/records/shard-folder.js';
import { verifyPart, type Decode, type Findings } from '../../src/data/records/verify-part.js';
import {
  verifyShards,
  type ShardFault,
  type VerifyCrew,
} from '../../src/data/records/verify-shards.js';
import { messageOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';
import { contents, folderOf, goldenTree, indexOf, picture, SYNSETS } from './records-support.js';

/** Twelve pictures of three classes, and two for validation. */
const tree = (): string =>
  folderOf({
    ...Object.fromEntries(
      Array.from({ length: 12 }, (_, i) => {
        const name = i === 5 ? 'png-named.jpg' : ['420.jpg', 'wide.jpg', 'one-wide.jpg'][i % 3]!;
        return [`train/${SYNSETS[i % 3]!}/${SYNSETS[i % 3]!}_${i}.JPEG`, picture(name)];
      }),
    ),
    [`val/${SYNSETS[0]!}/ILSVRC2012_val_00000001.JPEG`]: picture('grey.jpg'),
    [`val/${SYNSETS[2]!}/ILSVRC2012_val_00000002.JPEG`]: picture('422.jpg'),
  });

const shard = (options: Pick<ShardOptions, 'from' | 'to'> & Partial<ShardOptions>) =>
  shardFolder({
    format: 'tfrecord',
    shards: 3,
    seed: 1,
    index: { cache: temporaryFolder(), workers: 0 },
    ...options,
  });

async function verify(
  folder: string,
  decode: Decode = () => null,
  size = 1,
): Promise<ShardFault[]> {
  const faults: ShardFault[] = [];
  const crew = (): VerifyCrew => ({
    size,
    run: (task) => Promise.resolve(verifyPart(task, decode)),
    close: () => undefined,
  });
  for await (const fault of verifyShards(folder, { crew })) faults.push(fault);
  return faults;
}

describe.each(['tfrecord', 'webdataset'] as const)('%s', (format) => {
  it('holds the same records in the same order as the folder', async () => {
    const from = tree();
    const to = join(temporaryFolder(), 'shards');
    const manifest = await shard({ from, to, format });
    const [folder, shards] = [await indexOf(from), await indexOf(to)];
    expect(shards.classNames).toEqual(SYNSETS.slice(0, 3));
    for (const split of ['train', 'test'] as const) {
      expect(contents(shards[split]!)).toEqual(contents(folder[split]!));
    }
    expect(manifest.splits).toEqual({
      train: { records: 12, shards: 3 },
      validation: { records: 2, shards: 1 },
    });
    for (const { file, bytes, sha256, records } of manifest.shards) {
      const content = readFileSync(join(to, file));
      expect(content.length).toBe(bytes);
      expect(createHash('sha256').update(content).digest('hex')).toBe(sha256);
      expect(records).toBe(file.startsWith('train') ? 4 : 2);
    }
    expect(await verify(to)).toEqual([]);
  });

  it('depends on the seed alone, from whatever form, and goes on where it was stopped', async () => {
    const from = tree();
    const [first, second, other] = ['a', 'b', 'c'].map((name) => join(temporaryFolder(), name));
    const manifest = await shard({ from, to: first!, format });
    const stop = new AbortController();
    const stopped = shard({
      from,
      to: second!,
      format,
      signal: stop.signal,
      onProgress: ({ done }) => {
        if (done === 7) stop.abort(new Error('stopped'));
      },
    });
    await expect(stopped).rejects.toThrow('stopped');
    expect(readdirSync(second!).filter((name) => /^[.]?(train|val)/.test(name))).toHaveLength(1);
    expect((await verify(second!))[0]).toMatchObject({
      file: join(second!, 'manifest.json'),
      reason: expect.stringMatching(/not all shards are written/) as string,
    });
    const dones: number[] = [];
    const onProgress = ({ done }: { done: number }) => dones.push(done);
    expect(await shard({ from, to: second!, format, onProgress })).toEqual(manifest);
    expect(dones[0]).toBe(5);
    const again = await shard({ from: first!, to: other!, format });
    expect(again.shards).toEqual(manifest.shards);
    const seeded = await shard({ from, to: join(temporaryFolder(), 'd'), format, seed: 2 });
    expect(seeded.shards[0]!.sha256).not.toBe(manifest.shards[0]!.sha256);
    expect(await messageOf(shard({ from, to: first!, format, seed: 2 }))).toMatch(
      /manifest\.json: is of other shards \(seed 1, now 2\); name another folder with --to/,
    );
  });
});

it('writes TFRecords by the format, byte by byte', async () => {
  const from = folderOf({ 'train/n1/x.JPEG': picture('one-wide.jpg') });
  const to = join(temporaryFolder(), 'shards');
  await shard({ from, to, shards: 1 });
  const bytes = readFileSync(join(to, 'train-00000-of-00001'));
  const field = (number: number, content: Buffer): Buffer =>
    Buffer.concat([Buffer.from([8 * number + 2]), varint(content.length), content]);
  const varint = (value: number): Buffer =>
    Buffer.from(value < 128 ? [value] : [(value & 127) | 128, value >> 7]);
  const feature = (name: string, kind: 1 | 3, value: Buffer): Buffer =>
    field(1, Buffer.concat([field(1, Buffer.from(name)), field(2, field(kind, field(1, value)))]));
  const example = field(
    1,
    Buffer.concat([
      feature('image/class/label', 3, varint(0)),
      feature('image/class/synset', 1, Buffer.from('n1')),
      feature('image/filename', 1, Buffer.from('x.JPEG')),
      feature('image/format', 1, Buffer.from('JPEG')),
      feature('image/height', 3, varint(90)),
      feature('image/width', 3, varint(1)),
      feature('image/encoded', 1, picture('one-wide.jpg')),
    ]),
  );
  expect(Number(bytes.readBigUInt64LE(0))).toBe(example.length);
  expect(bytes.subarray(12, -4).equals(example)).toBe(true);
  // RFC 3720, B.4: the CRC-32C of 32 zeros; turned and moved on by hand.
  const crc = 0x8a9136aa;
  expect(maskedCrc(Buffer.alloc(32))).toBe(
    (((crc >>> 15) + crc * 2 ** 17 + 0xa282ead8) % 2 ** 32) >>> 0,
  );
});

it('writes archives that tar lists as it should', async () => {
  const to = join(temporaryFolder(), 'shards');
  await shard({ from: goldenTree(), to, format: 'webdataset', shards: 1 });
  const path = join(to, 'train-00000-of-00001.tar');
  const names = execFileSync('tar', ['tf', path], { encoding: 'utf8' }).trim().split('\n');
  const keys = SYNSETS.map((synset, i) => `${synset}_${i}`);
  expect(names.toSorted()).toEqual(keys.flatMap((key) => [`${key}.cls`, `${key}.jpg`]));
});

it('refuses what it cannot write well', async () => {
  const from = tree();
  const to = folderOf({ 'mine.txt': '' });
  expect(await messageOf(shard({ from, to }))).toBe(
    `${join(to, 'mine.txt')}: is there already; wanted an empty folder for the shards: name another with --to`,
  );
  const none = join(temporaryFolder(), 'none');
  expect(await messageOf(shard({ from, to: none, shards: 13 }))).toBe(
    '--shards 13: wanted at most 12, a record each',
  );
  writeFileSync(join(from, 'train', SYNSETS[0]!, 'zz.jpg'), 'text');
  expect(await messageOf(shard({ from, to: none }))).toMatch(
    /train\/n01440764: zz\.jpg is no JPEG or PNG \(it begins with "text.*"\); take it away/,
  );
  expect(readdirSync(join(none, '..'))).toEqual([]);
});

describe('verify', () => {
  it('names shard, record and reason of each fault, and goes on behind it', async () => {
    const to = join(temporaryFolder(), 'shards');
    await shard({ from: tree(), to });
    const [first, second] = [0, 1].map((i) => join(to, `train-0000${i}-of-00003`));
    const bytes = readFileSync(first!);
    bytes[bytes.length - 100]! ^= 1;
    writeFileSync(first!, bytes);
    const size = readFileSync(second!).length;
    truncateSync(second!, size - 1);
    const faults = await verify(to);
    expect(faults.map(({ file }) => file)).toEqual([first, first, second, second, second]);
    expect(faults.map(({ record }) => record)).toEqual([
      expect.stringMatching(/^record 3 \(byte \d+\)$/),
      null,
      null,
      null,
      null,
    ]);
    expect(faults.map(({ reason }) => reason)).toEqual([
      'is damaged: its CRC differs',
      'has another sha256 than manifest.json says',
      expect.stringMatching(/^record 3 \(byte \d+\) is cut short: .*; what follows was not read$/),
      'has 3 records that can be read, wanted 4 (manifest.json)',
      'has another sha256 than manifest.json says',
    ]);
    rmSync(first!);
    expect((await verify(to))[0]).toEqual({
      file: to,
      record: null,
      reason: 'shard train-00000-of-00003 is missing (2 of 3 are there); get the whole set',
    });
  });

  it('tells what the decoder says, and reads folders as well', async () => {
    const from = goldenTree();
    let count = 0;
    const faults = await verify(from, () => (++count === 2 ? 'cannot be decoded' : null));
    expect(faults).toEqual([
      {
        file: join(from, 'train', SYNSETS[1]!),
        record: `${SYNSETS[1]!}_1.JPEG`,
        reason: 'cannot be decoded',
      },
    ]);
  });

  it("shares a part out so that each record is one share's", () => {
    const from = folderOf(
      Object.fromEntries(
        Array.from({ length: 200 }, (_, i) => [`${1000 + i}.jpg`, picture('one-wide.jpg')]),
      ),
    );
    const part = { kind: 'folder', path: from, range: null, className: null } as const;
    const found = [0, 1, 2].map((share): Findings => {
      const task = { part, share, shares: 3, sha256: null };
      return verifyPart(task, () => 'cannot be decoded');
    });
    expect(found.map(({ records }) => records)).toEqual([72, 64, 64]);
    const ats = found.flatMap(({ faults }) => faults.map(({ at }) => at));
    expect(new Set(ats).size).toBe(200);
  });

  it('shares out what is large, and puts its faults in their order', async () => {
    const names = Array.from({ length: 9000 }, (_, i) => `train/a/${10_000 + i}.jpg`);
    const from = folderOf(Object.fromEntries(names.map((name) => [name, ''])));
    const [alone, shared] = [await verify(from), await verify(from, undefined, 4)];
    expect(alone.map(({ record }) => `train/a/${record!}`)).toEqual(names);
    expect(shared).toEqual(alone);
  });
});
