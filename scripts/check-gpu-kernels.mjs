// Has every op of every configuration a kernel for GPUs? Asks the GPU library; needs no GPU.
//
//   FSAM_DEVICE=gpu node scripts/setup.mjs && node scripts/check-gpu-kernels.mjs
//
// Traces all files of configs/ and configs/tiny/, and the drawn configurations of the tests, which use keys that no
// file does, as for a GPU: training and evaluation, in float32 and bfloat16. Writes docs/gpu-kernels.md. Exit code 1 where an
// op has none; those that are meant for the host (src/graph/host-nodes.ts) need none.
import { readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compiled } from './compiled.mjs';
import { configuration, FRAME_COUNT } from './configurations.mjs';

/** @typedef {import('../src/catalogue/schema.js').Config} Config */
/** @typedef {import('../src/graph/node.js').Node} Node */
/** @typedef {import('../src/native/registered-kernels.js').RegisteredKernel} RegisteredKernel */

/** @type {typeof import('../src/catalogue/schema.js')} */
const { configSchema } = await compiled('catalogue/schema.js');
/** @type {typeof import('../src/config/load.js')} */
const { loadConfig } = await compiled('config/load.js');
/** @type {typeof import('../src/data/label-noise.js')} */
const { hasLabelNoise } = await compiled('data/label-noise.js');
/** @type {typeof import('../src/data/load.js')} */
const { knownShape } = await compiled('data/load.js');
/** @type {typeof import('../src/graph/host-nodes.js')} */
const { hostNodes } = await compiled('graph/host-nodes.js');
/** @type {typeof import('../src/native/device.js')} */
const { openDevice } = await compiled('native/device.js');
/** @type {typeof import('../src/native/own-ops.js')} */
const { withoutOwnOps } = await compiled('native/own-ops.js');
/** @type {typeof import('../src/native/registered-kernels.js')} */
const { registeredKernels } = await compiled('native/registered-kernels.js');
/** @type {typeof import('../src/native/types.js')} */
const { DATA_TYPE } = await compiled('native/types.js');
/** @type {typeof import('../src/tasks/engine.js')} */
const { traceRun } = await compiled('tasks/engine.js');

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const REPORT = join(ROOT, 'docs', 'gpu-kernels.md');
/** That of test/native/configurations.test.ts. */
const SEED = 7;
const PRECISIONS = /** @type {const} */ (['float32', 'bfloat16']);

const { device, tensorflowVersion } = openDevice('cpu');
if (device !== 'gpu') {
  console.error(
    'check-gpu-kernels: the library set up here is for the CPU, and lists no kernels for GPUs; FSAM_DEVICE=gpu node scripts/setup.mjs fetches the other',
  );
  process.exit(2);
}

/** @type {Map<string, RegisteredKernel[]>} */
const kernels = new Map();
for (const kernel of registeredKernels()) {
  if (kernel.device !== 'GPU' && kernel.device !== 'DEFAULT') continue;
  kernels.set(kernel.op, [...(kernels.get(kernel.op) ?? []), kernel]);
}

/**
 * The types of a node by attribute, `T float32, Tidx int32`.
 *
 * @param {Node} node
 */
const typesOf = ({ attributes }) =>
  Object.entries(attributes).flatMap(([name, attribute]) =>
    attribute.kind === 'type' ? [/** @type {const} */ ([name, attribute.value])] : [],
  );

/**
 * The kernel that a GPU has for the node.
 *
 * @param {Node} node
 */
function kernelFor(node) {
  const types = new Map(typesOf(node));
  return kernels.get(node.op)?.find((kernel) =>
    [...kernel.types].every(([name, allowed]) => {
      const type = types.get(name);
      return type === undefined || allowed.length === 0 || allowed.includes(DATA_TYPE[type]);
    }),
  );
}

/** @returns {{ name: string, config: Config }[]} */
function configurations() {
  const files = ['configs', 'configs/tiny'].flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((name) => name.endsWith('.yaml'))
      .sort()
      .map((name) => join(folder, name)),
  );
  return [
    ...files.map((file) => ({
      name: file.replace(/^configs\/|\.yaml$/g, ''),
      config: loadConfig({ config: join(ROOT, file), assignments: [], overrides: {} }),
    })),
    ...Array.from({ length: FRAME_COUNT }, (_, i) => ({
      name: `drawn ${i}`,
      config: configSchema.parse(configuration(i, SEED)),
    })),
  ];
}

