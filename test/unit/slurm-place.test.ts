// Where the tasks of a Slurm step are: node lists as Slurm writes them, blocks and cycles.
import { describe, expect, test } from 'vitest';
import { expandCounts, expandNodes, slurmPlace } from '../../src/cli/slurm-place.js';
import { UserError } from '../../src/util/errors.js';

describe('node lists, as scontrol show hostnames expands them', () => {
  test.each([
    ['localhost', ['localhost']],
    ['node9,node10', ['node9', 'node10']],
    ['node[9-11]', ['node9', 'node10', 'node11']],
    ['node[008-010,7],gpu4', ['node008', 'node009', 'node010', 'node7', 'gpu4']],
    ['a[1-2]b[3-4]', ['a1b3', 'a1b4', 'a2b3', 'a2b4']],
    [
      'rack[1-2]-n[1,3].cluster',
      ['rack1-n1.cluster', 'rack1-n3.cluster', 'rack2-n1.cluster', 'rack2-n3.cluster'],
    ],
  ])('%s', (list, names) => {
    expect(expandNodes(list)).toEqual(names);
  });

  test.each([
    ['2', [2]],
    ['3(x2),2,1', [3, 3, 2, 1]],
  ])('counts %s', (list, counts) => {
    expect(expandCounts(list)).toEqual(counts);
  });
});

describe('a task', () => {
  const step = {
    SLURM_JOB_ID: '1234',
    SLURM_STEP_NUM_TASKS: '5',
    SLURM_STEP_NODELIST: 'node[9-11]',
    SLURM_STEP_TASKS_PER_NODE: '2(x2),1',
    SLURM_PROCID: '3',
  };
  // 12000 + 32 (1234 mod 500)
  const PORT = 19_488;

  test('knows where all are, block by block, whatever the names sort like', () => {
    expect(slurmPlace(step)).toEqual({
      index: 3,
      addresses: [
        `node9:${PORT}`,
        `node9:${PORT + 1}`,
        `node10:${PORT}`,
        `node10:${PORT + 1}`,
        `node11:${PORT}`,
      ],
    });
  });

  test('or dealt out in turn', () => {
    const { addresses } = slurmPlace({ ...step, SLURM_DISTRIBUTION: 'cyclic:block' }) ?? {};
    expect(addresses).toEqual([
      `node9:${PORT}`,
      `node10:${PORT}`,
      `node11:${PORT}`,
      `node9:${PORT + 1}`,
      `node10:${PORT + 1}`,
    ]);
  });

  test('alone, or outside of Slurm, is no worker', () => {
    expect(slurmPlace({})).toBeNull();
    expect(slurmPlace({ ...step, SLURM_STEP_NUM_TASKS: '1' })).toBeNull();
  });

  test.each([
    [{ SLURM_DISTRIBUTION: 'plane=4' }, 'srun --distribution: got plane=4'],
    [
      { SLURM_STEP_TASKS_PER_NODE: '2' },
      'SLURM_STEP_TASKS_PER_NODE: got 2 for the nodes node[9-11]',
    ],
    [{ SLURM_STEP_TASKS_PER_NODE: '33(x3)' }, 'srun: got 33 tasks on a node, wanted 32 at most'],
  ])('%j is refused', (change, message) => {
    expect(() => slurmPlace({ ...step, ...change })).toThrow(UserError);
    expect(() => slurmPlace({ ...step, ...change })).toThrow(message);
  });
});
