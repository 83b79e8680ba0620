// Sets this clone up where something is missing, then runs the command line; what bin/fsam starts. CommonJS, so
// that an old Node gets as far as the check.
'use strict';

const { join } = require('path');
const { pathToFileURL } = require('url');

const OLDEST_NODE = [20, 18, 1];

// bin/fsam found it so; Node has forgotten.
if (process.env.FSAM_SIGHUP === 'ignored') process.on('SIGHUP', () => undefined);

async function main() {
  const root = join(__dirname, '..');
  const load = (path) => import(pathToFileURL(join(root, path)).href);
  const { setUpOrExit } = await load('scripts/setup.mjs');
  await setUpOrExit(process.argv.includes('--verbose') ? { verbose: true } : {});
  const commandLine = await load('dist/cli/main.js');
  process.exitCode = await commandLine.main(process.argv);
  // Left to itself, Node takes tfjs's addon apart on its way out, which now and then ends in a segmentation fault: a
  // run that was finished and saved would seem to have failed. Output, and what goes wrong with it, come first.
  for (const stream of [process.stdout, process.stderr]) {
    await new Promise((resolve) => stream.write('', resolve));
  }
  process.exit();
}

function isTooOld(version) {
  const first = OLDEST_NODE.findIndex((oldest, i) => version[i] !== oldest);
  return first >= 0 && version[first] < OLDEST_NODE[first];
}

if (isTooOld(process.versions.node.split('.').map(Number))) {
  process.stderr.write(
    `fsam: Node.js ${process.versions.node} is too old: install ${OLDEST_NODE.join('.')} or later\n`,
  );
  process.exitCode = 2;
} else {
  main();
}