/** @typedef {{ op: string, types: string, isMeant: boolean, kernel: RegisteredKernel | undefined, users: Set<string> }} Found */
/** @type {Map<string, Found>} */
const found = new Map();
/** @type {string[][]} */
const rows = [];

for (const { name, config } of configurations()) {
  const { shape } = await knownShape(config.data, config.seed);
  const counts = PRECISIONS.map((precision) => {
    const asked = { ...config, model: { ...config.model, precision } };
    const noisy = { ...shape, labelNoise: hasLabelNoise(config.labelNoise) };
    const { nodes } = withoutOwnOps(() => traceRun(asked, noisy));
    const lacking = new Set();
    const host = hostNodes(nodes);
    for (const node of nodes) {
      const isMeant = host.has(node.name);
      const types = typesOf(node)
        .map((pair) => pair.join(' '))
        .join(', ');
      const key = `${node.op}(${types})${isMeant ? ' on the host' : ''}`;
      const entry = found.get(key) ?? {
        ...{ op: node.op, types, isMeant, kernel: kernelFor(node) },
        users: new Set(),
      };
      found.set(key, entry);
      entry.users.add(`${name} ${precision}`);
      if (!isMeant && entry.kernel === undefined) lacking.add(node.op);
    }
    return `${nodes.length}, ${lacking.size === 0 ? 'all' : `not ${[...lacking].sort().join(', ')}`}`;
  });
  rows.push([name, `${config.model.name}, ${config.optimizer.name}`, ...counts]);
}

/** @param {readonly string[][]} cells */
function table(cells) {
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  /** @param {string[]} row */
  const line = (row) => `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  const [header = [], ...body] = cells;
  const rule = widths.map((width) => '-'.repeat(width));
  return [line(header), line(rule), ...body.map(line)].join('\n');
}

const sorted = [...found.values()].sort((a, b) =>
  `${a.op} ${a.types}` < `${b.op} ${b.types}` ? -1 : 1,
);
const meant = sorted.filter(({ isMeant }) => isMeant);
const lacking = sorted.filter(({ isMeant, kernel }) => !isMeant && kernel === undefined);
const inHostMemory = sorted.filter(
  ({ isMeant, kernel }) => !isMeant && (kernel?.onHost.length ?? 0) > 0,
);
const kinds = new Set(sorted.map(({ op }) => op)).size;

const text = `# Kernels for GPUs

Written by \`node scripts/${basename(import.meta.filename)}\` with TensorFlow ${tensorflowVersion}: what its GPU library registers for each op of
each configuration, traced as for a GPU, training and evaluation in one graph; and of ${FRAME_COUNT} drawn configurations, which use keys
that no file does. None of our own ops (\`src/native/ops/\`) is in them: those are for CPUs. A kernel for \`DEFAULT\` is one for any device.

${kinds} kinds of op, ${sorted.length} with their types; of those that are meant for a GPU, without a kernel there: ${lacking.length}.

Several workers add CollectiveReduceV2, which is not traced here: for GPUs there is ${kernels.has('CollectiveReduceV2') ? 'a kernel' : 'none'}.

## Without one

${
  lacking.length === 0
    ? 'None.'
    : table([
        ['op', 'types', 'in'],
        ...lacking.map(({ op, types, users }) => [op, types, `${users.size} traces`]),
      ])
}

## Meant for the host

A data set that memory holds stays there, and its bytes are gathered and moved there (\`src/graph/host-nodes.ts\`).

${table([
  ['op', 'types', 'kernel for GPUs'],
  ...meant.map(({ op, types, kernel }) => [op, types, kernel === undefined ? 'none' : 'there']),
])}

## With inputs or outputs in the host's memory

Their kernels are registered for GPUs and compute on the host, or read there what decides a shape.

${table([
  ['op', 'types', 'in the host’s memory'],
  ...inHostMemory.map(({ op, types, kernel }) => [op, types, (kernel?.onHost ?? []).join(', ')]),
])}

## By configuration

Nodes of the graph, and whether all have a kernel.

${table([['configuration', 'network, optimizer', ...PRECISIONS], ...rows])}
`;
writeFileSync(REPORT, text);
console.log(text);
process.exit(lacking.length === 0 ? 0 : 1);
