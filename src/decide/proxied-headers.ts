/**
 * Headers of what passes through a tunnel: what a site may learn of a caller, and what a site may do to a caller's browser.
 *
 * The caller speaks to the director's address, where others of his sites are served too, and the console. So what a browser keeps by address must
 * neither leak from the director to a site nor from a site to the director.
 *
 * I1: a site never sees the caller's Authorization, nor a cookie that was not set by what it reaches now: cookies set by a site are renamed with
 *     COOKIE_PREFIX and bound to the prefix, and only such are passed on, under their own name.
 * I2: headers that hold for one connection only (RFC 9110 7.6.1) are not passed on, in neither direction.
 * I3: `X-Forwarded-*` say what the director saw, never what the caller claims.
 * I4: a site sets nothing that holds for all of the director's address (HSTS, Alt-Svc, Clear-Site-Data, Service-Worker-Allowed, NEL), and asks nobody
 *     for a password in the director's name.
 * I5: no redirect leads out of what was reached: clients repeat the method, the body and often the credentials where they are sent, so that a site could
 *     have its callers do at the director, or tell elsewhere, what only they may.
 * I6: pages of a site have an origin of their own in a browser, so that their scripts are not those of the director's address.
 */

type Flat = readonly string[];

export const COOKIE_PREFIX = 'outrigger-site-';

const PER_CONNECTION = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'expect',
]);

const NOT_INWARD = new Set(['authorization', 'cookie', 'forwarded', 'x-real-ip', 'x-remote-user', 'x-remote-group', 'host']);
const NOT_OUTWARD = new Set([
  'strict-transport-security',
  'public-key-pins',
  'alt-svc',
  'clear-site-data',
  'service-worker-allowed',
  'nel',
  'report-to',
  'expect-ct',
  'accept-ch',
  'set-login',
  'www-authenticate',
  'set-cookie',
  'location',
  'content-location',
]);
/** A way to send a bearer token in a WebSocket's list of protocols, which Kubernetes knows. */
const BEARER_PROTOCOL = 'base64url.bearer.authorization.';

export interface ForwardedFor {
  /** Address of the caller. */
  readonly address: string;
  /** The Host header, or its like, as the caller sent it. */
  readonly host: string;
  /** Below which the caller sees what it reaches. */
  readonly prefix: string;
  /** Path and query as what is reached sees them; relative redirects begin there. */
  readonly path: string;
  readonly kind: 'service' | 'portal' | 'log';
}

/**
 * Policies of the director for what sites show; browsers hold them beside those of the site itself. Without `allow-same-origin` a page's scripts have no
 * cookies, no stores and no word with the director's other pages. The portal has log-in and forms, which need its origin, and therefore no scripts.
 */
const SANDBOX = {
  service: 'sandbox allow-scripts allow-forms allow-modals allow-popups allow-downloads allow-pointer-lock',
  portal: "sandbox allow-same-origin allow-forms allow-downloads; script-src 'none'; form-action 'self'; frame-ancestors 'none'",
  log: "sandbox; default-src 'none'",
} as const;

/** What a site gets to see of the caller's headers. */
export function headersInward(headers: Flat, { address, host, prefix }: ForwardedFor): string[] {
  const inward: string[] = [];
  const named = namedByConnection(headers);
  eachHeader(headers, (name, value) => {
    if (PER_CONNECTION.has(name) || named.has(name) || NOT_INWARD.has(name)) return;
    if (name.startsWith('x-forwarded-') || name.startsWith('impersonate-')) return;
    const kept = name === 'sec-websocket-protocol' ? withoutBearer(value) : value;
    if (kept !== '') inward.push(name, kept);
  });
  const cookies = cookiesInward(headers);
  if (cookies !== '') inward.push('cookie', cookies);
  inward.push(
    'host',
    host,
    'x-forwarded-for',
    address,
    'x-forwarded-host',
    host,
    'x-forwarded-proto',
    'https',
    'x-forwarded-prefix',
    prefix,
  );
  return inward;
}

/** What the caller gets to see of a site's headers. */
export function headersOutward(headers: Flat, seen: Omit<ForwardedFor, 'address'>): string[] {
  const outward: string[] = [];
  const named = namedByConnection(headers);
  eachHeader(headers, (name, value) => {
    if (name === 'set-cookie') outward.push(name, cookieOutward(value, seen.prefix));
    else if (name === 'location' || name === 'content-location') {
      const kept = locationOutward(value, seen);
      if (kept !== undefined) outward.push(name, kept);
    } else if (!PER_CONNECTION.has(name) && !named.has(name) && !NOT_OUTWARD.has(name)) outward.push(name, value);
  });
  outward.push('content-security-policy', SANDBOX[seen.kind]);
  return outward;
}

