// Fetching through proxies, small ones of our own: one that forwards, and one that tunnels to a server of https.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { createServer, request as ask, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { CIFAR_FORMATS } from '../../src/data/cifar-format.js';
import { fetchDataset } from '../../src/data/fetch.js';
import { messageOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';
import { MINUTES } from '../support/wait.js';
import { forgetProxies, listen, md5, pack, tinyFormat, writeBinary } from './data-support.js';

const FORMAT = tinyFormat(CIFAR_FORMATS.cifar10);
const { folder: FOLDER, archive: ARCHIVE } = FORMAT.binary;

let folder: string;
let archive: Buffer;
let servers: Server[];
/** What the proxy was asked for. */
let asked: string[];
let proxy: string;
/** `host:port`. */
let origin: string;

const serve: RequestListener = (_, response) => response.end(archive);

beforeEach(async () => {
  forgetProxies();
  folder = temporaryFolder();
  archive = await pack(FOLDER, (root) =>
    writeBinary(
      join(root, FOLDER),
      FORMAT,
      FORMAT.binary.files.map((_, f) => [f, 9 - f]),
    ),
  );
  asked = [];
  servers = [createServer(serve), makeProxy()];
  const [originPort, proxyPort] = await Promise.all(servers.map(listen));
  origin = `127.0.0.1:${originPort}`;
  proxy = `http://127.0.0.1:${proxyPort}`;
});

afterEach(() => {
  vi.unstubAllEnvs();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

/** Whatever host is named, everything is on this machine. */
function makeProxy(): Server {
  const note = (method: string, url: string, credentials: string | undefined): void => {
    asked.push([method, url, ...(credentials === undefined ? [] : [credentials])].join(' '));
  };
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request;
    note(method, url, headers['proxy-authorization']);
    const { port, pathname } = new URL(url);
    ask({ host: '127.0.0.1', port, path: pathname }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(response);
    }).end();
  });
  server.on('connect', ({ method = '', url = '', headers }, client) => {
    note(method, url, headers['proxy-authorization']);
    if (url.startsWith('forbidden.test')) {
      client.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      return;
    }
    const target = connect(Number(url.split(':')[1]), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      client.pipe(target).pipe(client);
    });
    for (const socket of [target, client]) socket.on('error', () => target.destroy());
  });
  return server;
}

function fetchFrom(mirror: string) {
  return fetchDataset('cifar10', folder, {
    mirrors: [mirror],
    attempts: 1,
    pauseMilliseconds: 1,
    stallMilliseconds: MINUTES,
    expected: { format: FORMAT, bytes: archive.length, md5: md5(archive) },
  });
}

it.each(['http_proxy', 'HTTP_PROXY'])('asks the proxy of %s for plain http', async (name) => {
  vi.stubEnv(name, proxy.replace('//', '//user:secret@'));
  const mirror = `http://data.test:${origin.split(':')[1] ?? ''}/kriz/`;
  expect(await fetchFrom(mirror)).toMatchObject({ outcome: 'downloaded' });
  const credentials = Buffer.from('user:secret').toString('base64');
  expect(asked).toEqual([`GET ${mirror}${ARCHIVE} Basic ${credentials}`]);
});

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
const tunnelled = it.skipIf(!hasOpenssl).each(['https_proxy', 'HTTPS_PROXY', 'HTTP_PROXY']);
tunnelled(`tunnels https by %s${hasOpenssl ? '' : ' (needs openssl)'}`, async (name) => {
  const [key, cert] = await certificate();
  const secure = createSecureServer({ key, cert }, serve);
  servers.push(secure);
  const port = await listen(secure);
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  vi.stubEnv(name, proxy);
  expect(await fetchFrom(`https://data.test:${port}/`)).toMatchObject({ outcome: 'downloaded' });
  expect(asked).toEqual([`CONNECT data.test:${port}`]);
});

async function certificate(): Promise<[Buffer, Buffer]> {
  const names = ['key', 'cert'].map((name) => join(folder, `${name}.pem`));
  const [key = '', cert = ''] = names;
  const words = `req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=data.test -keyout ${key} -out ${cert}`;
  execFileSync('openssl', words.split(' '), { stdio: 'ignore' });
  return [await readFile(key), await readFile(cert)];
}

it('leaves the proxy aside for the hosts of NO_PROXY, and where it is empty', async () => {
  const dead = 'http://127.0.0.1:1';
  vi.stubEnv('HTTP_PROXY', dead);
  vi.stubEnv('NO_PROXY', 'localhost,127.0.0.1');
  expect(await fetchFrom(`http://${origin}/`)).toMatchObject({ outcome: 'downloaded' });
  await rm(folder, { recursive: true });
  vi.stubEnv('NO_PROXY', undefined);
  vi.stubEnv('http_proxy', '');
  expect(await fetchFrom(`http://${origin}/`)).toMatchObject({ outcome: 'downloaded' });
  expect(asked).toEqual([]);
});

it('names a proxy that is not there, or refuses, and not its password', async () => {
  vi.stubEnv('HTTPS_PROXY', 'http://user:secret@127.0.0.1:1');
  vi.stubEnv('NO_PROXY', 'localhost');
  const message = async (mirror: string) =>
    fetchFrom(mirror).then(String, (error: unknown) => String(error));
  expect(await message('https://data.test/')).toMatch(
    /^RunError: .*: the connection failed \(connect ECONNREFUSED 127\.0\.0\.1:1; HTTPS_PROXY is http:\/\/127\.0\.0\.1:1, NO_PROXY is localhost\)/,
  );
  vi.stubEnv('HTTPS_PROXY', proxy);
  expect(await message('https://forbidden.test/')).toContain(`(403)`);
  expect(await message('https://forbidden.test/')).toContain(`HTTPS_PROXY is ${proxy}`);
});

it('refuses a proxy that is no URL, without its password', async () => {
  for (const [bad, shown] of [
    ['proxy.example.org:3128', 'proxy.example.org:3128'],
    ['socks5://127.0.0.1:1', 'socks5://127.0.0.1:1'],
    ['http://', 'http://'],
    ['user:secret@proxy:1', '...@proxy:1'],
    ['ftp://user:secret@proxy:1', 'ftp://...@proxy:1'],
  ] as const) {
    vi.stubEnv('https_proxy', bad);
    expect(await messageOf(fetchFrom(`http://${origin}/`))).toBe(
      `https_proxy: got "${shown}", wanted the URL of an HTTP proxy such as ` +
        'http://proxy.example.org:3128; mend or unset it',
    );
  }
});
