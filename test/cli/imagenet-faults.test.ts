// Damage of every kind, as a user meets it in training and in fsam data verify: one line that names file,
// record and reason, and nothing else's words on stderr. What the reasons are is tested in test/unit and
// test/native, too.
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { pngOf } from '../native/support/pictures.js';
import { temporaryFolder } from '../support/folders.js';
import { fsam } from './support/fsam.js';
import { SET } from './support/own-indexes.js';
import { golden, makeSet, trainingOn } from './support/pictures.js';
import { writeShards } from './support/shards.js';

const folder = temporaryFolder();
const [WHOLE, RECORDS, TARS] = ['whole', 'records', 'tars'].map((form) => `${SET}-${form}`) as [
  string,
  string,
  string,
];

beforeAll(async () => {
  makeSet(join(folder, WHOLE));
  await writeShards(folder, WHOLE, { tfrecord: RECORDS, webdataset: TARS });
  // They would tell of each change besides.
  for (const shards of [RECORDS, TARS]) rmSync(join(folder, shards, 'manifest.json'));
});

let sets = 0;
/** A copy of a set, to be damaged. */
function copyOf(set: string): string {
  const copy = `${SET}-${++sets}`;
  cpSync(join(folder, set), join(folder, copy), { recursive: true });
  return copy;
}

/** A set with one more picture to train on, train/n1/x.JPEG. */
function withPicture(content: Buffer): string {
  const set = `${SET}-${++sets}`;
  makeSet(join(folder, set), { 'train/n1/x.JPEG': content });
  return set;
}

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

/** What training says at its end, its one mistake; what else it says is ours. */
async function trainingSays(set: string): Promise<string> {
  const { code, stderr } = await fsam(folder, trainingOn(folder, set, `${set}-run`));
  const [said, ours] = [
    lines(stderr),
    /^(fsam: |imagenet: |labels: |.*-run: |saved after step |epoch )/,
  ];
  expect(said.filter((line) => !ours.test(line))).toEqual([]);
  expect(code).toBe(2);
  expect(said.filter((line) => line.startsWith('fsam: '))).toEqual([said.at(-1)]);
  return said.at(-1)!;
}

/** The faults that verify tells of. */
async function verifySays(set: string, ...options: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await fsam(folder, ['data', 'verify', set, ...options]);
  const [ours, faults] = [/^(verifying, parts: |fsam: )/, lines(stdout)];
  expect(lines(stderr).filter((line) => !ours.test(line))).toEqual([]);
  expect(code).toBe(1);
  expect(stderr).toMatch(
    new RegExp(`^fsam: ${set}: ${faults.length} faults?; \\d+ records? read, the pictures`, 'm'),
  );
  return faults;
}

const jpeg = golden('420.jpg');
const end = jpeg.subarray(-2);

/** As if a disk had lost its second half, all but the end mark. */
const withGap = Buffer.concat([jpeg.subarray(0, jpeg.length / 2), end]);

/** A JPEG whose frame header says other sides. */
function huge(): Buffer {
  const bytes = Buffer.from(jpeg);
  const frame = bytes.indexOf(Buffer.of(0xff, 0xc0));
  bytes.writeUInt16BE(20_000, frame + 5);
  bytes.writeUInt16BE(20_000, frame + 7);
  return bytes;
}

const png16 = pngOf({ height: 40, width: 40 }, 2, 16, Array<Buffer>(40).fill(Buffer.alloc(240, 9)));

