// The second folder of a run, results/NAME/VARIANT: what tells the runs of one experiment apart.
import type { Config, OptimizerConfig } from './schema.js';

/**
 * The variant that the configuration names, or one built from its optimizer:
 * `fsam-rho0.2-sigma1-lambda0.6`.
 */
export function variantName(config: Config): string {
  return config.variant ?? [optimizerName(config.optimizer), ...changes(config)].join('-');
}

/** What else an ablation changes: `m4`, `noise0.4`. */
function changes({ microBatches, labelNoise }: Config): string[] {
  const { rate, kind, exclusive, file } = labelNoise;
  const how = kind === 'asymmetric' ? '-asymmetric' : exclusive ? '-exclusive' : '';
  return [
    ...(microBatches > 1 ? [`m${microBatches}`] : []),
    ...(rate > 0 ? [`noise${rate}${how}`] : []),
    ...(file === null ? [] : ['noise-file']),
  ];
}

function optimizerName(optimizer: OptimizerConfig): string {
  const { name, base, rho, adaptive, sigma, lambda, emaOrder } = optimizer;
  const applied = base === 'sgd' ? '' : `-${base}`;
  switch (name) {
    case 'sgd':
    case 'adamw':
      return name;
    case 'sam':
    case 'asam':
      return `${adaptive ? 'asam' : name}-rho${rho}${applied}`;
    case 'fsam':
    case 'fasam': {
      const order = emaOrder === 'code' ? '' : `-${emaOrder}`;
      return `${adaptive ? 'fasam' : name}-rho${rho}-sigma${sigma}-lambda${lambda}${applied}${order}`;
    }
    default:
      return name satisfies never;
  }
}
