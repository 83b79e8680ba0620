// Two containers of one machine with one host name, in one run folder.
import { join } from 'node:path';
import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { CONTAINER, hasContainers } from './support/container.js';
import { temporaryFolder } from '../support/folders.js';
import { start } from './support/fsam.js';

const reason = hasContainers ? '' : ' (skipped: unshare may not make process namespaces here)';

it.skipIf(!hasContainers)(`only one of them trains${reason}`, async () => {
  const folder = temporaryFolder();
  const train = ['train', '--config', 'smoke', '--epochs', '400', '--out', 'run', '--resume'];
  const first = start(folder, train, {}, CONTAINER);
  await first.until(/^epoch 1/m);
  const second = await start(folder, train, {}, CONTAINER).done;
  const { code, stderr } = await start(folder, train).done;
  for (const message of [second.stderr, stderr]) {
    expect(message).toMatch(
      /in use by process 1 on \S+; it runs in another container: wait for it/,
    );
  }
  expect([second.code, code]).toEqual([2, 2]);

  process.kill(-(first.process.pid ?? 0), 'SIGKILL');
  await first.done;
  expect(existsSync(join(folder, 'run/.fsam-lock'))).toBe(true);
  const next = start(folder, train, {}, CONTAINER);
  await next.until(/ready after/);
  process.kill(-(next.process.pid ?? 0), 'SIGKILL');
  await next.done;
});
