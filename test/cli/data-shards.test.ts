// fsam data shard and verify, as a user types them.
import { copyFileSync, mkdirSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../support/folders.js';
import { fsam } from './support/fsam.js';
import { ownIndexes, SET } from './support/own-indexes.js';

const PICTURES = fileURLToPath(new URL('../golden/pictures', import.meta.url));

it('writes shards, keeps them, and tells what is wrong with them', async () => {
  const folder = temporaryFolder();
  for (const name of ['420.jpg', '422.jpg', '444.jpg', 'grey.jpg']) {
    const target = join(folder, SET, 'train', name[1] === '2' ? 'a' : 'b');
    mkdirSync(target, { recursive: true });
    copyFileSync(join(PICTURES, name), join(target, name));
  }
  const options = ['--from', SET, '--to', 'shards', '--format', 'webdataset'];
  const shard = () => fsam(folder, ['data', 'shard', ...options, '--shards', '2']);
  const first = await shard();
  expect(first.stdout).toBe('shards: 2 shards of 2 classes, records: 4 for train\n');
  expect(first.stderr).toContain('writing, records: 4 of 4\n');
  expect([first.code, ownIndexes().length]).toEqual([0, 1]);
  expect(await shard()).toMatchObject({ code: 0, stdout: first.stdout });

  const verify = () => fsam(folder, ['data', 'verify', 'shards']);
  const whole = await verify();
  expect([whole.code, whole.stdout]).toEqual([
    0,
    'shards: 4 records read, the pictures decoded in full: checksums, headers, ends and pixels are as they should be\n',
  ]);
  truncateSync(join(folder, 'shards', 'train-00001-of-00002.tar'), 5000);
  const damaged = await verify();
  expect(damaged.code).toBe(1);
  const path = 'shards/train-00001-of-00002.tar: ';
  expect(damaged.stdout.split('\n').map((line) => line.startsWith(path))).toEqual([
    true,
    true,
    true,
    false,
  ]);
  expect(damaged.stdout).toMatch(/: is cut short in \w+\.jpg \(byte 0 of 5000\)/);
  expect(damaged.stderr).toMatch(
    /fsam: shards: 3 faults; 2 records read, the pictures decoded in full\n$/,
  );
});

it('says what is missing or mistyped', async () => {
  const folder = temporaryFolder();
  const refused = async (...args: string[]): Promise<string> => {
    const { code, stderr } = await fsam(folder, ['data', ...args]);
    expect(code).toBe(2);
    return stderr;
  };
  expect(await refused('shard', '--to', 'x')).toContain("required option '--from <folder>'");
  const rest = ['--from', 'a', '--to', 'b', '--shards', '2'];
  expect(await refused('shard', ...rest, '--format', 'zip')).toContain('tfrecord, webdataset');
  expect(await refused('verify', 'nothing')).toContain('nothing: there is no such folder; wanted');
});
