// One file from the first of several mirrors that delivers it whole: resumed, size and md5 checked,
// then put in place.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { RunError } from '../util/errors.js';
import { unwritable } from '../util/file-errors.js';
import { syncToDisk } from './files.js';
import type { Network } from './network.js';
import { MirrorFailure, receive } from './receive.js';

export interface RemoteFile {
  readonly name: string;
  readonly bytes: number;
  readonly md5: string;
}

interface DownloadOptions {
  readonly network: Network;
  /** Base URLs, tried in this order. */
  readonly mirrors: readonly URL[];
  /** Attempts at each mirror, where trying again may help. */
  readonly attempts: number;
  readonly pauseMilliseconds: number;
  /** How long a mirror may send nothing. */
  readonly stallMilliseconds: number;
  readonly onBytes: (received: number, url: string) => void;
  /** Told of each attempt that failed, in a few words. */
  readonly onFailure: (url: string, reason: string) => void;
  readonly signal: AbortSignal | undefined;
}

/**
 * Brings `file` to `path`. What has come so far stands in `path.part`, and the next attempt, or the
 * next call, goes on from there; `path` itself appears only when size and md5 are right.
 *
 * Errors: RunError when no mirror delivers, with each one's answer; UserError when `path` cannot be
 * written; the signal's reason when it is aborted.
 */
export async function download(
  file: RemoteFile,
  path: string,
  options: DownloadOptions,
): Promise<void> {
  const answers: string[] = [];
  for (const mirror of options.mirrors) {
    const url = new URL(file.name, mirror).href;
    const reason = await downloadFrom(url, file, path, options);
    if (reason === null) return;
    answers.push(`${url}: ${reason}`);
  }
  throw new RunError(
    `${file.name}: no mirror delivered it (${answers.join('; ')}); ` +
      `name another with --mirror URL, or put the file into ${dirname(path)} by hand`,
  );
}

/** Null when the file has come, otherwise why this mirror is given up. */
async function downloadFrom(
  url: string,
  file: RemoteFile,
  path: string,
  options: DownloadOptions,
): Promise<string | null> {
  for (let attempt = 1; ; attempt++) {
    try {
      await attemptDownload(url, file, path, options);
      return null;
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!(error instanceof MirrorFailure)) throw error;
      options.onFailure(url, error.message);
      if (!error.retry || attempt >= options.attempts) return error.message;
    }
    await sleep(options.pauseMilliseconds * attempt, undefined, signalOption(options.signal));
  }
}

async function attemptDownload(
  url: string,
  file: RemoteFile,
  path: string,
  options: DownloadOptions,
): Promise<void> {
  const part = `${path}.part`;
  let have = await sizeOf(part);
  if (have > file.bytes) {
    await rm(part);
    have = 0;
  }
  if (have < file.bytes) {
    await receive(url, part, have, file.bytes, {
      network: options.network,
      stallMilliseconds: options.stallMilliseconds,
      onBytes: (received) => {
        options.onBytes(received, url);
      },
      signal: options.signal,
    });
  }
  const md5 = await md5Of(part);
  if (md5 !== file.md5) {
    await rm(part);
    // A part from an earlier attempt may be the culprit; a file that came in one piece will come
    // the same again.
    throw new MirrorFailure(`sent a file of md5 ${md5}, wanted ${file.md5}`, have > 0);
  }
  await putInPlace(part, path);
}

async function putInPlace(part: string, path: string): Promise<void> {
  try {
    await syncToDisk(part);
    await rename(part, path);
    await syncToDisk(dirname(path));
  } catch (error) {
    throw unwritable(path, error);
  }
}

/** The file's md5 in hexadecimal. */
export async function md5Of(path: string): Promise<string> {
  const hash = createHash('md5');
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash);
  return hash.digest('hex');
}

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => null);
  return found?.size ?? 0;
}

function signalOption(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
