// What the tests of src/experiment share: what a run folder holds.
import { readFileSync } from 'node:fs';
import { listCheckpoints, runFolder } from '../../src/experiment/folder.js';
import { readTensors } from '../../src/util/safetensors.js';

/** What must be the same however often a run was interrupted: metrics.csv and the tensors of the last checkpoint. */
export async function resultOf(path: string): Promise<{ csv: string; tensors: object }> {
  const folder = runFolder(path);
  const [checkpoint = ''] = await listCheckpoints(folder);
  return { csv: readFileSync(folder.metrics, 'utf8'), tensors: await tensorsOf(checkpoint) };
}

/** The tensors of a checkpoint, by name. */
export async function tensorsOf(checkpoint: string): Promise<Record<string, Float32Array>> {
  const tensors: Record<string, Float32Array> = {};
  await readTensors(checkpoint, ({ name, shape }) => {
    tensors[name] = new Float32Array(shape.reduce((a, b) => a * b, 1));
    return tensors[name];
  });
  return tensors;
}
