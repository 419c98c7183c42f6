/**
 * What a request is about, from its path alone: a resource, or one of the paths that serve no resource.
 *
 * Paths are those of the Kubernetes API: `/api/v1/…` for the core group, `/apis/<group>/<version>/…` for all others, then
 * `namespaces/<namespace>/` where the resource is namespaced, `<resource>`, `<name>` and `<subresource>`.
 *
 * I1: a path that could be read in two ways (encoded slashes, `..`, empty parts, control characters) is refused, not interpreted.
 */

import { LIMITS } from '../../model/limits.ts';
import { accepted, badRequest, refused } from './status.ts';
import type { Outcome, Refused } from './status.ts';

export interface ResourceTarget {
  readonly kind: 'resource';
  readonly group: string;
  readonly version: string;
  /** Undefined: the path names none (all namespaces, or cluster scope). */
  readonly namespace: string | undefined;
  readonly resource: string;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

export interface PathTarget {
  readonly kind: 'path';
  readonly path: string;
}

export interface Target {
  readonly about: ResourceTarget | PathTarget;
  /** Without the `?`; empty when there is none. */
  readonly query: string;
}

/** Subresources that a Namespace itself may have, so that `/namespaces/x/status` is not a resource named `status`. */
const NAMESPACE_SUBRESOURCES = new Set(['status', 'finalize']);

export function route(target: string): Outcome<Target> {
  if (target.length > LIMITS.requestTargetBytes) {
    return refused(414, 'RequestURITooLong', `the path and query are longer than ${LIMITS.requestTargetBytes} bytes`);
  }
  if (!target.startsWith('/')) return badRequest('the path of the request must begin with a slash');
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const query = mark < 0 ? '' : target.slice(mark + 1);
  const parts = path.slice(1).split('/');
  const isCore = parts[0] === 'api' && parts.length > 2;
  const isGroup = parts[0] === 'apis' && parts.length > 3;
  if (!isCore && !isGroup) {
    const refusal = badPart(path, parts, true);
    return refusal ?? accepted({ about: { kind: 'path', path }, query });
  }
  const decoded = decodeParts(parts);
  if (!decoded.ok) return decoded;
  const refusal = badPart(path, decoded.value, false);
  if (refusal !== undefined) return refusal;
  return accepted({
    about: isCore ? resource('', decoded.value, 1, path) : resource(decoded.value[1] ?? '', decoded.value, 2, path),
    query,
  });
}

/** `at`: where the version stands. */
function resource(group: string, parts: readonly string[], at: number, path: string): ResourceTarget | PathTarget {
  const version = parts[at] ?? '';
  let from = at + 1;
  let namespace: string | undefined;
  if (parts[from] === 'namespaces' && parts.length > from + 2 && !NAMESPACE_SUBRESOURCES.has(parts[from + 2] ?? '')) {
    namespace = parts[from + 1];
    from += 2;
  }
  if (parts.length > from + 3) return { kind: 'path', path };
  return { kind: 'resource', group, version, namespace, resource: parts[from] ?? '', name: parts[from + 1], subresource: parts[from + 2] };
}

function decodeParts(parts: readonly string[]): Outcome<readonly string[]> {
  const decoded: string[] = [];
  for (const part of parts) {
    if (!part.includes('%')) {
      decoded.push(part);
      continue;
    }
    try {
      decoded.push(decodeURIComponent(part));
    } catch {
      return badRequest('the path of the request holds a % that is not followed by UTF-8 in hexadecimal digits');
    }
  }
  return accepted(decoded);
}

function badPart(path: string, parts: readonly string[], mayBeEmpty: boolean): Refused | undefined {
  for (const part of parts) {
    if (part === '.' || part === '..')
      return badRequest(`the path of the request holds a part ${JSON.stringify(part)}, which names nothing`);
    if (part === '' && !mayBeEmpty) return badRequest('the path of the request holds an empty part');
    if (holdsForbidden(part)) {
      return badRequest('a part of the path of the request holds a slash, a percent sign or a control character');
    }
  }
  return path.includes('//') ? badRequest('the path of the request holds an empty part') : undefined;
}

function holdsForbidden(part: string): boolean {
  for (let i = 0; i < part.length; i++) {
    const code = part.charCodeAt(i);
    if (code < 0x20 || code === 0x2f || code === 0x25 || code === 0x5c || code === 0x7f) return true;
  }
  return false;
}
