// Which worker of a run a task of Slurm's is, and where the others are, by the variables that srun sets.
import { UserError } from '../util/errors.js';

export type Environment = Readonly<Record<string, string | undefined>>;

interface SlurmPlace {
  readonly index: number;
  readonly addresses: readonly string[];
}

/** Ports of workers begin here: below those that systems hand out by themselves. */
const FIRST_PORT = 12_000;
/** Jobs whose numbers differ by a multiple of it have the same ports. */
const JOBS = 500;
/** Of a node. */
export const MOST_TASKS = 32;

/**
 * Null where the process is no task of a step of several.
 *
 * Errors: UserError where Slurm deals tasks out to nodes in a way that a task cannot know of others, or a node has too
 * many.
 */
export function slurmPlace(environment: Environment): SlurmPlace | null {
  const read = (name: string): string | undefined => environment[`SLURM_${name}`];
  const count = Number(read('STEP_NUM_TASKS') ?? 1);
  if (!(count > 1)) return null;
  const nodes = expandNodes(read('STEP_NODELIST') ?? read('JOB_NODELIST') ?? '');
  const perNode = expandCounts(read('STEP_TASKS_PER_NODE') ?? read('TASKS_PER_NODE') ?? '');
  if (nodes.length === 0 || nodes.length !== perNode.length) {
    throw new UserError(
      `SLURM_STEP_TASKS_PER_NODE: got ${read('STEP_TASKS_PER_NODE') ?? 'none'} for the nodes ${read('STEP_NODELIST') ?? 'none'}, wanted a number for each; start fsam by srun`,
    );
  }
  const most = Math.max(...perNode);
  if (most > MOST_TASKS) {
    throw new UserError(`srun: got ${most} tasks on a node, wanted ${MOST_TASKS} at most`);
  }
  const base = FIRST_PORT + (Number(read('JOB_ID') ?? 0) % JOBS) * MOST_TASKS;
  const places = dealt(perNode, read('DISTRIBUTION') ?? 'block');
  const addresses = places.map(([node, local]) => `${nodes[node] ?? ''}:${base + local}`);
  return { index: Number(read('PROCID')), addresses };
}

type Place = readonly [node: number, local: number];

/** The node of each task, and its number there, in the order of tasks. */
function dealt(perNode: readonly number[], distribution: string): Place[] {
  const [ofNodes = 'block'] = distribution.split(/[:,]/);
  const tasks = perNode.map((count, node) =>
    Array.from({ length: count }, (_, local): Place => [node, local]),
  );
  switch (ofNodes) {
    case 'block':
      return tasks.flat();
    case 'cyclic': {
      const most = Math.max(...perNode);
      return Array.from({ length: most }, (_, local) => local).flatMap((local) =>
        tasks.flatMap((ofNode) => ofNode.slice(local, local + 1)),
      );
    }
    default:
      throw new UserError(
        `srun --distribution: got ${distribution}, by which a task does not know where the others are; wanted block or cyclic`,
      );
  }
}

/** `node[1-3,7],gpu4`: node1, node2, node3, node7, gpu4, in that order, zeros at the front kept. */
export function expandNodes(list: string): string[] {
  const names = list.match(/[^,[]+(?:\[[^\]]*\][^,[]*)*/g) ?? [];
  return names.flatMap(expandName);
}

function expandName(name: string): string[] {
  const found = /^([^[]*)\[([^\]]*)\](.*)$/.exec(name);
  if (found === null) return [name];
  const [, before = '', ranges = '', after = ''] = found;
  return ranges.split(',').flatMap((range) => {
    const [from = '', to = from] = range.split('-');
    const length = Number(to) - Number(from) + 1;
    return Array.from({ length }, (_, i) =>
      String(Number(from) + i).padStart(from.length, '0'),
    ).flatMap((number) => expandName(`${before}${number}${after}`));
  });
}

/** `3(x2),1`: 3, 3, 1. */
export function expandCounts(list: string): number[] {
  return list.split(',').flatMap((part) => {
    const [, count, times = '1'] = /^(\d+)(?:\(x(\d+)\))?$/.exec(part) ?? [];
    return count === undefined ? [] : Array.from({ length: Number(times) }, () => Number(count));
  });
}
