// Processes that train together, on this machine: the numbers of one process that has as many devices.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { Config } from '../../src/catalogue/schema.js';
import { freePorts } from '../../src/util/free-ports.js';
import { bytes, tinyConfig, tinyEngine } from './support/engine.js';
import { optimizerConfig } from './support/optimizers.js';

const SCRIPT = fileURLToPath(new URL('support/worker.mjs', import.meta.url));
const EPOCHS = 2;
const RATE = 0.05;

interface Found {
  readonly told: readonly Readonly<Record<string, number>>[];
  readonly state: Readonly<Record<string, string>>;
}

/** What each process says, or how it ends. */
async function together(
  configs: readonly Config[],
  { timeoutSeconds = 60, absent = -1 } = {},
): Promise<PromiseSettledResult<Found>[]> {
  const ports = await freePorts(configs.length);
  const addresses = ports.map((port) => `127.0.0.1:${port}`);
  const running = configs.map(async (config, index): Promise<Found> => {
    if (index === absent) throw new Error('never started');
    const place = { index, addresses, timeoutSeconds };
    // The last comes late: the others wait.
    const pause = index === configs.length - 1 ? 500 : 0;
    const job = JSON.stringify({ config, place, epochs: EPOCHS, pause });
    const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT, job]);
    return JSON.parse(stdout) as Found;
  });
  return Promise.allSettled(running);
}

/** One process. */
async function alone(config: Config): Promise<Found> {
  const engine = tinyEngine(config);
  const told: Readonly<Record<string, number>>[] = [];
  let step = 0;
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    for await (const batch of engine.training!.batches(epoch, 0)) {
      told.push(engine.trainStep(step++, batch, RATE).numbers);
    }
    told.push((await engine.evaluate('test')).numbers);
  }
  const state = bytes(engine.readState());
  engine.dispose();
  return { told, state };
}

const valueOf = (result: PromiseSettledResult<Found>): Found => {
  if (result.status === 'fulfilled') return result.value;
  throw result.reason;
};

const ofTiny = (optimizer: Config['optimizer'], keys: Readonly<Record<string, unknown>> = {}) =>
  tinyConfig({
    optimizer,
    size: 16,
    batchSize: 8,
    train: 20,
    keys: { weightAverage: 0.9, ...keys },
  });

const CASES: Readonly<Record<string, Config['optimizer']>> = {
  sgd: optimizerConfig({ name: 'sgd' }),
  fsam: optimizerConfig({ name: 'fsam', rho: 0.1 }),
  'fsam, shared perturbation': optimizerConfig({ name: 'fsam', rho: 0.1, perturbation: 'shared' }),
  'sam on adamw': optimizerConfig({ name: 'sam', base: 'adamw', rho: 0.1, weightDecay: 0.05 }),
};

test.each(Object.entries(CASES))(
  'two workers, %s: the bits of two devices',
  async (_, optimizer) => {
    // perturbation is read of batches in parts, which a worker alone knows nothing of.
    const [first, second] = await together([ofTiny(optimizer), ofTiny(optimizer)]);
    const wanted = await alone(ofTiny(optimizer, { devices: 2 }));
    expect(valueOf(first!)).toEqual(wanted);
    expect(valueOf(second!)).toEqual(wanted);
  },
);

test('three workers with two parts each agree, and nearly with three devices', async () => {
  const optimizer = optimizerConfig({ name: 'fsam', rho: 0.01 });
  const keys = { microBatches: 2 };
  const config = tinyConfig({ optimizer, size: 16, batchSize: 12, train: 24, keys });
  const found = (await together([config, config, config])).map(valueOf);
  expect(found[1]).toEqual(found[0]);
  expect(found[2]).toEqual(found[0]);
  const wanted = await alone({ ...config, devices: 3 });
  const losses = (one: Found) => one.told.flatMap(({ train_loss: loss }) => loss ?? []);
  const [first, ...later] = losses(found[0]!).map((loss, i) =>
    Math.abs(loss / (losses(wanted)[i] ?? NaN) - 1),
  );
  expect(first ?? NaN).toBeLessThan(1e-6);
  // The sums go around the workers in another order, and a rounding error grows from step to step.
  expect(Math.max(...later)).toBeLessThan(1e-2);
});

test('a worker that never comes ends the others', async () => {
  const config = ofTiny(optimizerConfig({ name: 'sgd' }));
  const begun = performance.now();
  const [first, second] = await together([config, config], { timeoutSeconds: 3, absent: 1 });
  expect(second!.status).toBe('rejected');
  expect(first?.status === 'rejected' && String(first.reason)).toMatch(
    /Collective|timeout|DEADLINE/i,
  );
  expect(performance.now() - begun).toBeLessThan(60_000);
});
