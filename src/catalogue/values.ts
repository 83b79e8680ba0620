// The kinds of values that keys have: each with its range, and what to say of one that is not so.
import { z } from 'zod';
import { expandHome } from '../util/home.js';

export const positive = z.number().positive();
export const nonNegative = z.number().nonnegative();
export const count = z.int().min(1);
export const seed = z.int().min(0).max(4294967295);
/** From 0 to 1. */
export const fraction = z.number().min(0).max(1);
/** From 0 to below 1. */
export const decay = z.number().min(0).lt(1);

const FOLDER_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
export const folderName = z.string().regex(FOLDER_NAME).meta({
  patternErrorMessage:
    'at most 100 letters, digits, ".", "_" and "-", the first a letter or a digit',
});

/** Of a file or a folder; `~` is the user's home. */
export const filePath = z
  .string()
  .min(1)
  .check((payload) => {
    const expanded = expandHome(payload.value);
    if ('path' in expanded) payload.value = expanded.path;
    else payload.issues.push({ code: 'custom', message: expanded.wanted, input: payload.value });
  });
