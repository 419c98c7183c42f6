/**
 * One request to the portal and its answer: cookies, forms, headers.
 *
 * Nothing here knows under which path the portal is reached: links are relative, and the cookie has no Path, so that browsers take the folder of the
 * log-in page, be that `/` or a director's `…/clusters/NAME/proxy/portal/`.
 *
 * I1: every answer carries the policy that forbids scripts, frames, foreign content, and caching.
 * I2: a form is read within a bound, and refused when a browser says that another site sent it.
 */

import type { Json } from '../../model/json.ts';
import { LIMITS } from '../../model/limits.ts';
import type { HttpHeaders, HttpRequest, HttpResponse } from '../../ports/http.ts';
import type { Html } from './html.ts';

export const COOKIE = 'outrigger-portal';

const POLICY =
  "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; script-src 'none'";

const SAFE: HttpHeaders = [
  'content-security-policy',
  POLICY,
  'x-content-type-options',
  'nosniff',
  'x-frame-options',
  'DENY',
  'referrer-policy',
  'no-referrer',
  'cross-origin-opener-policy',
  'same-origin',
  'cross-origin-resource-policy',
  'same-origin',
  'cache-control',
  'no-store',
];

export interface Asked {
  readonly method: string;
  /** Without the slash in front: ``, `pairing`, `api/v1/state`. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Whose wrong passwords are counted together. */
  readonly address: string;
  readonly isApi: boolean;
  readonly sessionId: string | undefined;
  readonly csrf: string | undefined;
  /** False: a browser says that the request comes from another site. */
  readonly sameSite: boolean;
}

/** `isMember`: asked when the request says for whom it was passed on. */
export function readAsked(request: HttpRequest, isMember: () => boolean): Asked {
  const url = URL.parse(`https://portal${request.target}`) ?? new URL('https://portal/');
  const path = url.pathname.replace(/^\/+/, '');
  const site = request.header('sec-fetch-site');
  return {
    method: request.method,
    path,
    query: url.searchParams,
    address: addressOf(request, isMember),
    isApi: path.startsWith('api/'),
    sessionId: cookieOf(request.header('cookie')),
    csrf: request.header('x-csrf-token'),
    sameSite: site === undefined || site === 'same-origin' || site === 'none',
  };
}

/**
 * Through the tunnel all requests come from a node of this cluster. Told apart by whom the director saw, one who guesses there makes nobody else wait.
 * Only a node is believed, and it cannot pose as an address of this network.
 */
function addressOf(request: HttpRequest, isMember: () => boolean): string {
  const { address } = request.peer;
  const seen = request.header('x-forwarded-for');
  if (seen === undefined || !/^[0-9A-Za-z.:%]{1,64}$/.test(seen) || !isMember()) return address;
  return `${seen} through the director`;
}

function cookieOf(header: string | undefined): string | undefined {
  for (const pair of (header ?? '').split(';')) {
    const [name, value] = pair.trim().split('=', 2);
    if (name === COOKIE && value !== undefined && /^[0-9a-f]{64}$/.test(value)) return value;
  }
  return undefined;
}

/** Fields of a form or of a JSON object, texts only; undefined: too large, torn, or none of both. */
export async function readForm(request: HttpRequest): Promise<ReadonlyMap<string, string> | undefined> {
  const body = await request.body(LIMITS.portalBodyBytes);
  if (!body.ok) return undefined;
  const text = body.bytes.toString('utf8');
  const type = request.header('content-type')?.split(';', 1)[0]?.trim() ?? '';
  if (type === 'application/x-www-form-urlencoded' || text === '') return new Map(new URLSearchParams(text));
  if (type !== 'application/json') return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    return new Map(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  } catch {
    return undefined;
  }
}

export function sendPage(response: HttpResponse, status: number, page: Html, more: HttpHeaders = []): void {
  response.send(status, [...SAFE, 'content-type', 'text/html; charset=utf-8', ...more], Buffer.from(page.text, 'utf8'));
}

export function sendJson(response: HttpResponse, status: number, body: Json, more: HttpHeaders = []): void {
  response.send(status, [...SAFE, 'content-type', 'application/json', ...more], Buffer.from(`${JSON.stringify(body)}\n`, 'utf8'));
}

export function sendStyle(response: HttpResponse, style: string): void {
  response.send(200, [...SAFE, 'content-type', 'text/css; charset=utf-8'], Buffer.from(style, 'utf8'));
}

/** After a form: the browser asks for `where`, which is relative. */
export function sendOn(response: HttpResponse, where: string, more: HttpHeaders = []): void {
  response.send(303, [...SAFE, 'location', where, ...more], Buffer.alloc(0));
}

/** The head of a file to be kept, and what follows it in pieces. Ends when the reader is gone. */
export async function sendFile(response: HttpResponse, name: string, type: string, pieces: AsyncIterable<Buffer>): Promise<void> {
  const stream = response.stream(200, [...SAFE, 'content-type', type, 'content-disposition', `attachment; filename="${name}"`]);
  for await (const piece of pieces) {
    if (stream.closed()) return;
    if (!stream.write(piece)) await drained(response, stream);
  }
  stream.end();
}

function drained(response: HttpResponse, stream: ReturnType<HttpResponse['stream']>): Promise<void> {
  return new Promise((done) => {
    const stall = setTimeout(() => {
      stream.destroy();
      done();
    }, LIMITS.sendStallMs);
    const go = (): void => {
      clearTimeout(stall);
      done();
    };
    stream.onDrain(go);
    response.onAbandoned(go);
  });
}

export function sessionCookie(id: string): HttpHeaders {
  return ['set-cookie', `${COOKIE}=${id}; HttpOnly; Secure; SameSite=Strict`];
}

export function noCookie(): HttpHeaders {
  return ['set-cookie', `${COOKIE}=; HttpOnly; Secure; SameSite=Strict; Max-Age=0`];
}
