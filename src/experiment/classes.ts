// classes.txt: the classes of a run, or the characters of its text, one a line, in the order of their labels,
// where the data names them.
// Which label is which class may change with the data or a list of classes; a network does not notice.
import { existsSync } from 'node:fs';
import { isText, type Dataset } from '../data/dataset.js';
import { writeFileAtomically } from '../util/atomic-file.js';
import { UserError } from '../util/errors.js';
import { readText } from '../util/text-file.js';

export const writeClasses = (path: string, names: readonly string[]): Promise<void> =>
  writeFileAtomically(path, `${names.join('\n')}\n`);

/** As a run wrote them. Errors: UserError where the file is missing or cannot be read. */
export const readClasses = async (path: string): Promise<readonly string[]> =>
  (await readText(path)).trimEnd().split('\n');

/** Errors: UserError where the run that wrote `path` had other classes than the data set has. */
export async function refuseOtherClasses(path: string, dataset: Dataset): Promise<void> {
  if (!existsSync(path)) return;
  const { source, classNames, classes } = dataset;
  const begun = await readClasses(path);
  const isOfText = isText(dataset);
  const wayOut = isOfText ? 'bring the text back' : 'bring the data, or the list of classes, back';
  const [one, several] = isOfText ? ['token', 'characters'] : ['class', 'classes'];
  if (begun.length !== classes) {
    throw new UserError(
      `${source}: has ${classes} ${several}, wanted the ${begun.length} of ${path}; ${wayOut}`,
    );
  }
  const other = begun.findIndex((name, label) => name !== classNames?.[label]);
  if (other < 0) return;
  throw new UserError(
    `${source}: ${one} ${other} is ${classNames?.[other] ?? 'without a name'}, wanted ${begun[other] ?? ''} (${path}:${other + 1}); ${wayOut}`,
  );
}
