// The door of this folder: one analysis of a run's checkpoints, from its question to its files.
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { taskOf } from '../catalogue/task.js';
import { fingerprintOf, isOtherThan } from '../experiment/fingerprint.js';
import { ANALYSIS_LOCK_NAME } from '../experiment/folder.js';
import type { Figure } from '../figures/render.js';
import { renderPng, renderSvg } from '../figures/render.js';
import { writeFileAtomically } from '../util/atomic-file.js';
import { counted } from '../util/counted.js';
import { csvText } from '../util/csv.js';
import { required, UserError } from '../util/errors.js';
import { listFolder, makeFolders } from '../util/folders.js';
import { acquireLock, type Lock } from '../util/lock.js';
import { claimFiles, disownFiles, removeFiles } from '../util/owned-files.js';
import type { AnalysisOptions, Context, Results, Row } from './context.js';
import { titled } from './figures.js';
import { openJournal, questionIn } from './journal.js';
import { hashOf, readAnalysed, type Analysed, type Opened } from './opened.js';

export interface Analysis {
  /** Its command, and its files: `hessian`. */
  readonly name: string;
  /** Of one checkpoint. */
  readonly analyse: (context: Context) => Promise<Results>;
  /** Names of its figures, without ending. */
  readonly figures: readonly string[];
  /** Of all checkpoints, in order; left out where there is nothing to be seen along a run. */
  readonly along?: (all: readonly Results[]) => Figure;
}

interface AnalysisRequest {
  readonly analysis: Analysis;
  readonly opened: Opened;
  /** Their paths, in the order of steps. */
  readonly checkpoints: readonly string[];
  readonly options: AnalysisOptions;
  /** All else that the answer depends on. */
  readonly question: Readonly<Record<string, unknown>>;
  /** Where the files go. */
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly progress: Context['progress'];
  readonly note: (text: string) => void;
}

interface Answer {
  readonly lines: readonly string[];
  /** Paths, in the order written. */
  readonly files: readonly string[];
}

/**
 * 1. Take the folder; read what an earlier process has done of the same question.
 * 2. Analyse one checkpoint after the other, each finished piece on the disk before the next.
 * 3. Write table and figures, and drop the pieces.
 *
 * Errors: UserError (a folder in use, somebody else's files, a damaged checkpoint); RunError where the loss is not
 * finite or not a function; the reason of the signal.
 */
export async function analyse(request: AnalysisRequest): Promise<Answer> {
  const { analysis, opened, checkpoints, options, folder, note } = request;
  await makeFolders(folder);
  const lock = await lockAnalyses(folder);
  try {
    const hashes: string[] = [];
    for (const checkpoint of checkpoints) hashes.push(await hashOf(checkpoint));
    const data = fingerprintOf(opened.dataset);
    const question = { ...request.question, ...options, name: analysis.name, hashes, data };
    const partial = partialOf(analysis.name, question);
    const pictures = analysis.figures.flatMap((figure) => [`${figure}.svg`, `${figure}.png`]);
    await claimFiles(folder, [partial, `${analysis.name}.csv`, ...pictures]);
    await tellOthers(folder, analysis.name, partial, question, note);
    const journal = await openJournal(join(folder, partial), question);
    if (journal.found > 0) {
      note(`goes on after ${counted(journal.found, 'piece')} of the same analysis`);
    }
    const forget = async (): Promise<void> => {
      await journal.remove();
      await disownFiles(folder, [partial]);
    };
    const all: Results[] = [];
    try {
      for (const checkpoint of checkpoints) {
        request.signal.throwIfAborted();
        const analysed = await readAnalysed(opened, checkpoint);
        refuseOtherData(opened, analysed, checkpoint);
        all.push(await analysis.analyse({ ...request, analysed, journal }));
      }
    } catch (error) {
      // Nothing to go on with, and perhaps nothing that could.
      if (journal.isEmpty()) await forget();
      throw error;
    }
    const { columns } = required(all[0], 'results');
    const rows = all.flatMap((one) => one.rows);
    const run = `${opened.config.name}, ${opened.config.optimizer.name}, seed ${opened.config.seed}`;
    // Figures of the last checkpoint, where there are many.
    const figures = [
      ...(all.at(-1)?.figures ?? []).map((figure) =>
        titled(figure, `${run}, ${whatOf(rows.at(-1))}`),
      ),
      ...(analysis.along === undefined || all.length < 2
        ? []
        : [titled(analysis.along(all), `${run}, ${counted(all.length, 'checkpoint')}`)]),
    ];
    const files = await writeResults(folder, analysis.name, { columns, rows, figures });
    // Of the last of its kind, which had more of them.
    const gone = pictures.filter((file) => !files.includes(join(folder, file)));
    await removeFiles(folder, gone);
    await forget();
    return { lines: all.flatMap(({ lines, rows }) => [`${whatOf(rows[0])}:`, ...lines]), files };
  } finally {
    await lock.release();
  }
}

