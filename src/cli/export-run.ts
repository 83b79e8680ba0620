// What `fsam export` does: a checkpoint's weights into a file.
import { openRun } from '../experiment/open-run.js';
import { exportWeights, isExported, type Names } from '../experiment/export-weights.js';
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
  const { checkpoint } = await openRun(folder, options.checkpoint ?? null);
  const { tensors, numbers, averaged } = await exportWeights(checkpoint, to, names);
  const kind = averaged ? 'averaged weights' : 'weights';
  print(
    `${to}: ${kind} of ${checkpoint}: ${tensors} tensors, ${numbers.toLocaleString('en')} numbers`,
  );
}
