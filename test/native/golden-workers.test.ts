// The golden steps of two workers of PyTorch's DistributedDataParallel, taken by two processes.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { freePorts } from '../../src/util/free-ports.js';
import { endsOf, type GoldenEnd } from './support/golden-worker-child.js';

const SCRIPT = fileURLToPath(new URL('support/golden-worker.mjs', import.meta.url));

async function byTwoProcesses(): Promise<GoldenEnd[][]> {
  const addresses = (await freePorts(2)).map((port) => `127.0.0.1:${port}`);
  return Promise.all(
    addresses.map(async (_, index) => {
      const place = JSON.stringify({ index, addresses, timeoutSeconds: 120 });
      const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT, place], {
        maxBuffer: 1 << 26,
      });
      return JSON.parse(stdout) as GoldenEnd[];
    }),
  );
}

test('three steps of two processes are as in PyTorch, and have the bits of two devices', async () => {
  const [first, second] = await byTwoProcesses();
  expect(first?.map(({ kind, differences }) => [kind, differences.at(-1)])).toEqual([
    ['sgd-2', []],
    ['sam-2-own', []],
    ['sam-2-synchronised', []],
    ['fsam-2-own', []],
    ['fsam-2-synchronised', []],
  ]);
  expect(second).toEqual(first);
  expect(first).toEqual(endsOf({ microBatches: 1, devices: 2 }));
});
