// Damage of every kind: one line that names file, record and reason.
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { RecordReader } from '../../src/data/records/read-record.js';
import { RecordFault } from '../../src/data/records/record.js';
import type { RecordIndex } from '../../src/data/records/record-index.js';
import { messageOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';
import {
  contents,
  folderOf,
  goldenRecords,
  goldenTree,
  indexOf,
  picture,
  SYNSETS,
} from './records-support.js';

const failure = (folder: string) => messageOf(indexOf(folder));
const faultsOf = ({ train }: RecordIndex) => train.faults.map(({ name, reason }) => [name, reason]);

/** The message of the fault that reading record `i` of the training set throws. */
function readFailure({ train }: RecordIndex, i: number): string {
  const reader = new RecordReader(train);
  try {
    reader.read(i, Buffer.alloc(train.largestSpan));
  } catch (error) {
    expect(error).toBeInstanceOf(RecordFault);
    return (error as RecordFault).message;
  } finally {
    reader.close();
  }
  return 'none';
}

const SHARDS = ['train-00000-of-00002', 'train-00001-of-00002'];

describe('TFRecord', () => {
  it('notices a flipped byte wherever it is, by the CRC', async () => {
    const folder = goldenRecords(...SHARDS);
    const path = join(folder, SHARDS[1]!);
    const whole = readFileSync(path);
    // The picture of the second record, far from its header and its end.
    const at = whole.indexOf(picture('progressive.jpg')) + 3000;
    const damaged = Buffer.from(whole);
    damaged[at]! ^= 1;
    writeFileSync(path, damaged);
    const index = await indexOf(folder);
    expect(readFailure(index, 3)).toMatch(
      /train-00001-of-00002: record 1 \(byte \d+\) is damaged: its CRC differs$/,
    );
    expect(readFailure(index, 1)).toBe('none');

    const lengthDamaged = Buffer.from(whole);
    const second = Number(whole.readBigUInt64LE(0)) + 16;
    lengthDamaged[second]! ^= 1;
    writeFileSync(path, lengthDamaged);
    expect(await failure(folder)).toBe(
      `${path}: record 1 (byte ${second}) has a damaged length: its CRC differs; get the shard again`,
    );
  });

  it('names a last record that is cut, at every place', async () => {
    const folder = goldenRecords(...SHARDS);
    const path = join(folder, SHARDS[0]!);
    const whole = readFileSync(path);
    const second = Number(whole.readBigUInt64LE(0)) + 16;
    for (const end of [second + 1, second + 11, second + 12, second + 500, whole.length - 1]) {
      writeFileSync(path, whole.subarray(0, end));
      const wanted = end < second + 12 ? 12 : whole.length - second;
      expect(await failure(folder)).toBe(
        `${path}: record 1 (byte ${second}) is cut short: ${end - second} bytes are there, wanted ${wanted}; get the shard again`,
      );
    }
  });

  it('refuses gzip, with the way out, and what is no TFRecord', async () => {
    const folder = goldenRecords(...SHARDS);
    const path = join(folder, SHARDS[0]!);
    const whole = readFileSync(path);
    writeFileSync(path, gzipSync(whole));
    expect(await failure(folder)).toMatch(
      /train-00000-of-00002: is packed with gzip, .*; unpack it: gunzip </,
    );
    writeFileSync(path, '<!DOCTYPE html><html></html>');
    expect(await failure(folder)).toMatch(/: is no TFRecord file, or its first length is damaged/);
    renameSync(path, `${path}.gz`);
    expect(await failure(folder)).toMatch(/train-00000-of-00002\.gz: is packed with gzip/);
  });

  it('names a shard that is missing from the numbered set', async () => {
    const folder = goldenRecords(...SHARDS);
    rmSync(join(folder, SHARDS[0]!));
    expect(await failure(folder)).toBe(
      `${folder}: shard train-00000-of-00002 is missing (1 of 2 are there); get the whole set`,
    );
    const archives = goldenRecords('pictures-train-000000.tar');
    copyFileSync(
      join(archives, 'pictures-train-000000.tar'),
      join(archives, 'pictures-train-000003.tar'),
    );
    expect(await failure(archives)).toBe(
      `${archives}: shard pictures-train-000001.tar and 1 more are missing (2 of 4 are there); get the whole set`,
    );
  });

  it('tells of a record without picture or label what it has instead', async () => {
    const folder = goldenRecords(...SHARDS);
    const path = join(folder, SHARDS[0]!);
    const text = readFileSync(path).toString('latin1');
    writeFileSync(path, text.replace('image/encoded', 'image/decoded'), 'latin1');
    expect(await failure(folder)).toMatch(
      /: record 0 \(byte 0\) has no picture; wanted the feature image\/encoded or image, got image\/class\/label, image\/class\/synset/,
    );
    const labels = ['image/class/label', 'image/class/synset'];
    writeFileSync(
      path,
      labels.reduce((all, name) => all.replace(name, name.toUpperCase()), text),
      'latin1',
    );
    expect(await failure(folder)).toMatch(/: record 0 \(byte 0\) has no label; wanted the feature/);
    // The first tag of the message, behind the head of the record.
    writeFileSync(path, `${text.slice(0, 12)}\x0f${text.slice(13)}`, 'latin1');
    expect(await failure(folder)).toMatch(
      /: record 0 \(byte 0\) is no tf\.train\.Example \(a field has wire type 7\)/,
    );
  });
});

describe('archives', () => {
  const NAME = 'pictures-train-000000.tar';

  it('names the member in which an archive is cut, and one that lacks its end', async () => {
    const folder = goldenRecords(NAME);
    const path = join(folder, NAME);
    const whole = readFileSync(path);
    truncateSync(path, whole.indexOf(picture('one-wide.jpg')) + 100);
    expect(await failure(folder)).toMatch(
      new RegExp(`${NAME}: is cut short in n01484850_2.jpg \\(byte \\d+ of \\d+\\); get the`),
    );
    // Behind the last member: tar itself says nothing.
    const listing = execFileSync('tar', ['tRvf', '-'], { input: whole, encoding: 'utf8' });
    const end = Number(/block (\d+): \*\* Block of NULs/.exec(listing)![1]) * 512;
    writeFileSync(path, whole.subarray(0, end));
    expect(await failure(folder)).toMatch(/: is cut short behind n01491361_3\.jpg/);
    const damaged = Buffer.from(whole);
    damaged[512 + 512]! ^= 1;
    writeFileSync(path, damaged);
    expect(await failure(folder)).toMatch(
      /: is no intact tar archive \(byte 1024 begins no header/,
    );
  });

  it('refuses members that lead outside, in every way to write it', async () => {
    const tree = folderOf({ 'a.jpg': picture('420.jpg'), 'a.cls': '0' });
    const folder = temporaryFolder();
    for (const [outside, told] of [
      ['../', '../a.cls'],
      ['x/../../', 'x/../../a.cls'],
      ['/etc/', '/etc/a.cls'],
      [`../${'long/'.repeat(30)}`, `../${'long/'.repeat(30)}a.cls`],
    ] as const) {
      const options = ['-P', '--transform', `s,^,${outside},`, '-C', tree, 'a.cls', 'a.jpg'];
      execFileSync('tar', ['cf', join(folder, 'train-0.tar'), ...options]);
      expect(await failure(folder)).toContain(
        `train-0.tar: member ${told} leads outside of the archive; wanted names below it`,
      );
    }
  });

  it('refuses samples without picture or label, and packed archives', async () => {
    const tree = folderOf({
      'a.jpg': picture('420.jpg'),
      'a.cls': 'no label',
      'b.png': picture('png-named.jpg'),
    });
    const folder = temporaryFolder();
    const path = join(folder, 'train-0.tar');
    const packed = (...names: string[]) => execFileSync('tar', ['cf', path, '-C', tree, ...names]);
    packed('a.jpg', 'b.png');
    expect(await failure(folder)).toBe(
      `${path}: sample a has no label; wanted a.cls or a.json or a.txt beside the picture`,
    );
    packed('a.cls');
    expect(await failure(folder)).toMatch(/: sample a has no picture among a\.cls; wanted one of/);
    packed('a.cls', 'a.jpg');
    expect(await failure(folder)).toBe(
      `${path}: member a.cls holds "no label"; wanted the label: a number, or the name of a class`,
    );
    packed('a.jpg', 'a.jpg');
    expect(await failure(folder)).toMatch(/: member a\.jpg is there twice/);
    renameSync(path, `${path}.gz`);
    expect(await failure(folder)).toMatch(/train-0\.tar\.gz: is packed with gzip, .*: gunzip \S+$/);
  });
});

it('keeps damaged pictures in the index, each with its reason', async () => {
  const jpeg = picture('420.jpg');
  const tree = folderOf({
    'train/a/empty.jpg': '',
    'train/a/half.jpg': jpeg.subarray(0, jpeg.length / 2),
    'train/a/header.jpg': jpeg.subarray(0, 100),
    'train/a/png.jpg': picture('png-named.jpg').subarray(0, -1),
    'train/a/text.jpg': 'this is no picture',
    'train/a/trailing.jpg': Buffer.concat([jpeg, Buffer.alloc(700)]),
    'train/a/whole.jpg': jpeg,
  });
  const index = await indexOf(tree);
  expect(faultsOf(index)).toEqual([
    ['empty.jpg', 'is empty'],
    ['half.jpg', 'is a JPEG without its end mark FFD9: it was cut short'],
    ['header.jpg', 'is cut short: it ends within its header'],
    ['png.jpg', 'is a PNG without its end IEND: it was cut short'],
    ['text.jpg', 'is no JPEG or PNG (it begins with "this is ")'],
  ]);
  expect(readFailure(index, 1)).toBe(
    `${join(tree, 'train/a')}: half.jpg is a JPEG without its end mark FFD9: it was cut short`,
  );
  expect(readFailure(index, 5)).toBe('none');
  expect(readFailure(index, 6)).toBe('none');
});

it('does not take the end of a thumbnail for that of the picture', async () => {
  const jpeg = picture('420.jpg');
  const thumbnail = Buffer.concat([Buffer.from('ffe10000', 'hex'), picture('one-wide.jpg')]);
  thumbnail.writeUInt16BE(thumbnail.length - 2, 2);
  const whole = Buffer.concat([jpeg.subarray(0, 2), thumbnail, jpeg.subarray(2)]);
  const tree = folderOf({ 'train/a/x.jpg': whole.subarray(0, 2500), 'train/a/y.jpg': whole });
  expect(faultsOf(await indexOf(tree))).toEqual([
    ['x.jpg', 'is a JPEG without its end mark FFD9: it was cut short'],
  ]);
});

it('names file and record of a label that is out of range', async () => {
  const archive = goldenRecords('pictures-train-000000.tar');
  const path = join(archive, 'pictures-train-000000.tar');
  writeFileSync(join(archive, 'classes.txt'), 'a\nb\nc\n');
  expect(await failure(archive)).toBe(
    `${path}: member n01491361_3.jpg has label 3, out of range; wanted 0 to 2 (${join(archive, 'classes.txt')})`,
  );
  const shards = goldenRecords(...SHARDS);
  writeFileSync(join(shards, 'classes.txt'), SYNSETS.slice(0, 3).join('\n'));
  expect(await failure(shards)).toMatch(
    /train-00001-of-00002: record 1 \(byte \d+\) has the class n01491361, which is none of .*classes\.txt$/,
  );
  writeFileSync(join(shards, 'classes.txt'), 'a\nb\na\n');
  expect(await failure(shards)).toBe(
    `${join(shards, 'classes.txt')}: line 3 has a again; wanted each class once`,
  );
});

describe('changes since the index was made', () => {
  it('are noticed on reading, in shards and in single files', async () => {
    const folder = goldenRecords(...SHARDS);
    const index = await indexOf(folder);
    utimesSync(join(folder, SHARDS[0]!), 1, 1);
    expect(() => contents(index.train)).toThrow(
      `${join(folder, SHARDS[0]!)}: has changed since its index was made; run again`,
    );
    const tree = goldenTree();
    const { train } = await indexOf(tree);
    const path = join(tree, 'train', SYNSETS[2]!, `${SYNSETS[2]!}_2.JPEG`);
    writeFileSync(path, picture('422.jpg'));
    const wanted = `${path}: has changed since its index was made; touch `;
    expect(() => contents(train)).toThrow(wanted);
    rmSync(path);
    expect(() => contents(train)).toThrow(wanted);
  });
});

describe('folders that hold no such set', () => {
  it('says what was found, and what was wanted', async () => {
    const empty = temporaryFolder();
    const wanted = 'wanted one of: train/CLASS/*.JPEG; TFRecord shards (train-00000-of-01024);';
    expect(await failure(empty)).toContain(`data.directory ${empty}: is empty; ${wanted}`);
    expect(await failure(join(empty, 'none'))).toContain(': there is no such folder; wanted');
    const others = folderOf({ 'a.txt': '', 'b.txt': '', 'sub/c': '' });
    expect(await failure(others)).toContain(`: holds a.txt, b.txt, sub; ${wanted}`);
    expect(await failure(join(others, 'a.txt'))).toContain('a.txt: is a file; wanted one of');
    const onlyTest = folderOf({ 'val/a/x.jpg': picture('420.jpg') });
    expect(await failure(onlyTest)).toContain(': has no training pictures; wanted one of');
    const noPictures = folderOf({ 'train/a/x.txt': '' });
    expect(await failure(noPictures)).toMatch(/: holds no pictures to train on$/);
    const parquet = folderOf({ 'data/train-00000-of-00294.parquet': 'PAR1' });
    expect(await failure(parquet)).toContain(
      ': holds Parquet files (train-00000-of-00294.parquet)',
    );
  });

  it('refuses a split in two forms, and pictures that nothing tells the classes of', async () => {
    const tree = goldenTree();
    copyFileSync(
      join(goldenRecords('pictures-train-000000.tar'), 'pictures-train-000000.tar'),
      join(tree, 'train-0.tar'),
    );
    expect(await failure(tree)).toMatch(
      /: holds train in several forms: class folders \(.*\), WebDataset \(.*\); keep one/,
    );
    const flat = folderOf({
      'train/a/x.jpg': picture('420.jpg'),
      'val/ILSVRC2012_val_00000001.JPEG': picture('420.jpg'),
    });
    expect(await failure(flat)).toMatch(
      /val: its pictures stand in no class folders, and .* has no list of their classes; wanted/,
    );
  });
});
