// One HTTP request for a file or the rest of it, appended to what has come before.
import { open, rm, type FileHandle } from 'node:fs/promises';
import { messageOf, unwritable } from '../util/file-errors.js';
import type { Network } from './network.js';

/** A mirror did not deliver; `retry` says whether asking it again may help. */
export class MirrorFailure extends Error {
  override readonly name = 'MirrorFailure';
  constructor(
    message: string,
    readonly retry: boolean,
  ) {
    super(message);
  }
}

interface ReceiveOptions {
  readonly network: Network;
  readonly stallMilliseconds: number;
  readonly onBytes: (received: number) => void;
  readonly signal: AbortSignal | undefined;
}

/**
 * Asks `url` for what follows the first `have` bytes of a gzip file of `total`, and appends it to
 * `part`. A server that sends the whole anew has it written anew.
 *
 * Errors: MirrorFailure when the answer is not that file or breaks off; UserError when `part`
 * cannot be written.
 */
export async function receive(
  url: string,
  part: string,
  have: number,
  total: number,
  options: ReceiveOptions,
): Promise<void> {
  const stall = new AbortController();
  const timer = setTimeout(() => {
    stall.abort();
  }, options.stallMilliseconds);
  const signals = options.signal === undefined ? [stall.signal] : [stall.signal, options.signal];
  try {
    const response = await options.network.fetch(url, {
      // Otherwise a server may pack the archive once more, and its length would no longer be the
      // file's.
      headers: { 'accept-encoding': 'identity', ...(have > 0 && { range: `bytes=${have}-` }) },
      signal: AbortSignal.any(signals),
    });
    const start = await startOf(response, part, have, total);
    checkKind(response, total - start);
    await append(response, part, start, total, (received) => {
      timer.refresh();
      options.onBytes(received);
    });
  } catch (error) {
    if (stall.signal.aborted) {
      throw new MirrorFailure(`sent nothing for ${options.stallMilliseconds / 1000} s`, true);
    }
    throw isNetworkError(error)
      ? new MirrorFailure(networkReason(error, options.network), true)
      : error;
  } finally {
    clearTimeout(timer);
    // Ends the connection of an answer that was not read to its end.
    stall.abort();
  }
}

/** Where the body's first byte belongs in the file. */
async function startOf(
  response: Response,
  part: string,
  have: number,
  total: number,
): Promise<number> {
  const { status, statusText } = response;
  if (status === 200) return 0;
  const range = response.headers.get('content-range');
  if (status === 206 && have > 0 && range === `bytes ${have}-${total - 1}/${total}`) return have;
  if (status === 206 || status === 416) {
    // The part is of another file than the server's, or the server gives another piece than asked
    // for: begin anew.
    await rm(part, { force: true });
    throw new MirrorFailure(`answered ${status} with range ${range ?? 'none'}`, true);
  }
  const passing = status >= 500 || status === 429 || status === 408;
  throw new MirrorFailure(`answered ${status} ${statusText}`.trimEnd(), passing);
}

function checkKind(response: Response, wanted: number): void {
  const type = response.headers.get('content-type') ?? '';
  if (type.startsWith('text/html')) {
    throw new MirrorFailure(`answered with a web page (${type}) in place of the file`, false);
  }
  const encoding = response.headers.get('content-encoding') ?? 'identity';
  if (encoding !== 'identity') {
    throw new MirrorFailure(`answered in content encoding ${encoding}, wanted none`, false);
  }
  const length = response.headers.get('content-length');
  if (length !== null && Number(length) !== wanted) {
    throw new MirrorFailure(`offered ${length} bytes, wanted ${wanted}`, false);
  }
}

async function append(
  response: Response,
  part: string,
  start: number,
  total: number,
  onBytes: (received: number) => void,
): Promise<void> {
  let received = start;
  let target: FileHandle | null = null;
  try {
    for await (const chunk of chunksOf(response)) {
      if (received === 0) checkGzip(chunk);
      received += chunk.length;
      if (received > total) throw new MirrorFailure(`sent more than ${total} bytes`, false);
      target ??= await openPart(part, start);
      await write(target, part, chunk);
      onBytes(received);
    }
  } finally {
    await target?.close();
  }
  if (received < total) throw new MirrorFailure(`sent ${received} of ${total} bytes`, true);
}

function chunksOf({ body }: Response): AsyncIterable<Uint8Array> {
  if (body === null) throw new MirrorFailure('sent no body', true);
  return body as AsyncIterable<Uint8Array>;
}

function checkGzip(chunk: Uint8Array): void {
  if (chunk[0] === 0x1f && (chunk.length < 2 || chunk[1] === 0x8b)) return;
  const beginning = Buffer.from(chunk.subarray(0, 16)).toString('latin1');
  throw new MirrorFailure(`sent no gzip data (it begins with ${JSON.stringify(beginning)})`, false);
}

async function openPart(part: string, start: number): Promise<FileHandle> {
  try {
    return await open(part, start === 0 ? 'w' : 'a');
  } catch (error) {
    throw unwritable(part, error);
  }
}

async function write(target: FileHandle, part: string, chunk: Uint8Array): Promise<void> {
  try {
    await target.writeFile(chunk);
  } catch (error) {
    throw unwritable(part, error);
  }
}

/** Node's fetch reports every failure of the network as a TypeError with a cause. */
function isNetworkError(error: unknown): error is TypeError {
  return error instanceof TypeError && error.cause !== undefined;
}

function networkReason(error: TypeError, { proxies }: Network): string {
  const setting = proxies === '' ? '' : `; ${proxies}`;
  return `the connection failed (${messageOf(firstCause(error.cause))}${setting})`;
}

function firstCause(error: unknown): unknown {
  // Several addresses of one host failed: the list has no message of its own.
  const below: unknown = error instanceof AggregateError ? error.errors[0] : causeOf(error);
  return below === undefined ? error : firstCause(below);
}

const causeOf = (error: unknown): unknown => (error instanceof Error ? error.cause : undefined);
