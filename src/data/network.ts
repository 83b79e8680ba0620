// How downloads reach their servers: straight, or through the proxy that the environment names.
import { UserError } from '../util/errors.js';

/** As the global `fetch`. */
type Fetch = (
  url: string,
  init: { readonly headers: Readonly<Record<string, string>>; readonly signal: AbortSignal },
) => Promise<Response>;

export interface Network {
  readonly fetch: Fetch;
  /** What the environment says of proxies, to stand beside a failed connection; empty: nothing. */
  readonly proxies: string;
  readonly close: () => Promise<void>;
}

/** The first that is set counts, and an empty one means none. */
const VARIABLES = [
  ['http_proxy', 'HTTP_PROXY'],
  ['https_proxy', 'HTTPS_PROXY'],
] as const;
const EXCEPTIONS = ['no_proxy', 'NO_PROXY'] as const;

/**
 * Proxies are those of HTTP_PROXY and HTTPS_PROXY (without the latter, the former's for https, too),
 * except for the hosts of NO_PROXY; in lower case, too.
 *
 * Errors: UserError where one is no URL.
 */
export async function openNetwork(): Promise<Network> {
  const proxies = VARIABLES.map((names) => setting(names)).filter((one) => one !== null);
  if (proxies.length === 0) {
    return { fetch: (url, init) => fetch(url, init), proxies: '', close: () => Promise.resolve() };
  }
  const shown = proxies.map(({ name, value }) => `${name} is ${parseProxy(name, value)}`);
  const exceptions = setting(EXCEPTIONS);
  if (exceptions !== null) shown.push(`${exceptions.name} is ${exceptions.value}`);
  // Node's own fetch may be another version's, which does not take this one's agent.
  const undici = await import('undici');
  // Proxies commonly refuse tunnels to the port of http.
  const dispatcher = new undici.EnvHttpProxyAgent({ proxyTunnel: false });
  return {
    fetch: async (url, init) => await undici.fetch(url, { ...init, dispatcher }),
    proxies: shown.join(', '),
    close: () => dispatcher.destroy(),
  };
}

function setting(names: readonly string[]): { readonly name: string; value: string } | null {
  const name = names.find((one) => process.env[one] !== undefined);
  const value = name === undefined ? '' : (process.env[name] ?? '');
  return name === undefined || value === '' ? null : { name, value };
}

/** The proxy's scheme, host and port. */
function parseProxy(name: string, value: string): string {
  if (/^https?:\/\//i.test(value) && URL.canParse(value)) return new URL(value).origin;
  const shown = JSON.stringify(value.replace(/^(.*\/\/)?.*@/, '$1...@'));
  throw new UserError(
    `${name}: got ${shown}, wanted the URL of an HTTP proxy such as http://proxy.example.org:3128; mend or unset it`,
  );
}
