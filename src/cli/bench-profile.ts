// fsam bench --profile: where the time of a training step goes, as a table and as a file for a trace
// viewer.
import type { Config } from '../catalogue/schema.js';
import type { DatasetShape } from '../data/dataset.js';
import { traceFile, type OpTable } from '../session/profile.js';
import { writeFileAtomically } from '../util/atomic-file.js';
import { RunError, UserError } from '../util/errors.js';
import { refuseBeside } from './bench-setting.js';
import { profileFsam, type Profiled, type StepCounts } from './bench-sides.js';
import { alignedColumns } from './columns.js';
import { Interrupted } from './failure.js';
import { print, tell } from './output.js';
import { watchSignals } from './signals.js';

/** What the trace has besides events; by these keys a file of ours is known. */
export const TRACE_KEYS = ['traceEvents', 'fsam'];

/** Options that mean nothing where there is one side, shown by a table of its own. */
const OF_SIDES = {
  rounds: '--rounds',
  against: '--against',
  againstModes: '--against-modes',
  python: '--python',
  json: '--json',
} as const;

/**
 * @param typed the options of bench that were given
 * @throws UserError that names the first that does not go with --profile.
 */
export function refuseBesideProfile(typed: ReadonlyMap<string, unknown>): void {
  const modes = typed.get('modes') ?? ['compiled'];
  if (Array.isArray(modes) && modes.some((mode) => mode !== 'compiled')) {
    throw new UserError(
      `--modes: got ${modes.join(' ')} beside --profile, wanted compiled, the one side that has a profile; leave out one of the two options`,
    );
  }
  const why = "fsam's compiled step alone is profiled, into one file";
  refuseBeside(typed, '--profile', OF_SIDES, why);
}

interface ProfileRequest extends StepCounts {
  readonly config: Config;
  readonly shape: DatasetShape;
  /** Where the trace goes. */
  readonly file: string;
  /** Lines on what is profiled, and where. */
  readonly title: string;
  readonly hardware: string;
}

/**
 * 1. Profile steps in a process of its own, until a signal comes.
 * 2. Print the table.
 * 3. Write the trace.
 * @throws Interrupted where a signal came; RunError where the process failed.
 */
export async function showProfile({
  file,
  title,
  hardware,
  ...asked
}: ProfileRequest): Promise<void> {
  const { config, steps, warmup } = asked;
  const profile = await profileUntilSignal(asked);
  const { table, unwatched, fastest, library } = profile;
  print(`\n${profileTable(table)}\n`);
  print(library);
  print(`without the profile a step takes ${unwatched.toFixed(1)} ms`);
  const about = { title, hardware, library, steps, warmup, config, table, unwatched };
  const content = traceFile(fastest.events, `fsam: a step of ${config.name}`, about);
  await writeFileAtomically(file, `${JSON.stringify(content)}\n`);
  print(
    `${file}: the fastest of the steps, ${fastest.milliseconds.toFixed(1)} ms; chrome://tracing or https://ui.perfetto.dev opens it`,
  );
}

async function profileUntilSignal(
  asked: Omit<ProfileRequest, 'file' | 'title' | 'hardware'>,
): Promise<Profiled> {
  const stop = new AbortController();
  const watch = watchSignals((signal) => {
    tell(`${signal}: stopping the step under way`);
    stop.abort();
  });
  try {
    const outcome = await profileFsam(asked, stop.signal);
    const { signal } = watch.interruption;
    if (signal !== null) throw new Interrupted(signal, 'nothing was profiled');
    if ('failure' in outcome) throw new RunError(`bench: the profile failed: ${outcome.failure}`);
    return outcome.profile;
  } finally {
    watch.release();
  }
}

/** Aligned columns, the ops with the most time first; then what of the step's wall time is no op's. */
export function profileTable({ rows, wall, outside, twice }: OpTable): string {
  const time = (milliseconds: number) => [
    milliseconds.toFixed(2),
    `${((100 * milliseconds) / wall).toFixed(1)} %`,
  ];
  const count = rows.reduce((sum, row) => sum + row.count, 0);
  const cells = [
    ['op', 'count', 'ms', 'share', 'bytes'],
    ...rows.map((row) => [
      row.op,
      countText(row.count),
      ...time(row.milliseconds),
      bytesText(row.bytes),
    ]),
    ['outside any op', '', ...time(outside), ''],
    ...(twice === 0 ? [] : [['several ops at once, counted twice', '', ...time(-twice), '']]),
    ['the step', countText(count), ...time(wall), ''],
  ];
  return alignedColumns(cells);
}

/** Steps may differ in what they run. */
const countText = (count: number): string =>
  Number.isInteger(count) ? String(count) : count.toFixed(1);

/** 12 B, 1.2 kB, 1.2 MB, 1.2 GB: of 10^3, 10^6 and 10^9. */
function bytesText(bytes: number): string {
  const units = [
    ['GB', 1e9],
    ['MB', 1e6],
    ['kB', 1e3],
  ] as const;
  const [unit, size] = units.find(([, least]) => bytes >= least) ?? (['B', 1] as const);
  return `${(bytes / size).toFixed(size === 1 ? 0 : 1)} ${unit}`;
}
