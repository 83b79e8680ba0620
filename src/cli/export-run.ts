// What `fsam export` does: a checkpoint's weights into a file.
import { namesOf } from '../catalogue/network.js';
import type { Config } from '../catalogue/schema.js';
import { openRun } from '../experiment/open-run.js';
import { exportWeights, isExported, type Names } from '../experiment/export-weights.js';
import { listCheckpoints, runFolder } from '../experiment/folder.js';
import { refuseUnlessOurs } from '../util/output-file.js';
import { print } from './output.js';

export interface ExportOptions {
  readonly to: string;
  readonly names: Names;
  readonly checkpoint?: string;
}

export async function exportRun(folder: string, options: ExportOptions): Promise<void> {
  const { to, names } = options;
  await refuseUnlessOurs('--to', to, () => isExported(to));
  const { checkpoint, config } = await openRun(folder, options.checkpoint ?? null);
  const [newest = null] = await listCheckpoints(runFolder(folder));
  const { tensors, numbers, averaged } = await exportWeights(checkpoint, to, names, newest);
  const kind = averaged ? 'averaged weights' : 'weights';
  print(
    `${to}: ${kind} of ${checkpoint}: ${tensors} tensors, ${numbers.toLocaleString('en')} numbers, ${named(config, names)}`,
  );
}

/** Who can load it. */
function named({ model }: Config, names: Names): string {
  if (names === 'fsam') return 'as fsam names them';
  const whose = namesOf(model);
  return whose === null
    ? `with PyTorch's axes, and names that are fsam's own: no library is known to have ${model.name}`
    : `as ${whose} name${whose.includes(' and ') ? '' : 's'} them`;
}
