// Writes configs/schema.json and configs/sweeps/schema.json, which editors check the experiment and
// sweep files with, from the compiled schemas: run `npx tsc && node scripts/write-schema.mjs` after a
// change to src/catalogue or src/sweep/schema.ts.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { compiled } from './compiled.mjs';

/**
 * @param {string} file
 * @param {object} schema
 */
async function write(file, schema) {
  const path = fileURLToPath(new URL(`../configs/${file}`, import.meta.url));
  const options = await resolveConfig(path);
  writeFileSync(path, await format(JSON.stringify(schema), { ...options, filepath: path }));
}

const { configJsonSchema } = /** @type {typeof import('../src/config/jsonSchema.js')} */ (
  await compiled('config/jsonSchema.js')
);
const { sweepJsonSchema } = /** @type {typeof import('../src/sweep/schema.js')} */ (
  await compiled('sweep/schema.js')
);
await write('schema.json', configJsonSchema());
await write('sweeps/schema.json', sweepJsonSchema());
