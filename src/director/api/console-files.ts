/**
 * The console's files at /console/: to everybody, because what they show comes from the API, which asks who is there.
 *
 * I1: a path that names a listed file gets it, one below assets/ that names none gets 404, every other one gets the page itself, which knows its own paths.
 * I2: nothing is run but scripts of this origin's files: no inline script, no frame around it, no other host (Content-Security-Policy).
 * I3: assets bear their hash in their name and are kept for ever; the page is asked for anew each time.
 */

import type { HttpHeaders } from '../../ports/http.ts';
import type { StaticEncoding, StaticFile, StaticFiles } from '../../ports/static-files.ts';
import { refusedReply, textReply } from './reply.ts';
import type { Reply } from './reply.ts';
import { methodNotAllowed } from './status.ts';

export interface ConsoleRequest {
  readonly method: string;
  readonly path: string;
  header(name: string): string | undefined;
}

export interface ConsoleFiles {
  serves(path: string): boolean;
  answer(request: ConsoleRequest): Promise<Reply>;
}

const ROOT = '/console/';
const PAGE = 'index.html';
const NOT_BUILT =
  'The console was not built here. In a checkout: npm run build -- console, then start the director again. kubectl and the API work without it.\n';

/** No Strict-Transport-Security: with a certificate of our own authority a browser would then let nobody in. */
const GUARDS: HttpHeaders = [
  'content-security-policy',
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options',
  'nosniff',
  'referrer-policy',
  'no-referrer',
  'cross-origin-opener-policy',
  'same-origin',
  'cross-origin-resource-policy',
  'same-origin',
];

export function createConsoleFiles(files: StaticFiles): ConsoleFiles {
  return {
    serves: (path) => path === '/console' || path.startsWith(ROOT),
    answer: (request) => answer(files, request),
  };
}

async function answer(files: StaticFiles, request: ConsoleRequest): Promise<Reply> {
  const { method, path } = request;
  if (method !== 'GET' && method !== 'HEAD') return refusedReply(methodNotAllowed(`${method} is not supported on ${path}; supported: GET`));
  if (path === '/console') return { ...textReply(308, 'The console is at /console/\n'), headers: ['location', ROOT, ...GUARDS] };
  if (files.count === 0) return { ...textReply(503, NOT_BUILT), headers: ['cache-control', 'no-store', ...GUARDS] };
  const name = path.slice(ROOT.length);
  const isAsset = name.startsWith('assets/');
  const file = files.find(name) ?? (isAsset ? undefined : files.find(PAGE));
  if (file === undefined) return { ...textReply(404, 'There is no such file of the console.\n'), headers: GUARDS };
  const cache = isAsset ? 'public, max-age=31536000, immutable' : 'no-cache';
  const headers = ['cache-control', cache, 'etag', `"${file.tag}"`, 'vary', 'accept-encoding', ...GUARDS];
  if (request.header('if-none-match') === `"${file.tag}"`)
    return { kind: 'bytes', code: 304, type: file.type, body: Buffer.alloc(0), headers };
  const encoding = encodingOf(file, request.header('accept-encoding') ?? '');
  const body = await file.read(encoding);
  const encoded = encoding === 'identity' ? headers : ['content-encoding', encoding, ...headers];
  return { kind: 'bytes', code: 200, type: file.type, body, headers: encoded };
}

/** The smallest that the browser takes; a weight of 0 refuses one. */
function encodingOf(file: StaticFile, accepts: string): StaticEncoding {
  const taken = new Set(
    accepts
      .split(',')
      .map((part) => part.trim().toLowerCase())
      .filter((part) => !/;\s*q=0(?:\.0*)?$/.test(part))
      .map((part) => part.split(';')[0]),
  );
  return file.encodings.find((encoding) => taken.has(encoding)) ?? 'identity';
}