/** One analysis at a time writes into a folder. Errors: UserError where another process does. */
export const lockAnalyses = (folder: string): Promise<Lock> =>
  acquireLock(join(folder, ANALYSIS_LOCK_NAME));

/** Each question has a folder of its own: an analysis that is asked otherwise drops nothing. */
const partialOf = (name: string, question: unknown): string =>
  `${name}-${createHash('sha256').update(JSON.stringify(question)).digest('hex').slice(0, 8)}.partial`;

/** Which checkpoint a row is of. */
const whatOf = (row: Row | undefined): string =>
  `epoch ${row?.['epoch'] ?? ''}, step ${row?.['step'] ?? ''}`;

/** Errors: UserError where the data set is not the one that the run learnt: what is found would pass for the run's. */
function refuseOtherData(
  { config, dataset }: Opened,
  { record }: Analysed,
  checkpoint: string,
): void {
  if (!isOtherThan(record.data, dataset)) return;
  throw new UserError(
    `${dataset.source}: holds other ${taskOf(config).examples} than ${checkpoint} was trained with, wanted the same; --data-dir names where they are`,
  );
}

/** What a question has in place of long things, as they are told. */
const HASHED: Readonly<Record<string, string>> = { hashes: 'weights', data: 'data set' };

/** Unfinished analyses of the same kind may hold a good deal of a disk. */
async function tellOthers(
  folder: string,
  name: string,
  own: string,
  question: Readonly<Record<string, unknown>>,
  note: (text: string) => void,
): Promise<void> {
  const isOther = (file: string) =>
    file !== own && file.startsWith(`${name}-`) && file.endsWith('.partial');
  for (const other of ((await listFolder(folder)) ?? []).filter(isOther)) {
    const path = join(folder, other);
    const asked = ((await questionIn(path)) ?? {}) as Record<string, unknown>;
    const differing = Object.keys({ ...asked, ...question })
      .filter((key) => !isDeepStrictEqual(asked[key], question[key] ?? undefined))
      .map((key) => HASHED[key] ?? `${key} ${JSON.stringify(asked[key])}`);
    note(
      `${path}: is an unfinished ${name} of other options (${differing.join(', ')}), which goes on when it is asked for again; delete it if it is not wanted`,
    );
  }
}

/** Puts NAME.csv and the figures in the place of earlier ones. Returns their paths. */
export async function writeResults(
  folder: string,
  name: string,
  { columns, rows, figures }: Omit<Results, 'lines'>,
): Promise<string[]> {
  const cells = rows.map((row) => columns.map((column) => String(row[column] ?? '')));
  const pictures = await Promise.all(
    figures.map(async (figure) => ({ ...figure, svg: await renderSvg(figure) })),
  );
  const contents: (readonly [name: string, content: string | Uint8Array])[] = [
    [`${name}.csv`, csvText(columns, cells)],
    ...pictures.map(({ name: of, svg }) => [`${of}.svg`, `${svg}\n`] as const),
    ...pictures.map(({ name: of, svg }) => [`${of}.png`, renderPng(svg)] as const),
  ];
  await claimFiles(
    folder,
    contents.map(([file]) => file),
  );
  const files: string[] = [];
  for (const [file, content] of contents) {
    const path = join(folder, file);
    const isText = typeof content === 'string';
    await writeFileAtomically(path, isText ? content : (to) => writeFile(to, content));
    files.push(path);
  }
  return files;
}
