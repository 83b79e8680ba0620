// Which worker a process is, by the variables that it is started with.
import { expect, test } from 'vitest';
import { placeText, workersPlace } from '../../src/cli/workers-place.js';
import { UserError } from '../../src/util/errors.js';

const ASKED = { timeoutSeconds: 9, opensServer: true };
const config = (index: number, worker: readonly string[] = ['a:1', 'b:2']) => ({
  TF_CONFIG: JSON.stringify({ cluster: { worker }, task: { type: 'worker', index } }),
});

test('alone where nothing tells otherwise', () => {
  expect(workersPlace(ASKED, {})).toBeNull();
  expect(workersPlace(ASKED, config(0, ['a:1']))).toBeNull();
});

test('as it was started', () => {
  const place = { index: 1, addresses: ['a:1', 'b:2'] };
  expect(workersPlace(ASKED, { FSAM_WORKER: placeText(place) })).toEqual({
    ...place,
    timeoutSeconds: 9,
  });
});

test('by TF_CONFIG, where the user has agreed to a server', () => {
  expect(workersPlace(ASKED, config(1))).toEqual({
    index: 1,
    addresses: ['a:1', 'b:2'],
    timeoutSeconds: 9,
  });
  const refused = () => workersPlace({ ...ASKED, opensServer: false }, config(1));
  expect(refused).toThrow(UserError);
  expect(refused).toThrow(/^TF_CONFIG: names 2 workers; each opens a server .* --open-server says/);
});

test.each([
  ['{', 'TF_CONFIG: got {, wanted {"cluster"'],
  ['{"cluster": {"chief": ["a:1"]}, "task": {"type": "chief", "index": 0}}', 'TF_CONFIG: got {"cl'],
  [
    '{"cluster": {"chief": ["a:1"], "worker": ["b:1"]}, "task": {"type": "worker", "index": 0}}',
    'TF_CONFIG: got {"cl',
  ],
  [
    '{"cluster": {"worker": ["a", "b:1"]}, "task": {"type": "worker", "index": 0}}',
    'TF_CONFIG: got {"cl',
  ],
  [config(2).TF_CONFIG, 'TF_CONFIG: got task 2 of 2 workers, wanted 1 at most'],
])('%s is refused', (text, message) => {
  expect(() => workersPlace(ASKED, { TF_CONFIG: text })).toThrow(UserError);
  expect(() => workersPlace(ASKED, { TF_CONFIG: text })).toThrow(message);
});

test('by srun, where nobody has to agree', () => {
  const step = {
    SLURM_JOB_ID: '1',
    SLURM_STEP_NUM_TASKS: '2',
    SLURM_STEP_NODELIST: 'n1',
    SLURM_STEP_TASKS_PER_NODE: '2',
    SLURM_PROCID: '1',
  };
  expect(workersPlace({ ...ASKED, opensServer: false }, step)).toEqual({
    index: 1,
    addresses: ['n1:12032', 'n1:12033'],
    timeoutSeconds: 9,
  });
});
