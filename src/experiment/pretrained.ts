// The file of weights that a run begins with: read once, before its first step, and known again by its
// content when the run goes on.
import { existsSync } from 'node:fs';
import { z } from 'zod';
import { isAsPublished } from '../catalogue/network.js';
import { whereWeightsAre } from '../catalogue/published-weights.js';
import type { Config } from '../catalogue/schema.js';
import { pathsFrom } from '../config/paths.js';
import { isText, type Dataset } from '../data/dataset.js';
import type { Engine } from '../session/engine.js';
import { readPretrained } from '../session/pretrained.js';
import { UserError } from '../util/errors.js';
import { sha256OfFile } from '../util/file-hash.js';
import { unreadable } from '../util/file-errors.js';
import { findEnvironment } from './environment.js';
import type { RunFolder } from './folder.js';
import type { Reporter } from './reporter.js';

/** For environment.json, as `pretrained`. */
export const pretrainedSchema = z.object({ file: z.string(), sha256: z.string() });
export type PretrainedFile = z.infer<typeof pretrainedSchema>;

interface Request {
  readonly config: Config;
  readonly workingFolder: string;
  readonly reporter: Pick<Reporter, 'note'>;
}

/**
 * Gives the engine, which has its first state as drawn, the weights that `model.pretrained` names. Null where it
 * names none.
 *
 * Errors: UserError where the file is not there, is damaged or does not fit the network.
 */
export async function beginWithPretrained(
  request: Request,
  engine: Pick<Engine, 'slots' | 'readState' | 'writeState'>,
  dataset: Dataset,
): Promise<PretrainedFile | null> {
  const file = fileOf(request);
  if (file === null) return null;
  const { name, positions } = request.config.model;
  if (!existsSync(file)) {
    const { pretrained } = request.config.model;
    if (pretrained !== null && /^[a-z][a-z\d+.-]+:\/\//i.test(pretrained)) {
      throw new UserError(
        `model.pretrained: got the address ${pretrained}, wanted a file: fetch it first, for nothing here fetches weights`,
      );
    }
    throw new UserError(
      `model.pretrained: ${file}: there is no such file; ${whereWeightsAre(name, isAsPublished(request.config.model))}`,
    );
  }
  const { state, sha256, notes } = await readPretrained(
    file,
    name,
    engine.slots,
    engine.readState(),
    positions,
    { names: dataset.classNames ?? null, areTokens: isText(dataset) },
  );
  engine.writeState(state);
  for (const note of notes) request.reporter.note(`model.pretrained: ${note}`);
  return { file, sha256 };
}

/**
 * A run that goes on has all in its checkpoint, and needs the file no more; one that is another by now would give
 * another run if it began anew.
 *
 * Errors: UserError where the content is not what the run in `folder` began with.
 */
export async function refuseOtherPretrained(folder: RunFolder, request: Request): Promise<void> {
  const file = fileOf(request);
  if (file === null) return;
  if (!existsSync(file)) {
    request.reporter.note(
      `model.pretrained: ${file}: is not there any more; the run goes on from its checkpoint`,
    );
    return;
  }
  const sha256 = await sha256OfFile(file).catch((error: unknown) => {
    throw unreadable(file, error);
  });
  await refuseOtherContent(folder, { file, sha256 });
}

/**
 * Errors: UserError where the file's content is not what the run in `folder` began with, if one did.
 *
 * @param found what would be begun with now; null: nothing
 */
export async function refuseOtherContent(
  folder: RunFolder,
  found: PretrainedFile | null,
): Promise<void> {
  const environment = await findEnvironment(folder.environment);
  const { success, data } = pretrainedSchema.safeParse(environment?.['pretrained']);
  if (found === null || !success || data.sha256 === found.sha256) return;
  throw new UserError(
    `model.pretrained: ${found.file}: got another content (sha256 ${found.sha256.slice(0, 12)}) than the run in ${folder.path} began ` +
      `with (${data.sha256.slice(0, 12)}); bring that file back, or start anew with --overwrite`,
  );
}

const fileOf = ({ config, workingFolder }: Request): string | null =>
  pathsFrom(workingFolder, config).model.pretrained;
