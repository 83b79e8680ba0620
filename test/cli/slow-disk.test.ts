// Ctrl-C ends the command also while all that reads waits for a disk that never answers.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folders.js';
import { fsam, start, type Running } from './support/fsam.js';
import { SET } from './support/own-indexes.js';
import { makeSet, trainingOn } from './support/pictures.js';

const folder = temporaryFolder();
const [SHIM, STOPPED] = [join(folder, 'slow-disk.so'), join(folder, 'stopped')];
const SOURCE = fileURLToPath(new URL('support/slow-disk.c', import.meta.url));
const [WHOLE, TARS] = [`${SET}-whole`, `${SET}-tars`];

const compiled =
  spawnSync('g++', ['-x', 'c', '-shared', '-fPIC', '-o', SHIM, SOURCE, '-ldl']).status === 0;
const reason = compiled ? '' : ' (skipped: g++ does not compile a library here)';

const startOn = (set: string, args: readonly string[]): Running =>
  start(folder, args, {
    LD_PRELOAD: SHIM,
    FSAM_TEST_DISK: join(folder, set),
    FSAM_TEST_STOPPED: STOPPED,
  });

const stopDisk = (): void => writeFileSync(STOPPED, '');

/** Until a read waits for the disk. */
async function untilReading(): Promise<void> {
  while (readFileSync(STOPPED, 'utf8') === '') await sleep(20);
}

/** No read ever returns: where the process waits for one, the test's own limit ends it. */
async function interrupted({ process, done }: Running) {
  process.kill('SIGINT');
  const { code, stderr } = await done;
  // The command ends by the signal itself where it has saved nothing.
  expect([128 + constants.signals.SIGINT, null]).toContain(code);
  return stderr;
}

beforeAll(async () => {
  makeSet(join(folder, WHOLE));
  const words = ['--from', WHOLE, '--to', TARS, '--format', 'webdataset', '--shards', '2'];
  expect(await fsam(folder, ['data', 'shard', ...words])).toMatchObject({ code: 0 });
});

describe.skipIf(!compiled)(`with a disk that stops answering${reason}`, () => {
  it.each([WHOLE, TARS])('training on %s saves and leaves', async (set) => {
    rmSync(STOPPED, { force: true });
    const out = `run-on-${set}`;
    const running = startOn(set, trainingOn(folder, set, out, '--epochs', '100000'));
    await running.until(/epoch +2\//);
    stopDisk();
    await untilReading();
    expect(await interrupted(running)).toMatch(
      /fsam: interrupted by SIGINT; the same command with --resume goes on\n$/,
    );
    expect(existsSync(join(folder, out, 'checkpoints'))).toBe(true);
  });

  it.each([
    ['training', WHOLE, trainingOn(folder, WHOLE, 'never')],
    ['training', TARS, trainingOn(folder, TARS, 'never')],
    ['verify', WHOLE, ['data', 'verify', WHOLE]],
    ['verify', TARS, ['data', 'verify', TARS]],
    [
      'shard',
      WHOLE,
      ['data', 'shard', '--from', WHOLE, '--to', 'to', '--format', 'tfrecord', '--shards', '2'],
    ],
  ])('%s of %s leaves before anything is read', async (_, set, args) => {
    stopDisk();
    // What was looked at before is looked at anew.
    makeSet(join(folder, WHOLE), { 'train/n1/another.JPEG': Buffer.alloc(1) });
    const running = startOn(set, args);
    await untilReading();
    expect(await interrupted(running)).toMatch(/^fsam: interrupted by SIGINT; /m);
  });
});
