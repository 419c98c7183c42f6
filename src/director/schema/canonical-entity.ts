/**
 * The stored form of an entity: one JSON text per entity, and resourceVersion spliced in when it is read.
 *
 * `{"apiVersion":…,"kind":…,"metadata":{…},…}`: those three first, all other keys of every object in one order (names that look like
 * array indexes first and ascending, because JavaScript keeps them so; all others by code unit). Objects whose keys stand in order already
 * (what Go clients send, and what was stored before) are written without a copy.
 *
 * I1: equal entities have equal bytes, whatever the order in which their keys were set, so "nothing changed" is a comparison of bytes.
 * I2: metadata.resourceVersion is never in the stored bytes; splicing puts it first in metadata, and taking it out gives the same bytes.
 * I3: the place to splice is found without parsing: `"metadata":{` cannot stand in the bytes before it, because a quote inside of a
 *     JSON text is escaped.
 * I4: neither the entity nor the bytes that are given are changed.
 */

import { assert } from '../../base/assert.ts';
import { isJsonObject } from '../../model/json.ts';
import type { Json, JsonObject } from '../../model/json.ts';
import { LIMITS } from '../../model/limits.ts';
import { setOwn } from './json-values.ts';

const MARK = Buffer.from('"metadata":{');
const KEY = '"resourceVersion":"';
const FIRST = new Set(['apiVersion', 'kind', 'metadata']);

/** The stored bytes of `object`, which has apiVersion, kind and metadata. */
export function canonicalEntityBytes(object: JsonObject): Buffer {
  const { apiVersion, kind, metadata } = object;
  assert(
    typeof apiVersion === 'string' && typeof kind === 'string' && isJsonObject(metadata),
    'an entity has apiVersion, kind and metadata',
  );
  let text = `{"apiVersion":${JSON.stringify(apiVersion)},"kind":${JSON.stringify(kind)},"metadata":${metadataText(metadata)}`;
  const rest = Object.keys(object).filter((key) => !FIRST.has(key));
  for (const key of rest.sort()) {
    const value = JSON.stringify(ordered(object[key] as Json, 1));
    if (value !== undefined) text += `,${JSON.stringify(key)}:${value}`;
  }
  return Buffer.from(`${text}}`);
}

/** Where resourceVersion goes in stored bytes: right after the brace that opens metadata. */
export function resourceVersionOffset(bytes: Buffer): number {
  const at = bytes.indexOf(MARK);
  assert(at > 0, 'stored bytes have metadata');
  return at + MARK.length;
}

/** The bytes to serve: `bytes` with `metadata.resourceVersion` set to `revision` (decimal text). `offset`: as found before, if it was. */
export function spliceResourceVersion(bytes: Buffer, revision: number, offset = resourceVersionOffset(bytes)): Buffer {
  assert(Number.isSafeInteger(revision) && revision > 0, `a revision is a whole number above 0, not ${revision}`);
  const isEmpty = bytes[offset] === 0x7d;
  const part = `${KEY}${revision}"${isEmpty ? '' : ','}`;
  const spliced = Buffer.allocUnsafe(bytes.length + part.length);
  spliced.set(bytes.subarray(0, offset));
  spliced.write(part, offset, 'latin1');
  spliced.set(bytes.subarray(offset), offset + part.length);
  return spliced;
}

/** Takes apart what spliceResourceVersion made: the stored bytes and the revision; undefined when it is not of that form. */
export function unspliceResourceVersion(bytes: Buffer): { readonly stored: Buffer; readonly revision: number } | undefined {
  const mark = bytes.indexOf(MARK);
  if (mark < 0) return undefined;
  const offset = mark + MARK.length;
  const from = offset + KEY.length;
  if (bytes.toString('latin1', offset, from) !== KEY) return undefined;
  const end = bytes.indexOf(0x22, from);
  const revision = Number(bytes.toString('latin1', from, end));
  if (end < 0 || !Number.isSafeInteger(revision) || revision <= 0) return undefined;
  const after = bytes[end + 1] === 0x2c ? end + 2 : end + 1;
  return { stored: Buffer.concat([bytes.subarray(0, offset), bytes.subarray(after)]), revision };
}

function metadataText(metadata: JsonObject): string {
  if (!Object.hasOwn(metadata, 'resourceVersion')) return JSON.stringify(ordered(metadata, 1));
  const stored: JsonObject = { ...metadata };
  delete stored['resourceVersion'];
  return JSON.stringify(ordered(stored, 1));
}

/** `value` with the keys of all objects in order: itself where they are. */
function ordered(value: Json, depth: number): Json {
  if (typeof value !== 'object' || value === null) return value;
  assert(depth <= LIMITS.jsonDepth, `an entity to store is nested at most ${LIMITS.jsonDepth} levels deep`);
  return Array.isArray(value) ? orderedList(value, depth) : orderedObject(value, depth);
}

function orderedList(list: Json[], depth: number): Json[] {
  let copy: Json[] | undefined;
  for (let i = 0; i < list.length; i++) {
    const item = list[i] as Json;
    const put = ordered(item, depth + 1);
    if (put === item) continue;
    copy ??= [...list];
    copy[i] = put;
  }
  return copy ?? list;
}

function orderedObject(object: JsonObject, depth: number): JsonObject {
  let changed: Map<string, Json> | undefined;
  let inOrder = true;
  let before = '';
  for (const key in object) {
    if (key < before) inOrder = false;
    before = key;
    const value = object[key] as Json;
    if (typeof value !== 'object' || value === null) continue;
    const put = ordered(value, depth + 1);
    if (put !== value) (changed ??= new Map()).set(key, put);
  }
  if (inOrder && changed === undefined) return object;
  const copy: JsonObject = {};
  for (const key of Object.keys(object).sort()) setOwn(copy, key, changed?.get(key) ?? (object[key] as Json));
  return copy;
}
