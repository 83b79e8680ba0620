// The index of a set, as users come upon it: made by two at once, on a full disk, of data that change.
import { spawnSync } from 'node:child_process';
import { mkdirSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cacheFolder } from '../../src/util/cache-folder.js';
import { temporaryFolder } from '../support/folders.js';
import { fsam, start } from './support/fsam.js';
import { ownIndexes, SET } from './support/own-indexes.js';
import { golden, makeSet, trainingOn } from './support/pictures.js';

const folder = temporaryFolder();
const INDEXES = join(cacheFolder(), 'indexes');
const indexesOf = (set: string) => ownIndexes().filter((name) => name.startsWith(`${set}-`));

it('two processes at once make one index and train alike', async () => {
  const set = `${SET}-two`;
  makeSet(join(folder, set));
  const ended = await Promise.all(
    ['one', 'two'].map((out) => fsam(folder, trainingOn(folder, set, out))),
  );
  expect(ended.map(({ code, stdout, stderr }) => [code, `${stdout}${stderr}`])).toEqual([
    [0, expect.stringContaining('epoch')],
    [0, expect.stringContaining('epoch')],
  ]);
  expect(indexesOf(set)).toEqual([expect.stringMatching(/\.index$/)]);
});

it('a shard that changes while it is trained on ends the run, in one line, and a picture does', async () => {
  const [set, shards] = [`${SET}-changing`, `${SET}-changing-shards`];
  makeSet(join(folder, set));
  const words = ['--from', set, '--to', shards, '--format', 'webdataset', '--shards', '1'];
  expect(await fsam(folder, ['data', 'shard', ...words])).toMatchObject({ code: 0 });
  for (const [directory, path, change] of [
    [shards, 'train-00000-of-00001.tar', (file: string) => truncateSync(file, 1000)],
    [set, 'train/n1/d.JPEG', (file: string) => writeFileSync(file, golden('422.jpg'))],
  ] as const) {
    const out = `changing-${directory}`;
    const running = start(folder, trainingOn(folder, directory, out, '--epochs', '100000'));
    await running.until(/epoch +2\//);
    change(join(folder, directory, path));
    const { code, stderr } = await running.done;
    expect(code).toBe(2);
    expect(stderr).toMatch(
      new RegExp(
        `^fsam: .*${path}: has changed since its index was made; (touch .* and )?run again`,
        'm',
      ),
    );
    const now = new Date();
    utimesSync(join(folder, directory, dirname(path)), now, now);
    const again = await fsam(folder, trainingOn(folder, directory, `again-${directory}`));
    // What is left of the shard is no archive.
    expect(again.code).toBe(directory === shards ? 2 : 0);
  }
});

/** A disk of so many bytes over the indexes, which only the program sees. */
const MOUNTED = `mount -t tmpfs -o size=$1 none "$2" && shift 2 && exec "$@"`;
const onDisk = (size: string) =>
  ['unshare', '--mount', 'sh', '-c', MOUNTED, 'sh', size, INDEXES] as const;

mkdirSync(INDEXES, { recursive: true });
const [program, ...words] = [...onDisk('64k'), 'true'];
const canMount = spawnSync(program, words).status === 0;
const reason = canMount ? '' : ' (skipped: nothing may be mounted here)';

describe.skipIf(!canMount)(`a full disk${reason}`, () => {
  /** What is left there in the end. */
  const LISTED = `"$@"; code=$?; ls -A '${INDEXES}'; exit $code`;

  it('ends in one line, and leaves no index; with room the same command works', async () => {
    const set = `${SET}-full`;
    const names = Array.from({ length: 60 }, (_, i) => `train/n1/${'long-'.repeat(12)}${i}.JPEG`);
    makeSet(join(folder, set), Object.fromEntries(names.map((name) => [name, golden('420.jpg')])));
    const args = trainingOn(folder, set, 'full');
    const through = [...onDisk('8k'), 'sh', '-c', LISTED, 'sh'];
    const { code, stdout, stderr } = await start(folder, args, {}, through).done;
    expect(stderr).toMatch(/^fsam: \S+: no space left on its disk; make room and run again\n$/);
    expect(code).toBe(2);
    expect(stdout).not.toMatch(/\.index$/m);
    expect(await fsam(folder, args)).toMatchObject({ code: 0 });
    expect(indexesOf(set)).toEqual([expect.stringMatching(/\.index$/)]);
  });
});
