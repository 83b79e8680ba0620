// The lock of a run folder: held, free, left by the dead, raced for.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { acquireLock, refuseLocked } from '../../src/util/lock.js';
import { messageOf, scratchFolder } from './experiment-support.js';

/** A process number that was in use and is no longer. */
function deadPid(): number {
  return spawnSync('true').pid;
}

function holder(changes: object): string {
  return JSON.stringify({ pid: deadPid(), host: hostname(), startTime: '1', ...changes });
}

describe('acquireLock', () => {
  it('refuses while it is held, names the holder, and is free after the release', async () => {
    const path = join(scratchFolder(), 'lock');
    const lock = await acquireLock(path);
    expect(await messageOf(acquireLock(path))).toContain(`in use by process ${process.pid}`);
    expect(await messageOf(refuseLocked(path))).toContain('in use');
    await lock.release();
    expect(existsSync(path)).toBe(false);
    await refuseLocked(path);
  });

  it('lets one of many starters through, with and without a dead holder before', async () => {
    for (const stale of [false, true]) {
      const folder = scratchFolder();
      const path = join(folder, 'lock');
      if (stale) writeFileSync(path, holder({}));
      const starts = Array.from({ length: 20 }, () => acquireLock(path));
      const outcomes = await Promise.allSettled(starts);
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(readdirSync(folder)).toEqual(['lock']);
      expect(readFileSync(path, 'utf8')).toContain(`"pid":${process.pid}`);
    }
  });

  it('takes over from a dead process, and from one whose number another process has now', async () => {
    for (const content of [holder({}), holder({ pid: process.pid }), '', 'not a lock']) {
      const path = join(scratchFolder(), 'lock');
      writeFileSync(path, content);
      await (await acquireLock(path)).release();
    }
  });

  it('leaves a live process of this host and any process of another host alone', async () => {
    const path = join(scratchFolder(), 'lock');
    const other = spawn('sleep', ['30']);
    try {
      const stat = readFileSync(`/proc/${other.pid ?? 0}/stat`, 'utf8').split(' ');
      writeFileSync(path, holder({ pid: other.pid, startTime: stat[21] }));
      expect(await messageOf(acquireLock(path))).toContain(`in use by process ${other.pid ?? 0}`);
    } finally {
      other.kill();
    }
    writeFileSync(path, holder({ host: 'elsewhere' }));
    const message = await messageOf(acquireLock(path));
    expect(message).toContain('on elsewhere');
    expect(message).toContain(`delete ${path}`);
  });
});
