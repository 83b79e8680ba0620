// Writes configs/schema.json, which editors check the experiment files with, from the compiled
// schema: run `npx tsc && node scripts/write-schema.mjs` after a change to src/config/schema.ts.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';

const compiled = new URL('../dist/config/jsonSchema.js', import.meta.url).href;
const { configJsonSchema } = /** @type {typeof import('../src/config/jsonSchema.js')} */ (
  await import(compiled)
);
const path = fileURLToPath(new URL('../configs/schema.json', import.meta.url));
const options = await resolveConfig(path);
const text = await format(JSON.stringify(configJsonSchema()), { ...options, filepath: path });
writeFileSync(path, text);
