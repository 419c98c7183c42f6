/**
 * list: everything, or page by page as of one revision.
 *
 * I1: all pages of one list show the same revision, whatever is written meanwhile; when history no longer reaches that far, 410.
 * I2: the answer is put together from the bytes as stored; nothing is parsed.
 */

import type { JsonObject } from '../../model/json.ts';
import type { EntityStore, StoredEntity } from '../../ports/store.ts';
import { countOption, revisionOption } from './query.ts';
import type { Query } from './query.ts';
import type { ResourceType } from './resource-type.ts';
import { inScope, passing } from './selection.ts';
import type { Selection } from './selection.ts';
import { accepted, badRequest, expired } from './status.ts';
import type { Outcome } from './status.ts';

export interface Page {
  readonly items: readonly StoredEntity[];
  readonly revision: number;
  /** Token for the next page. */
  readonly next: string | undefined;
  /** How many follow; only known without a selector. */
  readonly remaining: number | undefined;
}

interface ListOptions {
  readonly limit: number | undefined;
  readonly token: Token | undefined;
  readonly revision: number | undefined;
  readonly exact: boolean;
}

interface Token {
  readonly revision: number;
  readonly namespace: string;
  readonly name: string;
}

const CHUNK_BYTES = 256 * 1024;
const COMMA = 0x2c;
const TAIL = Buffer.from(']}');

export async function listPage(
  store: EntityStore,
  type: ResourceType,
  selection: Selection,
  query: Query,
  signal: AbortSignal,
): Promise<Outcome<Page>> {
  const options = readListOptions(query);
  if (!options.ok) return options;
  const { limit, token, revision, exact } = options.value;
  const pinned = token?.revision ?? (exact ? revision : undefined);
  if (pinned !== undefined) return await pinnedPage(store, type, selection, pinned, options.value, signal);
  if (revision === undefined) await store.fresh(signal);
  else if (revision > store.revision()) await store.atLeast(revision, signal);
  const scope = inScope(store, type, selection);
  const at = store.revision();
  return accepted(cut(await passing(scope, selection), at, limit, selection.test === undefined));
}

async function pinnedPage(
  store: EntityStore,
  type: ResourceType,
  selection: Selection,
  revision: number,
  { limit, token }: ListOptions,
  signal: AbortSignal,
): Promise<Outcome<Page>> {
  const all = await store.listAt(type.group, type.plural, selection.namespace, revision, signal);
  if (all === 'expired') {
    return expired(
      'The provided continue parameter or revision is too old to display a consistent list result; start the list again without it.',
    );
  }
  const rest = token === undefined ? all : all.slice(indexAfter(all, token));
  return accepted(cut(await passing(rest, selection), revision, limit, selection.test === undefined));
}

function readListOptions(query: Query): Outcome<ListOptions> {
  const limit = countOption(query, 'limit');
  if (!limit.ok) return limit;
  const revision = revisionOption(query);
  if (!revision.ok) return revision;
  const match = query.get('resourceVersionMatch') ?? '';
  const text = query.get('continue') ?? '';
  if (match !== '' && match !== 'Exact' && match !== 'NotOlderThan') {
    return badRequest(`resourceVersionMatch: Unsupported value: ${JSON.stringify(match)}: supported values: "Exact", "NotOlderThan"`);
  }
  if (match !== '' && revision.value === undefined)
    return badRequest('resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided');
  if (match === 'Exact' && revision.value === 0)
    return badRequest('resourceVersionMatch: Forbidden: resourceVersionMatch "Exact" is forbidden for resourceVersion "0"');
  if (text !== '' && revision.value !== undefined && revision.value > 0)
    return badRequest('specifying resource version is not allowed when using continue');
  const token = text === '' ? undefined : decodeToken(text);
  if (text !== '' && token === undefined) return badRequest('continue key is not valid: it is no token that this server gave out');
  // Without a match, a limit and a revision mean that very revision; the reference has kept that from before there was a match.
  const exact = match === 'Exact' || (match === '' && (limit.value ?? 0) > 0 && (revision.value ?? 0) > 0);
  return accepted({ limit: limit.value === 0 ? undefined : limit.value, token, revision: revision.value, exact });
}

function cut(items: readonly StoredEntity[], revision: number, limit: number | undefined, countable: boolean): Page {
  if (limit === undefined || items.length <= limit) return { items, revision, next: undefined, remaining: undefined };
  const page = items.slice(0, limit);
  const last = page.at(-1);
  const next = last === undefined ? undefined : encodeToken({ revision, namespace: last.key.namespace, name: last.key.name });
  return { items: page, revision, next, remaining: countable ? items.length - limit : undefined };
}

function encodeToken({ revision, namespace, name }: Token): string {
  return Buffer.from(JSON.stringify({ v: 1, rv: revision, ns: namespace, name }), 'utf8').toString('base64url');
}

function decodeToken(text: string): Token | undefined {
  try {
    const { v, rv, ns, name } = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as JsonObject;
    if (v !== 1 || typeof rv !== 'number' || !Number.isSafeInteger(rv) || rv < 1 || typeof ns !== 'string' || typeof name !== 'string')
      return undefined;
    return { revision: rv, namespace: ns, name };
  } catch {
    return undefined;
  }
}

/** Index of the first entity after the one that the token names. */
function indexAfter(items: readonly StoredEntity[], { namespace, name }: Token): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const key = items[middle]?.key;
    const isAfter = key === undefined || key.namespace > namespace || (key.namespace === namespace && key.name > name);
    if (isAfter) high = middle;
    else low = middle + 1;
  }
  return low;
}

export function listMetadata({ revision, next, remaining }: Page): JsonObject {
  return {
    resourceVersion: String(revision),
    ...(next === undefined ? {} : { continue: next }),
    ...(remaining === undefined ? {} : { remainingItemCount: remaining }),
  };
}

/** The list as JSON, in pieces of about 256 kB. */
export function listPieces(type: ResourceType, page: Page): { readonly pieces: Iterable<Buffer>; readonly totalBytes: number } {
  const head = Buffer.from(
    `{"apiVersion":${JSON.stringify(type.apiVersion)},"kind":${JSON.stringify(type.listKind)},"metadata":${JSON.stringify(listMetadata(page))},"items":[`,
  );
  let totalBytes = head.length + TAIL.length + Math.max(0, page.items.length - 1);
  for (const item of page.items) totalBytes += item.bytes.length;
  return { pieces: joined(head, page.items, totalBytes), totalBytes };
}

function* joined(head: Buffer, items: readonly StoredEntity[], totalBytes: number): Generator<Buffer> {
  let left = totalBytes;
  let chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, left));
  let at = head.copy(chunk, 0);
  for (let i = 0; i < items.length; i++) {
    const { bytes } = items[i] as StoredEntity;
    if (at + bytes.length + 1 + TAIL.length > chunk.length && at > 0) {
      yield chunk.subarray(0, at);
      left -= at;
      chunk = Buffer.allocUnsafe(Math.max(Math.min(CHUNK_BYTES, left), bytes.length + 1 + TAIL.length));
      at = 0;
    }
    if (i > 0) chunk[at++] = COMMA;
    at += bytes.copy(chunk, at);
  }
  at += TAIL.copy(chunk, at);
  yield chunk.subarray(0, at);
}
