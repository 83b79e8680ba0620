// The lock of a run folder: held, free, left by the dead, raced for.
import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import * as files from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { removeTemporaries, runFolder } from '../../src/experiment/folder.js';
import { temporaryPath } from '../../src/util/atomic-file.js';
import { acquireLock, refuseLocked } from '../../src/util/lock.js';
import { messageOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';
import { MINUTES } from '../support/wait.js';

/** A process number that was in use and is no longer. */
function deadPid(): number {
  return spawnSync('true').pid;
}

function holder(changes: object): string {
  return JSON.stringify({ pid: deadPid(), host: hostname(), startTime: '1', ...changes });
}

vi.mock('node:fs/promises', { spy: true });
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** `seconds` since its holder gave a sign of life. */
function writeHolder(changes: object, seconds = 0): string {
  const path = join(temporaryFolder(), 'lock');
  writeFileSync(path, holder(changes));
  const time = Date.now() / 1000 - seconds;
  utimesSync(path, time, time);
  return path;
}

const hasFlock = spawnSync('flock', ['--version']).status === 0;

describe('acquireLock', () => {
  it('refuses while it is held, names the holder, and is free after the release', async () => {
    const path = join(temporaryFolder(), 'lock');
    const lock = await acquireLock(path);
    expect(await messageOf(acquireLock(path))).toContain(`in use by process ${process.pid}`);
    expect(await messageOf(refuseLocked(path))).toContain('in use');
    await lock.release();
    expect(existsSync(path)).toBe(false);
    await refuseLocked(path);
  });

  it('lets one of many starters through, with and without a dead holder before', async () => {
    for (const stale of [false, true]) {
      const folder = temporaryFolder();
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
      const path = join(temporaryFolder(), 'lock');
      writeFileSync(path, content);
      await (await acquireLock(path)).release();
    }
  });

  it('tells a process of another user by its start as well, where the system shows it', async () => {
    const kill = vi.spyOn(process, 'kill').mockImplementation(() => {
      throw Object.assign(new Error(), { code: 'EPERM' });
    });
    const path = join(temporaryFolder(), 'lock');
    writeFileSync(path, holder({ pid: process.pid }));
    await refuseLocked(path);
    // /proc may hide the processes of others.
    writeFileSync(path, holder({}));
    expect(await messageOf(refuseLocked(path))).toContain('in use');
    expect(kill).toHaveBeenCalled();
  });

  it('leaves a live process of this host and any process of another host alone', async () => {
    const path = join(temporaryFolder(), 'lock');
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

  it('works where files cannot be linked', async () => {
    vi.mocked(files.link).mockRejectedValue(Object.assign(new Error(), { code: 'EPERM' }));
    const folder = temporaryFolder();
    const path = join(folder, 'lock');
    const starts = Array.from({ length: 5 }, () => acquireLock(path));
    const outcomes = await Promise.allSettled(starts);
    const held = outcomes.filter((outcome) => outcome.status === 'fulfilled');
    expect(held).toHaveLength(1);
    expect(readdirSync(folder)).toEqual(['lock']);
    await held[0]?.value.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  const bootId = 'another kernel';

  it.each([
    ['of another host', { host: 'elsewhere', bootId }],
    ['of another machine with the name of this one', { bootId }],
    ['of another container whose file system knows no locks', { ...thisKernel(), osLock: false }],
  ])(
    'takes over from a process %s when it has given no sign of life for minutes',
    async (_, who) => {
      const message = await messageOf(acquireLock(writeHolder(who, 200)));
      expect(message).toMatch(/last sign of life was 20\d s ago, and after 5 minutes/);
      const silent = writeHolder(who, 301);
      await refuseLocked(silent);
      await (await acquireLock(silent)).release();
    },
  );

  it('leaves a process of an older version on another host alone, which gives no signs of life', async () => {
    const path = writeHolder({ host: 'elsewhere' }, 1e6);
    expect(await messageOf(acquireLock(path))).toContain(`delete ${path}`);
  });

  it('shows that it lives while its thread is busy', async () => {
    const path = join(temporaryFolder(), 'lock');
    const lock = await acquireLock(path, 20);
    const before = statSync(path).mtimeMs;
    const end = performance.now() + MINUTES;
    while (statSync(path).mtimeMs === before && performance.now() < end);
    expect(statSync(path).mtimeMs).toBeGreaterThan(before);
    await lock.release();
  });

  describe('in Slurm', () => {
    const task = (restarts: number) => ({
      host: 'other-node',
      bootId,
      slurm: { job: 'big/7_3', restarts },
    });
    const environment = (id: string, restarts: string) => {
      vi.stubEnv('SLURM_CLUSTER_NAME', 'big');
      vi.stubEnv('SLURM_JOB_ID', '9');
      vi.stubEnv('SLURM_ARRAY_JOB_ID', '7');
      vi.stubEnv('SLURM_ARRAY_TASK_ID', id);
      vi.stubEnv('SLURM_RESTART_COUNT', restarts);
    };

    it('takes over at once from the same task before it was queued again', async () => {
      environment('3', '2');
      await (await acquireLock(writeHolder(task(1)))).release();
    });

    it.each([
      ['2', '2'],
      ['3', '1'],
      ['3', '0'],
    ])('not so as task %s, started again %s times, and names the job', async (id, restarts) => {
      environment(id, restarts);
      const message = await messageOf(acquireLock(writeHolder(task(1))));
      expect(message).toContain('on other-node (Slurm job 7_3); its last sign of life');
    });

    it('notes the task', async () => {
      environment('3', '2');
      const path = join(temporaryFolder(), 'lock');
      const lock = await acquireLock(path);
      const { slurm } = JSON.parse(readFileSync(path, 'utf8')) as { slurm: unknown };
      expect(slurm).toEqual({ job: 'big/7_3', restarts: 2 });
      await lock.release();
    });
  });

  /** A process in another container here. */
  function thisKernel() {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return { bootId: boot, pidNamespace: 'pid:[1]', pid: process.pid, osLock: true };
  }

  it.skipIf(!hasFlock)('asks the system whether a process of another container lives', async () => {
    const path = writeHolder(thisKernel());
    const other = spawn('flock', ['--no-fork', path, 'sleep', '30']);
    const isHeld = () => spawnSync('flock', ['-n', '-s', path, 'true']).status !== 0;
    while (!isHeld()) await sleep(10);
    for (const attempt of [() => acquireLock(path), () => refuseLocked(path)]) {
      expect(await messageOf(attempt())).toContain('it runs in another container');
    }
    other.kill();
    await new Promise((resolve) => other.once('exit', resolve));
    await refuseLocked(path);
    const lock = await acquireLock(path);
    expect(isHeld()).toBe(true);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({
      pidNamespace: readlinkSync('/proc/self/ns/pid'),
      osLock: true,
    });
    await lock.release();
  });

  it('waits for signs of life where it cannot ask the system', async () => {
    vi.stubEnv('PATH', '/nowhere');
    expect(await messageOf(acquireLock(writeHolder(thisKernel())))).toContain('last sign of life');
    await (await acquireLock(writeHolder(thisKernel(), 301))).release();
  });
});

describe('temporary files', () => {
  it('have names of their own, also beside a process with the same number', () => {
    expect(temporaryPath('/a/b')).toMatch(
      new RegExp(`^/a/\\.b\\.${process.pid}-[0-9a-f]{8}\\.tmp$`),
    );
    expect(temporaryPath('/a/b')).not.toBe(temporaryPath('/a/b'));
  });

  it('are removed by the next holder of the folder, except what others write without its lock', async () => {
    const folder = temporaryFolder();
    const living = '.failure.json.12-0123abcd.tmp';
    const left = ['.config.yaml.12-0123abcd.tmp', '.metrics.csv.12.tmp', '.fsam-lock-0123abcd'];
    for (const name of [living, ...left]) writeFileSync(join(folder, name), '');
    await removeTemporaries(runFolder(folder));
    expect(readdirSync(folder)).toEqual([living]);
  });
});
