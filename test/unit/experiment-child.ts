// A run on the fake engine as a process of its own, to be killed: node experiment-child.js FOLDER.
import { runExperiment } from '../../src/experiment/run.js';
import { fakeConfig, fakeRequest } from './experiment-fake-engine.js';

/** Long enough to be hit by a signal between and within steps. */
const STEP_MILLISECONDS = 2;

const request = fakeRequest(process.argv[2] ?? '', {
  config: fakeConfig({ epochs: 12 }),
  onStep: () => {
    const end = performance.now() + STEP_MILLISECONDS;
    while (performance.now() < end);
  },
});
await runExperiment({
  ...request,
  resume: true,
  reporter: {
    ...request.reporter,
    start: () => process.stdout.write('started\n'),
  },
});