describe('a picture', () => {
  const BAD: readonly (readonly [string, Buffer, string])[] = [
    ['half a JPEG', jpeg.subarray(0, jpeg.length / 2), 'is a JPEG without its end mark FFD9'],
    ['a JPEG with a gap in its midst', withGap, 'cannot be decoded: its pixels are damaged: Corr'],
    ['a PNG that is cut', png16.subarray(0, -30), 'is a PNG without its end IEND'],
    ['nothing', Buffer.alloc(0), 'is empty'],
    ['text', Buffer.from('<html>gone</html>'), 'is no JPEG or PNG (it begins with "<html>go")'],
    ['a header of 20,000 x 20,000', huge(), 'is 20000 x 20000 pixels large, wanted at most'],
  ];

  it.each(BAD)('that is %s', async (_, content, reason) => {
    const set = withPicture(content);
    expect(await trainingSays(set)).toContain(`${set}/train/n1: x.JPEG ${reason}`);
    const faults = await verifySays(set);
    expect(faults).toEqual([expect.stringContaining(`${set}/train/n1: x.JPEG ${reason}`)]);
  });

  it('of all these kinds is named in the order of its place, whatever the number of threads', async () => {
    const set = `${SET}-many`;
    const bad = BAD.flatMap(([, content], i) => [
      [`train/n0/${i}.JPEG`, content] as const,
      [`val/n1/${i}.JPEG`, content] as const,
    ]);
    makeSet(join(folder, set), Object.fromEntries(bad));
    const alone = await verifySays(set, '--workers', '1');
    expect(alone).toEqual(
      ['train/n0', 'val/n1'].flatMap((part) =>
        BAD.map(
          ([, , reason], i) =>
            expect.stringContaining(`${set}/${part}: ${i}.JPEG ${reason}`) as string,
        ),
      ),
    );
    expect(await verifySays(set, '--workers', '5')).toEqual(alone);
  });

  it('of another kind than its name says, or with bytes left over, is as good as any', async () => {
    const set = `${SET}-odd`;
    const odd = ['cmyk', 'inks', 'inks-transformed', 'png-named', 'png-alpha-named'];
    const pictures = odd.map((name) => [`train/n1/${name}.JPEG`, golden(`${name}.jpg`)] as const);
    const leftOver = Buffer.concat([jpeg.subarray(0, -2), Buffer.alloc(20, 7), end]);
    makeSet(join(folder, set), {
      ...Object.fromEntries(pictures),
      'train/n0/left-over.JPEG': leftOver,
      'train/n0/png16.JPEG': png16,
    });
    const verified = await fsam(folder, ['data', 'verify', set]);
    expect([verified.code, verified.stdout]).toEqual([
      0,
      `${set}: 15 records read, the pictures decoded in full: checksums, headers, ends and pixels are as they should be\n`,
    ]);
    const trained = await fsam(folder, trainingOn(folder, set, 'odd'));
    expect(trained.code).toBe(0);
    expect(verified.stderr + trained.stderr).not.toMatch(/JPEG|marker/);
  });
});

