// One row for each kind of label noise, with the keys that only some of them read.
import { normalize } from 'node:path';
import { z } from 'zod';
import { key, keysOfRows, rowNames, type Rows, type Values } from './key.js';
import { filePath, fraction, seed } from './values.js';

const isDrawn = (at: Values): boolean => at('labelNoise.rate') !== 0;

export const NOISES = {
  symmetric: {
    keys: {
      exclusive: key(z.boolean().default(false), {
        role: 'result',
        help: "Never draw the true label, as false and the authors' code may.",
        read: isDrawn,
        folder: 'unless default',
        folderWord: () => 'exclusive',
      }),
    },
  },
  asymmetric: { keys: {} },
} as const satisfies Rows;

/** The keys of the section, in its order. */
export const LABEL_NOISE_KEYS = {
  rate: key(fraction.default(0), {
    role: 'result',
    help: 'Share of the training labels that are drawn; 0: no noise.',
    word: 'noise',
    title: 'label noise rate',
    folder: 'unless default',
  }),
  kind: key(z.enum(rowNames(NOISES)).default('symmetric'), {
    role: 'result',
    help: 'symmetric: a label drawn from all classes; asymmetric: the class it is mistaken for.',
    read: isDrawn,
    folder: 'unless default',
  }),
  ...keysOfRows(NOISES, (at) => at('labelNoise.kind')),
  seed: key(seed.nullable().default(null), {
    role: 'result',
    help: "Draws the noise; null takes the run's seed.",
    read: isDrawn,
    title: 'noise seed',
  }),
  file: key(filePath.nullable().default(null), {
    role: 'result',
    help: 'Labels to train on instead: a label-noise.csv, as runs with noise write it.',
    meaning: (path) => (path === null ? null : normalize(path)),
    folder: 'unless default',
    folderWord: () => 'noise-file',
  }),
} as const;
