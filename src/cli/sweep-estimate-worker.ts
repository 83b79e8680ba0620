// The process that times a few steps for the plan of a sweep, so that the sweep itself stays light.
import type { Config } from '../catalogue/schema.js';
import { UserError } from '../util/errors.js';
import { answerJob } from './worker.js';

export interface EstimateJob {
  readonly configs: readonly Config[];
  readonly threads: number;
}

export type EstimateAnswer = { readonly seconds: readonly number[] } | { readonly problem: string };

async function answer({ configs, threads }: EstimateJob): Promise<EstimateAnswer> {
  const { useThreads } = await import('../native/threads.js');
  useThreads(threads);
  const { estimateSeconds } = await import('../sweep/estimate.js');
  try {
    return { seconds: await estimateSeconds(configs) };
  } catch (error) {
    if (error instanceof UserError) return { problem: error.message };
    throw error;
  }
}

answerJob(answer);
