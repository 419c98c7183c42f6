/**
 * How the Kubernetes API is spoken: paths, refusals and watch lines, as pure functions shared by every client.
 *
 * I1: every refusal that a caller can expect maps to one reason; what maps to none is a failure of the world (`undefined`).
 */

import type { ResourceAddress } from './core-kinds.ts';
import { isJsonObject } from './json.ts';
import type { Json, JsonObject } from './json.ts';

/** Closed list of the refusals that callers decide on. */
export const REFUSALS = [
  'NotFound',
  'AlreadyExists',
  'Conflict',
  'Invalid',
  'Forbidden',
  'Unauthorized',
  'BadRequest',
  'Expired',
  'TooManyRequests',
] as const;
export type WireRefusal = (typeof REFUSALS)[number];

const BY_STATUS: Readonly<Record<number, WireRefusal>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'BadRequest',
  409: 'Conflict',
  410: 'Expired',
  413: 'BadRequest',
  415: 'BadRequest',
  422: 'Invalid',
  429: 'TooManyRequests',
};

/** `/api/v1` or `/apis/<group>/<version>`, then namespace, resource, name and subresource. An empty namespace means all, or cluster scope. */
export function resourcePath(address: ResourceAddress, namespace: string, name?: string, subresource?: string): string {
  const root = address.group === '' ? `/api/${address.version}` : `/apis/${address.group}/${address.version}`;
  const scope = namespace === '' ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  const tail = name === undefined ? '' : `/${encodeURIComponent(name)}`;
  return `${root}${scope}/${address.plural}${tail}${subresource === undefined ? '' : `/${subresource}`}`;
}

/** What an HTTP answer other than 2xx means to a caller; undefined: nothing that one can expect. `body` is the decoded answer. */
export function refusalOf(status: number, body: Json | undefined): { readonly reason: WireRefusal; readonly message: string } | undefined {
  const reason = BY_STATUS[status];
  if (reason === undefined) return undefined;
  const object = isJsonObject(body ?? null) ? (body as JsonObject) : {};
  const message = typeof object['message'] === 'string' ? object['message'] : `the API answered ${status}`;
  return { reason: object['reason'] === 'AlreadyExists' ? 'AlreadyExists' : reason, message };
}

export type WireEvent =
  | { readonly kind: 'change'; readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: JsonObject }
  | { readonly kind: 'bookmark'; readonly resourceVersion: string }
  | { readonly kind: 'error'; readonly status: number; readonly message: string }
  | { readonly kind: 'malformed' };

/** One line of a watch stream. */
export function decodeWatchLine(line: string): WireEvent {
  let decoded: Json;
  try {
    decoded = JSON.parse(line) as Json;
  } catch {
    return { kind: 'malformed' };
  }
  if (!isJsonObject(decoded) || !isJsonObject(decoded['object'] ?? null)) return { kind: 'malformed' };
  const object = decoded['object'] as JsonObject;
  const type = decoded['type'];
  if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED') return { kind: 'change', type, object };
  if (type === 'BOOKMARK') return { kind: 'bookmark', resourceVersion: revisionOf(object) };
  if (type === 'ERROR')
    return { kind: 'error', status: Number(object['code'] ?? 500), message: textOf(object['message']) ?? 'the watch failed' };
  return { kind: 'malformed' };
}

/** `value` when it is text. */
export function textOf(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** `metadata.resourceVersion` of an object or list; `''` when it has none. */
export function revisionOf(object: JsonObject): string {
  const metadata = object['metadata'];
  if (metadata === undefined || !isJsonObject(metadata)) return '';
  return typeof metadata['resourceVersion'] === 'string' ? metadata['resourceVersion'] : '';
}
