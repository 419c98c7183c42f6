/**
 * Decodes request bodies in `application/vnd.kubernetes.protobuf` to the JSON that they stand for. Door to `@bufbuild/protobuf`'s wire reader.
 *
 * The envelope is four bytes of magic and runtime.Unknown (typeMeta, raw); the kind in it says which message follows.
 *
 * I1: bytes that are not what they claim end as a refusal; nesting and length are bounded by the reader's own bounds and by ours.
 * I2: only the fields in the table are read; all that a client may set of these kinds is in it.
 */

import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { Json, JsonObject } from '../../model/json.ts';
import { isMessage, messageOf, PROTOBUF_KINDS } from './protobuf-messages.ts';
import type { Field, MessageName } from './protobuf-messages.ts';
import { accepted, badRequest, refused } from './status.ts';
import type { Outcome } from './status.ts';

export const PROTOBUF = 'application/vnd.kubernetes.protobuf';
const MAGIC = Buffer.from([0x6b, 0x38, 0x73, 0x00]);
const DEPTH_MAX = 16;

/** A message of texts and messages, in the order given. */
export function lengthDelimited(fields: readonly (readonly [number: number, value: string | Uint8Array])[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const [number, value] of fields) {
    writer.tag(number, WireType.LengthDelimited);
    if (typeof value === 'string') writer.string(value);
    else writer.bytes(value);
  }
  return writer.finish();
}

/** The object in `bytes`, with apiVersion and kind. */
export function decodeProtobuf(bytes: Buffer): Outcome<JsonObject> {
  if (bytes.length < MAGIC.length || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
    return badRequest('the body of the request is not Kubernetes protobuf: it does not begin with the four bytes k8s\\0');
  }
  try {
    const envelope = readEnvelope(bytes.subarray(MAGIC.length));
    const { apiVersion, kind } = envelope;
    const message = PROTOBUF_KINDS.get(`${apiVersion}/${kind}`);
    if (message === undefined) {
      return refused(
        415,
        'UnsupportedMediaType',
        `${kind} of ${apiVersion} is not taken in protobuf here; accepted media types include: application/json`,
      );
    }
    return accepted({ apiVersion, kind, ...readMessage(new BinaryReader(envelope.raw), message, envelope.raw.length, 0) });
  } catch (error) {
    return badRequest(`the body of the request is not well-formed protobuf: ${error instanceof Error ? error.message : String(error)}`);
  }
}

interface Envelope {
  readonly apiVersion: string;
  readonly kind: string;
  readonly raw: Uint8Array;
}

/** runtime.Unknown: 1 typeMeta {1 apiVersion, 2 kind}, 2 raw. */
function readEnvelope(bytes: Uint8Array): Envelope {
  const reader = new BinaryReader(bytes);
  let meta = { apiVersion: '', kind: '' };
  let raw: Uint8Array = new Uint8Array();
  while (reader.pos < reader.len) {
    const [number, wire] = reader.tag();
    if (number === 1 && wire === WireType.LengthDelimited) meta = readTypeMeta(reader.bytes());
    else if (number === 2 && wire === WireType.LengthDelimited) raw = reader.bytes();
    else reader.skip(wire);
  }
  return { ...meta, raw };
}

function readTypeMeta(bytes: Uint8Array): { apiVersion: string; kind: string } {
  const reader = new BinaryReader(bytes);
  const meta = { apiVersion: '', kind: '' };
  while (reader.pos < reader.len) {
    const [number, wire] = reader.tag();
    if (number === 1) meta.apiVersion = reader.string();
    else if (number === 2) meta.kind = reader.string();
    else reader.skip(wire);
  }
  return meta;
}

function readMessage(reader: BinaryReader, name: MessageName, end: number, depth: number): JsonObject {
  if (depth > DEPTH_MAX) throw new RangeError('it is nested too deeply');
  const fields = messageOf(name);
  const object: JsonObject = {};
  while (reader.pos < end) {
    const [number, wire] = reader.tag();
    const field = fields[number];
    if (field === undefined) reader.skip(wire);
    else readField(reader, field, wire, object, depth);
  }
  return object;
}

function readField(reader: BinaryReader, field: Field, wire: WireType, object: JsonObject, depth: number): void {
  const { name, type, repeated } = field;
  const scalar = type === 'bool' || type === 'int';
  if (wire !== (scalar ? WireType.Varint : WireType.LengthDelimited))
    throw new TypeError(`the field ${name} has another type than it should`);
  if (type === 'map' || type === 'bytesMap') {
    const map = (object[name] ??= {}) as JsonObject;
    readEntry(reader, type === 'bytesMap', map);
    return;
  }
  const value = readValue(reader, field, depth);
  if (!repeated) {
    // An empty text stands for no text: protobuf has no other way to say so.
    if (value !== '' && value !== undefined) object[name] = value;
    return;
  }
  const list = (object[name] ??= []) as Json[];
  list.push(value ?? '');
}

function readValue(reader: BinaryReader, { type }: Field, depth: number): Json | undefined {
  if (type === 'string') return reader.string();
  if (type === 'bytes') return Buffer.from(reader.bytes()).toString('base64');
  if (type === 'bool') return reader.bool();
  if (type === 'int') return Number(reader.int64());
  const length = reader.uint32();
  const end = reader.pos + length;
  if (end > reader.len) throw new RangeError('it ends too early');
  if (type === 'time' || type === 'microTime') return readTime(reader, end, type === 'microTime');
  return isMessage(type) ? readMessage(reader, type, end, depth + 1) : undefined;
}

/** Timestamp: 1 seconds, 2 nanos. Undefined for the zero time. */
function readTime(reader: BinaryReader, end: number, micro: boolean): string | undefined {
  let seconds = 0;
  let nanos = 0;
  while (reader.pos < end) {
    const [number, wire] = reader.tag();
    if (number === 1) seconds = Number(reader.int64());
    else if (number === 2) nanos = reader.int32();
    else reader.skip(wire);
  }
  const date = new Date(seconds * 1000);
  if (seconds <= 0 || Number.isNaN(date.getTime())) return undefined;
  const whole = date.toISOString().slice(0, 19);
  return micro ? `${whole}.${String(Math.trunc(nanos / 1000)).padStart(6, '0')}Z` : `${whole}Z`;
}

/** An entry of a map: 1 key, 2 value. */
function readEntry(reader: BinaryReader, isBytes: boolean, map: JsonObject): void {
  const length = reader.uint32();
  const end = reader.pos + length;
  if (end > reader.len) throw new RangeError('it ends too early');
  let key = '';
  let value = '';
  while (reader.pos < end) {
    const [number, wire] = reader.tag();
    if (number === 1) key = reader.string();
    else if (number === 2) value = isBytes ? Buffer.from(reader.bytes()).toString('base64') : reader.string();
    else reader.skip(wire);
  }
  if (key === '__proto__') throw new TypeError('a key cannot be named __proto__');
  map[key] = value;
}
