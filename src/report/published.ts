// Values that the authors of F-SAM published, for the runs that repeat them exactly.
import { identityOf } from '../catalogue/identity.js';
import { loadConfig } from '../config/load.js';
import type { Config } from '../catalogue/schema.js';

/** Test accuracies in percent. */
interface Published {
  readonly last: number;
  readonly best: number;
  readonly lastTen: number;
  readonly source: string;
}

const SOURCE = "the authors' released logs: CIFAR-100, ResNet-18, seed 1, 200 epochs";

/** The experiment that all of them are of; results/reference/published has the whole curves. */
const EXPERIMENT = 'cifar100-resnet18';
const LOGS: readonly (Published & { readonly assignments: readonly string[] })[] = [
  { assignments: ['optimizer.name=sam'], last: 80.78, best: 80.88, lastTen: 80.78, source: SOURCE },
  { assignments: [], last: 81.19, best: 81.38, lastTen: 81.2, source: SOURCE },
  {
    assignments: ['optimizer.lambda=0.95'],
    last: 81.32,
    best: 81.43,
    lastTen: 81.35,
    source: SOURCE,
  },
];

/** Null where nothing was published for such a run: another network, width, part of the data, ... */
export function publishedFor(config: Config): Published | null {
  known ??= new Map(
    LOGS.map((log) => [
      fingerprint(loadConfig({ config: EXPERIMENT, assignments: log.assignments, overrides: {} })),
      log,
    ]),
  );
  return known.get(fingerprint(config)) ?? null;
}

/** The logs by fingerprint; read from the experiment's file where they are first asked for. */
let known: ReadonlyMap<string, Published> | undefined;

/** Every key that makes the run what it is; the last digits of its numbers do not matter. */
const fingerprint = (config: Config): string => JSON.stringify([...identityOf(config, ['result'])]);
