// One of the processes of a run, of the compiled program: trains a small set for two epochs, evaluates after each, and tells
// what it found. Called by workers.test.ts with a JSON of what to do.
/** @param {string} module of the compiled program, which may not be there yet where this is checked */
const load = (module) => import(new URL(`../../../dist/${module}.js`, import.meta.url).href);
const { openTensorFlow } = await load('native/tensorflow');
const { configSchema } = await load('catalogue/schema');
const { makeSynthetic } = await load('data/synthetic');
const { joinWorkers } = await load('graph/workers');
const { createEngine } = await load('tasks/engine');

const { config: written, place, epochs, pause } = JSON.parse(process.argv[2] ?? '{}');
openTensorFlow();
const config = configSchema.parse(written);
const workers = joinWorkers(place, { devices: 1, kind: 'CPU' });
await new Promise((resolve) => setTimeout(resolve, pause));
const dataset = makeSynthetic(config.data.synthetic, 1);
const engine = createEngine(config, dataset, { mode: 'compiled', workers });
const told = [];
let step = 0;
for (let epoch = 0; epoch < epochs; epoch++) {
  for await (const batch of engine.training?.batches(epoch, 0) ?? []) {
    told.push(engine.trainStep(step++, batch, 0.05).numbers);
  }
  told.push((await engine.evaluate('test')).numbers);
}
const state = [...engine.readState()].map(([name, { buffer, byteOffset, byteLength }]) => [
  name,
  Buffer.from(buffer, byteOffset, byteLength).toString('base64'),
]);
process.stdout.write(JSON.stringify({ told, state: Object.fromEntries(state) }), () =>
  process.exit(0),
);
