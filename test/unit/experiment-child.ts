// A run on the fake engine as a process of its own, to be killed: node experiment-child.js FOLDER [endless].
import { runExperiment } from '../../src/experiment/run.js';
import { fakeConfig, fakeRequest } from './experiment-fake-engine.js';

/** Long enough to be hit by a signal between and within steps. */
const STEP_MILLISECONDS = 2;
/** Of twelve epochs of four. */
const LAST_STEP = 47;

const [, , folder = '', end] = process.argv;
const request = fakeRequest(folder, {
  config: fakeConfig({ epochs: 12 }),
  onStep: (step) => {
    // However late who kills it is, it is not done before.
    const milliseconds = end === 'endless' && step === LAST_STEP ? Infinity : STEP_MILLISECONDS;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
  },
});
await runExperiment({
  ...request,
  resume: true,
  reporter: {
    ...request.reporter,
    indexing: () => undefined,
    start: () => process.stdout.write('started\n'),
  },
});
