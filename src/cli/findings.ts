// What `fsam doctor` finds: the machine, the set-up and the data sets.
import os from 'node:os';
import { DATA_SETS, isAtHand } from '../catalogue/data-sets.js';
import type { Candidate } from '../data/candidates.js';
import { kindOf } from '../data/files.js';
import { LOOKED_FOR } from '../data/load.js';
import { openDevice, readSetup, type Device } from '../native/device.js';
import { isOursToChoose, oneDnnTold, processorFlags, WORTH_IT } from '../native/onednn.js';
import { instructionSet } from '../native/own-ops.js';
import { threadsTold } from '../native/threads.js';
import { messageOf } from '../util/file-errors.js';
import { gpuFindings } from './gpu-findings.js';
import { gpuNames, tfjsVersion } from './machine.js';
import { print } from './output.js';
import { SERVER, workersPlace } from './workers-place.js';

type Finding = readonly [label: string, text: string];

const LABEL_WIDTH = 12;

export async function printFindings(version: string, dataDir: string): Promise<void> {
  const findings = [
    ...versions(version),
    ...machine(),
    // Before TensorFlow is loaded, which they may keep from it.
    ...gpu(),
    ...(await device()),
    servers(),
    ...(await dataSets(dataDir)),
  ];
  for (const [label, text] of findings) print(`${label.padEnd(LABEL_WIDTH)}${text}`);
}

const versions = (version: string): Finding[] => [
  ['fsam', version],
  ['Node', process.versions.node],
  ['platform', `${os.platform()} ${os.release()} ${os.arch()}`],
];

function machine(): Finding[] {
  const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(1);
  return [
    ['CPU', `${os.cpus()[0]?.model ?? os.arch()}, ${os.availableParallelism()} cores`],
    ['memory', `${gigabytes(os.totalmem())} GB, ${gigabytes(os.freemem())} GB free`],
  ];
}

/** Where the set-up brought nothing, `device` says so. */
function gpu(): Finding[] {
  try {
    return process.env['FSAM_SETUP_LACKS'] === undefined ? gpuFindings(readSetup()) : [];
  } catch (error) {
    return [['GPU', messageOf(error)]];
  }
}

/** A library that does not load is a finding, too. */
async function device(): Promise<Finding[]> {
  let found: Device;
  let toldThreads: number | null;
  try {
    toldThreads = threadsTold();
    found = openDevice('auto');
  } catch (error) {
    return [['TensorFlow', messageOf(error)]];
  }
  const gpus = await gpuNames();
  return [
    ['TensorFlow', `${found.tensorflowVersion}, tfjs ${tfjsVersion()}`],
    ['library', `${found.libraryDirectory}, for the ${found.device.toUpperCase()}`],
    ['device', describeDevice(found, gpus)],
    [
      'threads',
      `${found.threads}: ${toldThreads === null ? 'every core' : 'TF_NUM_INTRAOP_THREADS'}`,
    ],
    [
      'oneDNN',
      isOursToChoose(processorFlags()) && oneDnnTold() === null
        ? `on where an average convolution takes ${WORTH_IT / 1e6} M multiply-adds or more a batch, off elsewhere`
        : `${found.onednn.on ? 'on' : 'off'}: ${found.onednn.reason}`,
    ],
    ...(found.inUse === 'CPU' ? [['Winograd', `${instructionSet()} instructions`] as const] : []),
  ];
}

function describeDevice(
  { inUse, device, reason, lacking }: Device,
  gpus: readonly string[],
): string {
  const names = gpus.length > 1 ? `${gpus.length}: ${gpus.join(', ')}` : gpus.join('');
  if (inUse === 'GPU') return `GPU: ${names === '' ? 'of unknown name' : names}`;
  if (device === 'cpu') return `CPU: the CPU library is set up (${reason})`;
  const why = lacking === null ? 'but TensorFlow finds no GPU' : 'and there is no GPU: see driver';
  const seen = names === '' ? '' : `; nvidia-smi shows ${names}`;
  return `CPU: the GPU library is set up (${reason}), ${why}${seen}`;
}

/** What `fsam train` opens when it is started as this was. */
function servers(): Finding {
  try {
    const place = workersPlace({ timeoutSeconds: 0, opensServer: true });
    if (place === null) return ['servers', 'none: one process opens no port'];
    const { index, addresses } = place;
    return [
      'servers',
      `worker ${index} of ${addresses.length} would open ${addresses[index] ?? ''}: ${SERVER}`,
    ];
  } catch (error) {
    return ['servers', messageOf(error)];
  }
}

/** Looked for as the loaders look. */
async function dataSets(directory: string): Promise<Finding[]> {
  const sets: Finding[] = [];
  for (const [name, candidates] of Object.entries(LOOKED_FOR)) {
    try {
      const found = await candidates(directory);
      sets.push([name, found.map(describePlace).join(', ') || missing(name, directory)]);
    } catch (error) {
      sets.push([name, messageOf(error)]);
    }
  }
  const isThere = (await kindOf(directory)) !== 'missing';
  return [
    ['data', isThere ? directory : `${directory}: there is no such folder`],
    ...sets,
    ['at hand', Object.keys(DATA_SETS).filter(isAtHand).join(', ')],
  ];
}

const describePlace = ({ path, lack }: Candidate): string =>
  lack === null ? path : `${path} (not whole: ${lack})`;

function missing(name: string, directory: string): string {
  return name === 'idx'
    ? 'not there'
    : `not there; fsam data fetch ${name} --data-dir ${directory}`;
}
