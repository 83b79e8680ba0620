// Where the time of a step goes: from the nodes that ran to a table of ops, and to a trace for a
// viewer.
import type { Profile, ProfiledNode } from '../native/profile.js';

/** All nodes of one op. */
interface OpRow {
  readonly op: string;
  readonly count: number;
  /** The sum of theirs, each in full. */
  readonly milliseconds: number;
  /** Of their outputs. */
  readonly bytes: number;
}

/** Times are milliseconds: those of the rows and `outside`, less `twice`, are `wall`. */
export interface OpTable {
  /** The longest first. */
  readonly rows: readonly OpRow[];
  /** What a step takes from outside. */
  readonly wall: number;
  /** In which no op ran. */
  readonly outside: number;
  /** What the rows count again because several ops ran at once. */
  readonly twice: number;
}

/** A complete event of the Trace Event Format; times are microseconds. */
export interface TraceEvent {
  readonly ph: 'X';
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur: number;
  /** The op. */
  readonly name: string;
  /** The part of the step. */
  readonly cat: string;
  readonly args: { readonly node: string; readonly scope: string; readonly bytes: number };
}

/** In nanoseconds. */
const MICROSECOND = 1e3;
const MILLISECOND = 1e6;

/** @param wall milliseconds that the profiled step took */
export function opTable(profile: Profile, wall: number): OpTable {
  let [sum, covered, end] = [0, 0, 0];
  // They come by their start.
  for (const { start, duration } of profile) {
    sum += duration;
    covered += Math.max(0, start + duration - Math.max(start, end));
    end = Math.max(end, start + duration);
  }
  const rows = profile.map(({ op, duration, bytes }) => ({
    op,
    count: 1,
    milliseconds: duration / MILLISECOND,
    bytes,
  }));
  return {
    rows: byOp(rows),
    wall,
    outside: wall - covered / MILLISECOND,
    twice: (sum - covered) / MILLISECOND,
  };
}

/** Of several steps, at least one: a step's. */
export function meanTable(tables: readonly OpTable[]): OpTable {
  const mean = (of: (table: OpTable) => number) =>
    tables.reduce((sum, table) => sum + of(table), 0) / tables.length;
  const rows = byOp(tables.flatMap((table) => table.rows)).map((row) => ({
    op: row.op,
    count: row.count / tables.length,
    milliseconds: row.milliseconds / tables.length,
    bytes: row.bytes / tables.length,
  }));
  return {
    rows,
    wall: mean(({ wall }) => wall),
    outside: mean(({ outside }) => outside),
    twice: mean(({ twice }) => twice),
  };
}

/** Those of an op added up, the longest first. */
function byOp(rows: readonly OpRow[]): OpRow[] {
  const sums = new Map<string, OpRow>();
  for (const row of rows) {
    const sum = sums.get(row.op);
    sums.set(
      row.op,
      sum === undefined
        ? row
        : {
            op: row.op,
            count: sum.count + row.count,
            milliseconds: sum.milliseconds + row.milliseconds,
            bytes: sum.bytes + row.bytes,
          },
    );
  }
  return [...sums.values()].sort(
    (a, b) => b.milliseconds - a.milliseconds || (a.op < b.op ? -1 : 1),
  );
}

/**
 * A complete event a node. TensorFlow does not tell on which of its threads a node ran: an event is
 * in the first lane (`tid`) that is free at its start, so that more than one lane says what ran at
 * once.
 */
export function traceEvents(profile: Profile): TraceEvent[] {
  const ends: number[] = [];
  return profile.map((node) => {
    const free = ends.findIndex((end) => end <= node.start);
    const lane = free < 0 ? ends.length : free;
    ends[lane] = node.start + node.duration;
    const scope = scopeOf(node);
    return {
      ph: 'X',
      pid: PID,
      tid: lane + 1,
      ts: node.start / MICROSECOND,
      dur: node.duration / MICROSECOND,
      name: node.op,
      cat: partOf(scope),
      args: { node: node.name, scope, bytes: node.bytes },
    };
  });
}

/** The one process of a trace; what the format wants, not a real one. */
const PID = 1;

/** A node's name up to its own part, without what TensorFlow adds: `train/first_pass/fc`. */
const scopeOf = ({ name }: ProfiledNode): string =>
  name
    .replace(/^_(arg|retval)_|(ConstantFolding|ArithmeticOptimizer)\//g, '')
    .split('/')
    .slice(0, -1)
    .join('/');

/** `first_pass` of `train/first_pass/fc`; functions share the constants, which are in no scope. */
function partOf(scope: string): string {
  const [name = '', part = name] = scope.split('/');
  return part === '' ? 'shared' : part;
}

/**
 * The content of a file that chrome://tracing and Perfetto open.
 *
 * @param title what was profiled
 * @param about kept beside the events, under `fsam`; viewers leave it alone
 */
export function traceFile(events: readonly TraceEvent[], title: string, about: object): object {
  const lanes = [...new Set(events.map(({ tid }) => tid))].sort((a, b) => a - b);
  const named = (name: string, tid: number, value: string) =>
    ({ ph: 'M', pid: PID, tid, name, args: { name: value } }) as const;
  return {
    displayTimeUnit: 'ms',
    fsam: about,
    traceEvents: [
      named('process_name', 0, title),
      ...lanes.map((tid) =>
        named('thread_name', tid, tid === 1 ? 'ops' : `at the same time ${tid}`),
      ),
      ...events,
    ],
  };
}
