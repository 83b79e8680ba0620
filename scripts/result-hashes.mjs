// Prints a line for all that a folder of runs has of numbers: the hash of each table, and of each tensor of the
// checkpoints. For same-results.sh; it reads safetensors files by itself, without the program that wrote them.
//
//   node scripts/result-hashes.mjs FOLDER
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Times differ from run to run. */
const TIMES = 'timing.csv';

/** @param {Buffer} bytes */
const hash = (bytes) => createHash('sha256').update(bytes).digest('hex').slice(0, 16);

/**
 * Of the file at `path`: names with the hash of what they name.
 *
 * @param {string} path
 * @returns {[name: string, hash: string][]}
 */
function tensorsOf(path) {
  const bytes = readFileSync(path);
  const start = 8 + Number(bytes.readBigUInt64LE());
  /** @type {Record<string, { shape: number[], data_offsets: [number, number] }>} */
  const header = JSON.parse(bytes.toString('utf8', 8, start));
  delete header['__metadata__'];
  return Object.entries(header).map(
    ([
      name,
      {
        shape,
        data_offsets: [begin, end],
      },
    ]) => [`${name} [${shape.join(' ')}]`, hash(bytes.subarray(start + begin, start + end))],
  );
}

const folder = process.argv[2];
if (folder === undefined) {
  process.stderr.write('usage: node scripts/result-hashes.mjs FOLDER\n');
  process.exit(2);
}
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
for (const file of files) {
  const path = join(folder, file);
  if (file.endsWith('.csv') && !file.endsWith(TIMES)) {
    console.log(`${file}  ${hash(readFileSync(path))}`);
  }
  if (file.endsWith('.safetensors')) {
    for (const [name, value] of tensorsOf(path)) console.log(`${file} ${name}  ${value}`);
  }
}