describe('a shard', () => {
  const shard = (set: string, name: string): string => join(folder, set, name);
  const LAST = 'train-00001-of-00002';

  it('with a flipped byte', async () => {
    const set = copyOf(RECORDS);
    const bytes = readFileSync(shard(set, LAST));
    bytes[bytes.length - 200]! ^= 1;
    writeFileSync(shard(set, LAST), bytes);
    const said = /train-00001-of-00002: record 2 \(byte \d+\) is damaged: its CRC differs$/;
    expect(await trainingSays(set)).toMatch(said);
    expect(await verifySays(set)).toEqual([expect.stringMatching(said)]);
  });

  it.each([
    ['record', RECORDS, LAST, /: record 2 \(byte \d+\) is cut short: \d+ bytes are there/],
    ['member', TARS, `${LAST}.tar`, /: is cut short in n\d_\w\.jpg \(byte \d+ of \d+\)/],
  ])('whose last %s is cut', async (_, from, name, said) => {
    const set = copyOf(from);
    truncateSync(shard(set, name), readFileSync(shard(set, name)).length - 3000);
    expect(await trainingSays(set)).toMatch(said);
    expect(await verifySays(set)).toEqual([expect.stringMatching(said)]);
  });

  it('that is ILSVRC2012_img_train.tar, cut in its midst', async () => {
    const set = `${SET}-${++sets}`;
    cpSync(join(folder, WHOLE, 'val'), join(folder, set, 'val'), { recursive: true });
    const inner = ['n0', 'n1'].map((name) => `${name}.tar`);
    for (const name of inner) {
      const from = join(folder, WHOLE, 'train', name.replace('.tar', ''));
      execFileSync('tar', ['cf', join(folder, name), '-C', from, '.']);
    }
    const path = shard(set, 'ILSVRC2012_img_train.tar');
    execFileSync('tar', ['cf', path, '-C', folder, ...inner]);
    truncateSync(path, readFileSync(path).indexOf('n1.tar') + 2000);
    const said = /ILSVRC2012_img_train\.tar: is cut short in n1\.tar \(byte \d+ of \d+\)/;
    expect(await trainingSays(set)).toMatch(said);
    expect(await verifySays(set)).toEqual([expect.stringMatching(said)]);
  });

  it('that is missing from the numbered set', async () => {
    const set = copyOf(RECORDS);
    rmSync(shard(set, LAST));
    const said = `${set}: shard ${LAST} is missing (1 of 2 are there); get the whole set`;
    expect(await trainingSays(set)).toContain(said);
    expect(await verifySays(set)).toEqual([said]);
  });

  it('that is packed, by its name or its content', async () => {
    const set = copyOf(RECORDS);
    const said = new RegExp(`${LAST}(\\.gz)?: is packed with gzip, .*; unpack it: gunzip`);
    const packed = gzipSync(readFileSync(shard(set, LAST)));
    writeFileSync(shard(set, LAST), packed);
    expect(await trainingSays(set)).toMatch(said);
    expect(await verifySays(set)).toEqual([expect.stringMatching(said)]);
    renameSync(shard(set, LAST), `${shard(set, LAST)}.gz`);
    expect(await trainingSays(set)).toMatch(said);
    expect(await verifySays(set)).toEqual([expect.stringMatching(said)]);
  });

  it('with a label out of range', async () => {
    const set = copyOf(TARS);
    writeFileSync(join(folder, set, 'classes.txt'), 'n0\n');
    expect(await trainingSays(set)).toMatch(
      /: member n1_\w\.jpg has label 1, out of range; wanted 0/,
    );
  });

  it.each(['../', '/etc/'])('with a member in %s', async (outside) => {
    const set = `${SET}-${++sets}`;
    mkdirSync(join(folder, set));
    const from = join(folder, WHOLE, 'train', 'n0');
    writeFileSync(join(from, 'a.cls'), '0');
    const options = ['-P', '--transform', `s,^,${outside},`, '-C', from, 'a.cls', 'a.JPEG'];
    execFileSync('tar', ['cf', shard(set, 'train-0.tar'), ...options]);
    rmSync(join(from, 'a.cls'));
    const said = `train-0.tar: member ${outside}a.cls leads outside of the archive; wanted names`;
    expect(await trainingSays(set)).toContain(said);
    expect(await verifySays(set)).toEqual([expect.stringContaining(said)]);
  });

  it('whose picture is a link to a file outside', async () => {
    const set = `${SET}-${++sets}`;
    mkdirSync(join(folder, set));
    const tree = temporaryFolder();
    writeFileSync(join(tree, 'a.cls'), '0');
    execFileSync('ln', ['-s', join(folder, WHOLE, 'train/n0/a.JPEG'), join(tree, 'a.jpg')]);
    execFileSync('tar', ['cf', shard(set, 'train-0.tar'), '-C', tree, 'a.cls', 'a.jpg']);
    const said = 'train-0.tar: member a.jpg is no file of its own; wanted the picture';
    expect(await trainingSays(set)).toContain(said);
    expect(await verifySays(set)).toEqual([expect.stringContaining(said)]);
  });
});
