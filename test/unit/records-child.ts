// Makes an index as a process of its own, to be killed: node records-child.js FOLDER CACHE WORKERS. It says `N` on a
// line for each part that is done, and at last the digest of the index.
import { createHash } from 'node:crypto';
import { openIndex } from '../../src/data/records/open-index.js';

const [folder = '', cache = '', workers = '0'] = process.argv.slice(2);
let told = -1;
const { train, notes } = await openIndex(folder, {
  cache,
  workers: Number(workers),
  onProgress: (event) => {
    const line = event.kind === 'scanning' ? event.partsDone : event.kind;
    if (line === told) return;
    if (typeof line === 'number') told = line;
    process.stdout.write(`${line}\n`);
  },
});
const hash = createHash('sha256').update(new Uint8Array(train.memory));
if (train.names !== null) hash.update(train.names.bytes);
process.stdout.write(`${hash.digest('hex')} ${train.count} ${notes.length}\n`);