/** Whether this answer redirects out of what was reached; then it is not to be passed on. */
export function redirectsAway(status: number, headers: Flat, seen: Omit<ForwardedFor, 'address'>): boolean {
  const location = headerOf(headers, 'location');
  return status >= 300 && status < 400 && location !== undefined && locationOutward(location, seen) === undefined;
}

/** Between two hops of ours: only what holds for one connection is taken out. */
export function headersOnward(headers: Flat): string[] {
  const onward: string[] = [];
  const named = namedByConnection(headers);
  eachHeader(headers, (name, value) => {
    if (!PER_CONNECTION.has(name) && !named.has(name)) onward.push(name, value);
  });
  return onward;
}

/** Whether the caller asks for a WebSocket. */
export function headerOf(headers: Flat, wanted: string): string | undefined {
  for (let i = 0; i + 1 < headers.length; i += 2) if (headers[i] === wanted) return headers[i + 1];
  return undefined;
}

function eachHeader(headers: Flat, visit: (name: string, value: string) => void): void {
  for (let i = 0; i + 1 < headers.length; i += 2) visit(headers[i] ?? '', headers[i + 1] ?? '');
}

/** `Connection: close, X-One` says that X-One is for this connection only. */
function namedByConnection(headers: Flat): ReadonlySet<string> {
  const named = new Set<string>();
  eachHeader(headers, (name, value) => {
    if (name === 'connection') for (const one of value.split(',')) named.add(one.trim().toLowerCase());
  });
  return named;
}

function withoutBearer(protocols: string): string {
  return protocols
    .split(',')
    .filter((one) => !one.trim().startsWith(BEARER_PROTOCOL))
    .join(',')
    .trim();
}

function cookiesInward(headers: Flat): string {
  const kept: string[] = [];
  eachHeader(headers, (name, value) => {
    if (name !== 'cookie') return;
    for (const pair of value.split(';')) {
      const cookie = pair.trim();
      if (cookie.startsWith(COOKIE_PREFIX)) kept.push(cookie.slice(COOKIE_PREFIX.length));
    }
  });
  return kept.join('; ');
}

/** `sid=1; Path=/; Domain=x; HttpOnly` → `outrigger-site-sid=1; Path=<prefix>/; HttpOnly; Secure`. */
function cookieOutward(cookie: string, prefix: string): string {
  const [pair = '', ...attributes] = cookie.split(';').map((part) => part.trim());
  let path = '/';
  const kept = attributes.filter((attribute) => {
    const [name = '', value = ''] = attribute.split('=').map((part) => part.trim());
    const key = name.toLowerCase();
    if (key === 'path' && value.startsWith('/')) path = value;
    return key !== 'path' && key !== 'domain' && key !== 'secure' && key !== '';
  });
  return [`${COOKIE_PREFIX}${pair}`, `Path=${prefix}${path}`, ...kept, 'Secure'].join('; ');
}

/** Below the prefix, whatever dots are in it; undefined: it leads elsewhere. Read as browsers read it, not by its letters. */
function locationOutward(location: string, { host, prefix, path }: Omit<ForwardedFor, 'address'>): string | undefined {
  const base = URL.parse(`https://${host}`) === null ? 'site.invalid' : host;
  const url = URL.parse(location, `https://${base}${path}`);
  const own = URL.parse(`https://${base}`);
  if (url === null || !isWeb(url.protocol) || url.username !== '' || url.password !== '') return undefined;
  // By either scheme: what is behind the tunnel mostly speaks HTTP and cannot know that the caller does not.
  const given = URL.parse(`${url.protocol}//${base}`);
  if (url.host !== given?.host && url.host !== own?.host) return undefined;
  return below(`${url.pathname}${url.search}${url.hash}`, prefix);
}

function isWeb(protocol: string): boolean {
  return protocol === 'https:' || protocol === 'http:';
}

/** What knows X-Forwarded-Prefix has put it there already. */
function below(path: string, prefix: string): string {
  return path === prefix || path.startsWith(`${prefix}/`) || path.startsWith(`${prefix}?`) ? path : `${prefix}${path}`;
}
