/**
 * Splicing the revision into stored JSON without parsing it.
 *
 * A body is stored without its `resourceVersion`, because that is known only when the write gets its place in the order. Serving it must not cost a
 * parse and a serialization of the whole object, so the revision goes in as the first key of `metadata`, by position.
 *
 * I1: a body begins `{"apiVersion":"…","kind":"…","metadata":{"`, so that the position is found in the first few dozen bytes.
 * I2: the result is the body plus `"resourceVersion":"<revision>",` and nothing else.
 */

import { assert } from '../../base/assert.ts';
import type { StoreEventType } from '../../ports/store.ts';

const METADATA = Buffer.from(',"metadata":{"', 'latin1');
/** apiVersion and kind come first and are at most this long together (a group of 253, a version and a kind of 63 each, and the keys). */
const SEARCH_LIMIT_BYTES = 512;
const CLOSING_BRACE = 0x7d;
const NEWLINE = 0x0a;
const LINE_HEADS: Readonly<Record<StoreEventType, Buffer>> = {
  ADDED: Buffer.from('{"type":"ADDED","object":', 'latin1'),
  MODIFIED: Buffer.from('{"type":"MODIFIED","object":', 'latin1'),
  DELETED: Buffer.from('{"type":"DELETED","object":', 'latin1'),
};

/** Offset in `body` where the first key of `metadata` begins. The body must be as I1 says. */
function metadataOffset(body: Buffer): number {
  const at = body.subarray(0, SEARCH_LIMIT_BYTES).indexOf(METADATA);
  assert(at > 0 && body[0] === 0x7b, 'a body begins with apiVersion, kind and a metadata that is not empty');
  return at + METADATA.length - 1;
}

function revisionText(revision: number): string {
  return `"resourceVersion":"${revision}",`;
}

/** `body` (without resourceVersion) as it is served: with `resourceVersion` as the first key of `metadata`. */
export function spliceRevision(body: Buffer, revision: number): Buffer {
  const offset = metadataOffset(body);
  const text = revisionText(revision);
  const out = Buffer.allocUnsafeSlow(body.length + text.length);
  body.copy(out, 0, 0, offset);
  out.write(text, offset, 'latin1');
  body.copy(out, offset + text.length, offset);
  return out;
}

/** A watch event line around an object as served: `{"type":"…","object":…}\n`. For events whose type differs from the stored one's (selectors, initial events). */
export function eventLine(type: StoreEventType, bytes: Buffer): Buffer {
  const head = LINE_HEADS[type];
  const out = Buffer.allocUnsafeSlow(head.length + bytes.length + 2);
  head.copy(out, 0);
  bytes.copy(out, head.length);
  out[out.length - 2] = CLOSING_BRACE;
  out[out.length - 1] = NEWLINE;
  return out;
}

/**
 * A watch event line and, as a view into the same memory, the object as served: one allocation for both.
 * `source` is a body; or, with `servedAs`, an object as served at that revision, whose revision is then replaced.
 */
export function spliceLine(
  type: StoreEventType,
  source: Buffer,
  revision: number,
  servedAs?: number,
): { readonly line: Buffer; readonly bytes: Buffer } {
  const head = LINE_HEADS[type];
  const offset = metadataOffset(source);
  const text = revisionText(revision);
  const rest = offset + (servedAs === undefined ? 0 : revisionText(servedAs).length);
  const restAt = head.length + offset + text.length;
  const line = Buffer.allocUnsafeSlow(restAt + source.length - rest + 2);
  head.copy(line, 0);
  source.copy(line, head.length, 0, offset);
  line.write(text, head.length + offset, 'latin1');
  source.copy(line, restAt, rest);
  line[line.length - 2] = CLOSING_BRACE;
  line[line.length - 1] = NEWLINE;
  return { line, bytes: line.subarray(head.length, line.length - 2) };
}
