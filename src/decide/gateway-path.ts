/**
 * The paths that lead through a tunnel, read: at the director, and again at the site.
 *
 * I1: a path that could be read in two ways (encoded slashes, `..`, control characters) in the part that we read is refused; what belongs to the
 *     service behind it is passed on byte by byte.
 */

import { API_GROUP, API_VERSION } from '../model/resource.ts';

/** What in a cluster a request is for. */
export type Reached =
  | { readonly kind: 'portal'; /** Path and query as the portal sees them. */ readonly rest: string }
  | { readonly kind: 'service'; readonly service: string; readonly secure: boolean; readonly rest: string };

export type GatewayAim =
  | {
      readonly kind: 'proxy';
      readonly namespace: string;
      readonly cluster: string;
      /** Of what is reached, as the caller wrote it; no slash at its end. Cookies and redirects get it. */
      readonly prefix: string;
      readonly reached: Reached;
    }
  | { readonly kind: 'log'; readonly namespace: string; readonly node: string; readonly query: string };

/** `bare`: nothing followed, not even a slash; what is reached gets one. */
type ReachedRead = { readonly reached: Reached; readonly bare: boolean } | { readonly refused: string };

/** A sentence when the path is one of ours and wrong. */
export type AimRead = { readonly aim: GatewayAim } | { readonly refused: string };

const ROOT = `/apis/${API_GROUP}/${API_VERSION}/namespaces/`;
const PROXY = /^([^/?]+)\/clusters\/([^/?]+)\/proxy([/?].*)?$/;
const LOG = /^([^/?]+)\/clusternodes\/([^/?]+)\/log(?:\?(.*))?$/;
const NAME = /^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/;
const SERVICE = /^(https:)?([a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?):?$/;

/** Undefined: the path does not lead through a tunnel. `target`: path and query as sent. */
export function readGatewayPath(target: string): AimRead | undefined {
  if (!target.startsWith(ROOT)) return undefined;
  const path = target.slice(ROOT.length);
  const proxy = PROXY.exec(path);
  if (proxy !== null) return readProxy(target, proxy[1] ?? '', proxy[2] ?? '', proxy[3] ?? '');
  const log = LOG.exec(path);
  if (log === null) return undefined;
  const [, namespace = '', node = '', query = ''] = log;
  if (!NAME.test(namespace) || !NAME.test(node)) return { refused: 'the names in the path must be DNS names in lower case' };
  return { aim: { kind: 'log', namespace, node, query } };
}

function readProxy(target: string, namespace: string, cluster: string, tail: string): AimRead {
  if (!NAME.test(namespace) || !NAME.test(cluster)) return { refused: 'the names in the path must be DNS names in lower case' };
  const read = readReached(tail);
  if ('refused' in read) return read;
  const path = pathOf(target);
  // The rest is the end of the path, unless its slash was left out.
  const prefix = read.bare ? path : path.slice(0, path.length - pathOf(read.reached.rest).length);
  return { aim: { kind: 'proxy', namespace, cluster, prefix, reached: read.reached } };
}

/** `/services/[https:]NAME/…` or `/portal/…`, at the director and inside of the tunnel. */
export function readReached(tail: string): ReachedRead {
  const [, first = '', rest = ''] = /^\/([^/?]*)(.*)$/s.exec(tail) ?? [];
  if (first === 'portal') return { reached: { kind: 'portal', rest: rooted(rest) }, bare: !rest.startsWith('/') };
  const inside = first === 'services' ? /^\/([^/?]+)(.*)$/s.exec(rest) : null;
  if (inside === null) return { refused: 'the path must go on with /services/NAME/…, /services/https:NAME/… or /portal/…' };
  const service = SERVICE.exec(decoded(inside[1] ?? ''));
  if (service === null) return { refused: `${JSON.stringify((inside[1] ?? '').slice(0, 80))} is not the name of a service` };
  const behind = inside[2] ?? '';
  const reached: Reached = { kind: 'service', service: service[2] ?? '', secure: service[1] !== undefined, rest: rooted(behind) };
  return { reached, bare: !behind.startsWith('/') };
}

/** The path of what is reached, for the site to read again. */
export function reachedPath(reached: Reached): string {
  if (reached.kind === 'portal') return `/portal${reached.rest}`;
  return `/services/${reached.secure ? 'https:' : ''}${reached.service}${reached.rest}`;
}

/** kubectl and others write `https:name` as `https%3Aname`. */
function decoded(part: string): string {
  return part.replaceAll(/%3a/gi, ':');
}

function rooted(rest: string): string {
  return rest.startsWith('/') ? rest : `/${rest}`;
}

function pathOf(target: string): string {
  const mark = target.indexOf('?');
  return mark < 0 ? target : target.slice(0, mark);
}
