// The keys of a sweep file, as far as a schema can tell; axes.ts and load.ts check what is in them.
import { z } from 'zod';
import { folderName } from '../catalogue/values.js';

/** Each part of a path below the sweep's folder. */
const PARTS = /^(?!.*(^|\/)\.{0,2}(\/|$))/;

const assignments = z.record(z.string(), z.unknown());

export const sweepSchema = z.strictObject({
  name: folderName.describe('Name of the sweep: its folder under results/.'),
  base: z
    .string()
    .min(1)
    .optional()
    .describe('The experiment file that every point starts from, relative to this file.'),
  set: assignments
    .default({})
    .describe('Keys laid over the base at every point, such as model.width: 16.'),
  axes: z
    .record(z.string(), z.unknown())
    .default({})
    .describe(
      'What is varied; the grid has every combination. A key with a list of values, or with a range (from, to, count, scale: linear or log); or a name of your own with a map of choices, each a map of keys. The axis base has experiment files.',
    ),
  points: z.array(assignments).default([]).describe('Points beside the grid, each a map of keys.'),
  only: z
    .record(z.string(), z.record(z.string(), z.array(z.unknown()).min(1)))
    .default({})
    .describe(
      'Where a key applies: optimizer.nesterov: { optimizer.name: [sgd] }. Elsewhere it is left as the base has it, and points that become the same collapse.',
    ),
  folder: z
    .string()
    .regex(PARTS)
    .meta({ patternErrorMessage: 'names parted by "/", none of them empty, "." or ".."' })
    .optional()
    .describe(
      'Name of a point, with keys in braces: noise{labelNoise.rate}/{optimizer.name}; seed-N follows.',
    ),
});

/** The JSON Schema that editors check sweep files with, and that messages are worded from. */
export function sweepJsonSchema(): object {
  return z.toJSONSchema(
    sweepSchema.extend({ extends: z.string().min(1).optional().describe('Another sweep file.') }),
    {
      io: 'input',
      override: ({ jsonSchema }) => {
        delete jsonSchema.required;
      },
    },
  );
}
