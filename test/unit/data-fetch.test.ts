// Fetching, against a server of our own that misbehaves in each of the ways servers do.
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CIFAR_FORMATS } from '../../src/data/cifar-format.js';
import { loadCifar } from '../../src/data/cifar.js';
import { fetchDataset, type FetchEvent, type FetchOptions } from '../../src/data/fetch.js';
import { RunError } from '../../src/util/errors.js';
import { messageOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';
import { MINUTES } from '../support/wait.js';
import { forgetProxies, listen, md5, pack, tinyFormat, writeBinary } from './data-support.js';

const FORMAT = tinyFormat(CIFAR_FORMATS.cifar10);
const { folder: FOLDER, archive: ARCHIVE } = FORMAT.binary;
const LABELS = FORMAT.binary.files.map((_, f) => [f, 9 - f]);

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let folder: string;
let archive: Buffer;
let server: Server;
let mirror: string;
let answer: Answer;
let requests: { url: string; range: string | undefined }[];
let events: FetchEvent[];

beforeEach(async () => {
  folder = temporaryFolder();
  archive = await pack(FOLDER, async (root) => {
    await writeBinary(join(root, FOLDER), FORMAT, LABELS);
    await writeFile(join(root, FOLDER, 'readme.html'), '<html>');
  });
  requests = [];
  events = [];
  server = createServer((request, response) => {
    requests.push({ url: request.url ?? '', range: request.headers.range });
    answer(request, response);
  });
  forgetProxies();
  mirror = `http://127.0.0.1:${await listen(server)}/kriz/`;
});

afterEach(async () => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function fetchTiny(options: FetchOptions = {}) {
  return fetchDataset('cifar10', folder, {
    mirrors: [mirror],
    attempts: 2,
    pauseMilliseconds: 1,
    stallMilliseconds: MINUTES,
    expected: { format: FORMAT, bytes: archive.length, md5: md5(archive) },
    onProgress: (event) => events.push(event),
    ...options,
  });
}

/** What a well-behaved server does: the whole, or the rest that is asked for. */
const serve: Answer = (request, response) => {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const range = `bytes ${start}-${archive.length - 1}/${archive.length}`;
  const headers = {
    'content-type': 'application/x-gzip',
    'content-length': archive.length - start,
  };
  response.writeHead(
    start > 0 ? 206 : 200,
    start > 0 ? { ...headers, 'content-range': range } : headers,
  );
  response.end(archive.subarray(start));
};

/** Fails once in some way, then serves. */
function once(failing: Answer): Answer {
  let calls = 0;
  return (request, response) => {
    const behave = calls++ === 0 ? failing : serve;
    behave(request, response);
  };
}

async function expectLoadable(): Promise<void> {
  const dataset = await loadCifar(FORMAT, folder);
  expect([...dataset.test.labels]).toEqual([5, 4]);
  expect(dataset.source).toBe(join(folder, FOLDER));
  expect((await readdir(folder)).sort()).toEqual([FOLDER, ARCHIVE]);
  expect(await readdir(join(folder, FOLDER))).toHaveLength(6);
}

/** The message when no mirror delivers: one line, and nothing that looks like a set is left. */
async function expectRefused(options: FetchOptions = {}): Promise<string> {
  const message = await messageOf(fetchTiny(options), RunError);
  expect((await readdir(folder)).filter((name) => !name.endsWith('.part'))).toEqual([]);
  return message;
}

describe('a mirror that works', () => {
  it('is downloaded, unpacked, and asked for nothing the second time', async () => {
    answer = serve;
    const result = await fetchTiny();
    expect(result).toEqual({ folder: join(folder, FOLDER), outcome: 'downloaded' });
    expect(requests).toEqual([{ url: `/kriz/${ARCHIVE}`, range: undefined }]);
    expect(events.map((event) => event.kind)).toContain('unpacking');
    const received = events.flatMap((event) => (event.kind === 'receiving' ? [event] : []));
    expect(received.at(-1)).toMatchObject({ received: archive.length, total: archive.length });
    await expectLoadable();
    expect(await fetchTiny()).toMatchObject({ outcome: 'present' });
    await rm(join(folder, FOLDER), { recursive: true });
    expect(await fetchTiny()).toMatchObject({ outcome: 'unpacked' });
    expect(requests).toHaveLength(1);
    await expectLoadable();
  });

  it('may redirect', async () => {
    answer = (request, response) => {
      if (request.url?.startsWith('/else/')) serve(request, response);
      else response.writeHead(302, { location: `/else/${ARCHIVE}` }).end();
    };
    await fetchTiny();
    await expectLoadable();
  });

  it('goes on with a part that is there', async () => {
    answer = serve;
    await writeFile(join(folder, `${ARCHIVE}.part`), archive.subarray(0, 100));
    await fetchTiny();
    expect(requests).toEqual([{ url: `/kriz/${ARCHIVE}`, range: 'bytes=100-' }]);
    await expectLoadable();
  });

  it('uses a part that is whole, and drops one that is too long', async () => {
    answer = serve;
    await writeFile(join(folder, `${ARCHIVE}.part`), archive);
    await fetchTiny();
    expect(requests).toEqual([]);
    await rm(join(folder, FOLDER), { recursive: true });
    await rm(join(folder, ARCHIVE));
    await writeFile(join(folder, `${ARCHIVE}.part`), Buffer.concat([archive, Buffer.from('x')]));
    await fetchTiny();
    expect(requests).toMatchObject([{ range: undefined }]);
    await expectLoadable();
  });

  it('starts anew where it ignores the range, or the part was of another file', async () => {
    await writeFile(join(folder, `${ARCHIVE}.part`), archive.subarray(0, 100));
    answer = (_, response) => response.end(archive);
    await fetchTiny();
    await expectLoadable();
    await rm(join(folder, FOLDER), { recursive: true });
    await rm(join(folder, ARCHIVE));
    await writeFile(join(folder, `${ARCHIVE}.part`), Buffer.alloc(100, 7));
    answer = serve;
    await fetchTiny();
    expect(requests.slice(1)).toMatchObject([{ range: 'bytes=100-' }, { range: undefined }]);
    await expectLoadable();
  });

  it('answers a range with another one: begun anew', async () => {
    await writeFile(join(folder, `${ARCHIVE}.part`), archive.subarray(0, 100));
    answer = once((_, response) =>
      response.writeHead(206, { 'content-range': 'bytes 0-9/10' }).end('0123456789'),
    );
    await fetchTiny();
    await expectLoadable();
  });
});

describe('a mirror that fails', () => {
  it('with 404 is not asked again; the next one is', async () => {
    answer = (request, response) => {
      if (request.url?.startsWith('/kriz/')) response.writeHead(404).end('no');
      else serve(request, response);
    };
    const message = await expectRefused();
    expect(message).toContain(
      `${ARCHIVE}: no mirror delivered it (${mirror}${ARCHIVE}: answered 404 Not Found)`,
    );
    expect(message).toContain('--mirror URL');
    expect(message).toContain(folder);
    expect(requests).toHaveLength(1);
    await fetchTiny({ mirrors: [mirror, mirror.replace('kriz', 'second')] });
    await expectLoadable();
  });

  it('with 503 is asked again', async () => {
    answer = (_, response) => response.writeHead(503).end();
    expect(await expectRefused()).toContain('answered 503 Service Unavailable');
    expect(requests).toHaveLength(2);
    answer = once(answer);
    await fetchTiny();
    await expectLoadable();
  });

  it('with a web page and status 200 is recognised, whatever the page claims to be', async () => {
    const page = '<!DOCTYPE html><title>Log in to the hotel network</title>';
    answer = (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(page);
    expect(await expectRefused()).toContain('answered with a web page (text/html)');
    answer = (_, response) => response.end(page.padEnd(archive.length));
    expect(await expectRefused()).toContain('sent no gzip data (it begins with "<!DOCTYPE html><"');
    answer = (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(archive);
    expect(await expectRefused()).toContain('content encoding gzip');
  });

  it('with a body cut short is gone on from', async () => {
    const half = Math.floor(archive.length / 2);
    const cut: Answer = (_, response) => {
      response.writeHead(200, { 'content-length': archive.length });
      response.write(archive.subarray(0, half), () => response.destroy());
    };
    answer = once(cut);
    await fetchTiny();
    expect(requests).toMatchObject([{ range: undefined }, { range: `bytes=${half}-` }]);
    await expectLoadable();
  });

  it('with too short a body, declared or not, is refused', async () => {
    answer = (_, response) =>
      response.writeHead(200, { 'content-length': 50 }).end(archive.subarray(0, 50));
    expect(await expectRefused()).toContain(`offered 50 bytes, wanted ${archive.length}`);
    answer = (_, response) => {
      response.write(archive.subarray(0, 50));
      response.end();
    };
    expect(await expectRefused({ attempts: 1 })).toContain(`sent 50 of ${archive.length} bytes`);
  });

  it('with another file of the same length is refused, and the part dropped', async () => {
    const other = Buffer.from(archive);
    other[200] = (other[200] ?? 0) ^ 1;
    answer = (_, response) => response.end(other);
    expect(await expectRefused()).toContain(`md5 ${md5(other)}, wanted ${md5(archive)}`);
    expect(await readdir(folder)).toEqual([]);
    expect(requests).toHaveLength(1);
  });

  it('with more than the file is stopped', async () => {
    answer = (_, response) => {
      response.write(archive);
      response.end(Buffer.alloc(10));
    };
    expect(await expectRefused()).toContain(`sent more than ${archive.length} bytes`);
  });

  it('by falling silent is left after the stall time, before the headers or in the body', async () => {
    answer = () => undefined;
    const options = { stallMilliseconds: 100, attempts: 1 };
    expect(await expectRefused(options)).toContain('sent nothing for 0.1 s');
    const stalling: Answer = (_, response) => {
      response.writeHead(200, { 'content-length': archive.length });
      response.write(archive.subarray(0, 64));
    };
    answer = stalling;
    expect(await expectRefused(options)).toContain('sent nothing for 0.1 s');
    expect((await stat(join(folder, `${ARCHIVE}.part`))).size).toBe(64);
    answer = serve;
    await fetchTiny();
    expect(requests.at(-1)?.range).toBe('bytes=64-');
    await expectLoadable();
  });

  it('by not being there is named', async () => {
    const gone = 'http://127.0.0.1:1/';
    expect(await expectRefused({ mirrors: [gone] })).toMatch(
      new RegExp(`${gone}${ARCHIVE}: the connection failed \\(.+\\)`),
    );
  });
});

describe('the user', () => {
  it('may stop it, and go on later', async () => {
    const stop = new AbortController();
    answer = (_, response) => {
      response.writeHead(200, { 'content-length': archive.length });
      response.write(archive.subarray(0, 64));
    };
    const onProgress = () => {
      stop.abort(new Error('stopped'));
    };
    await expect(fetchTiny({ signal: stop.signal, onProgress })).rejects.toThrow('stopped');
    expect(await readdir(folder)).toEqual([`${ARCHIVE}.part`]);
    answer = serve;
    await fetchTiny();
    await expectLoadable();
  });

  it('is told of a mirror that is no URL, and of what is in the way', async () => {
    for (const bad of ['ftp://host/', 'cs.toronto.edu', 'http://']) {
      expect(await messageOf(fetchTiny({ mirrors: [bad] }))).toContain(JSON.stringify(bad));
    }
    await writeFile(join(folder, ARCHIVE), 'something else');
    expect(await messageOf(fetchTiny())).toContain(`${ARCHIVE}: has 14 bytes; wanted`);
    await writeFile(join(folder, ARCHIVE), Buffer.alloc(archive.length));
    expect(await messageOf(fetchTiny())).toMatch(/has md5 \w{32}; wanted .* move it away/);
    await mkdir(join(folder, FOLDER));
    expect(await messageOf(fetchTiny())).toContain('has no data_batch_1.bin: move it away');
    await writeBinary(join(folder, FOLDER), FORMAT, [[1], ...LABELS.slice(1)]);
    expect(await messageOf(fetchTiny())).toContain('data_batch_1.bin has 3073 bytes, wanted 6146');
    const inTheWay = fetchDataset('cifar10', join(folder, ARCHIVE, 'data'), {});
    expect(await messageOf(inTheWay)).toContain('a file is in the way');
    expect(requests).toEqual([]);
  });
});

describe('unpacking', () => {
  it('writes nothing outside the folder and nothing but the set', async () => {
    archive = await pack(
      FOLDER,
      async (root) => {
        await writeBinary(join(root, FOLDER), FORMAT, LABELS);
        await writeFile(join(root, FOLDER, 'escape'), 'x');
        await writeFile(join(root, FOLDER, 'absolute'), 'x');
      },
      `--transform=s,^${FOLDER}/escape,../../escaped,`,
      `--transform=s,^${FOLDER}/absolute,${folder}/escaped,`,
      '-P',
    );
    const names = execFileSync('tar', ['tzPf', '-'], { input: archive }).toString();
    expect(names).toContain('../../escaped');
    expect(names).toContain(`${folder}/escaped`);
    answer = serve;
    await fetchTiny();
    await expectLoadable();
    await expect(readFile(join(folder, '..', 'escaped'))).rejects.toThrow('ENOENT');
  });

  it('refuses a link by the name of a file', async () => {
    archive = await pack(FOLDER, async (root) => {
      await writeBinary(join(root, FOLDER), FORMAT, LABELS);
      await rm(join(root, FOLDER, 'test_batch.bin'));
      execFileSync('ln', ['-s', '/etc/passwd', join(root, FOLDER, 'test_batch.bin')]);
    });
    answer = serve;
    expect(await messageOf(fetchTiny())).toContain('test_batch.bin is a symlink');
    expect(await readdir(folder)).toEqual([ARCHIVE]);
  });
});
