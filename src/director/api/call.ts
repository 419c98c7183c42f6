/**
 * One request on its way through the API: what it asks for, who asks, and how its body is read.
 */

import type { Json, JsonObject } from '../../model/json.ts';
import { isJsonObject } from '../../model/json.ts';
import { LIMITS } from '../../model/limits.ts';
import type { HttpRequest } from '../../ports/http.ts';
import type { Identity } from '../auth/identity.ts';
import type { Form } from './accept.ts';
import { duplicateField, readJson } from './json-input.ts';
import { JSON_MEDIA } from './media-types.ts';
import { decodeProtobuf, PROTOBUF } from './protobuf.ts';
import type { FieldValidation, Query } from './query.ts';
import type { ResourceTarget } from './router.ts';
import { accepted, badRequest, refused, tooLarge, unsupportedMedia } from './status.ts';
import type { Outcome } from './status.ts';

export interface Call {
  readonly request: HttpRequest;
  readonly query: Query;
  readonly identity: Identity;
  readonly form: Form;
  /** Aborts when the server stops for good. */
  readonly signal: AbortSignal;
}

export interface ResourceCall extends Call {
  readonly target: ResourceTarget;
}

/** The media type of the body, without parameters; '' when there is none. */
export function mediaType(request: HttpRequest): string {
  const header = request.header('content-type') ?? '';
  const end = header.indexOf(';');
  return (end < 0 ? header : header.slice(0, end)).trim().toLowerCase();
}

export async function readBytes(request: HttpRequest): Promise<Outcome<Buffer>> {
  const read = await request.body(LIMITS.requestBodyBytes);
  if (read.ok) return accepted(read.bytes);
  if (read.reason === 'too-large') return tooLarge(`the body of the request is larger than ${LIMITS.requestBodyBytes} bytes`);
  return refused(400, 'BadRequest', 'the request ended before its body was complete');
}

export interface ObjectBody {
  readonly object: JsonObject;
  /** A field that the text gave twice. */
  readonly duplicate: string | undefined;
}

/** The object in a POST or PUT: JSON, or protobuf of the few kinds that clients send so. */
export async function readObject(request: HttpRequest, validation: FieldValidation): Promise<Outcome<ObjectBody>> {
  const media = mediaType(request);
  if (media !== '' && media !== JSON_MEDIA && media !== PROTOBUF) return unsupportedMedia([JSON_MEDIA, PROTOBUF]);
  const bytes = await readBytes(request);
  if (!bytes.ok) return bytes;
  if (media === PROTOBUF) {
    const decoded = decodeProtobuf(bytes.value);
    return decoded.ok ? accepted({ object: decoded.value, duplicate: undefined }) : decoded;
  }
  const read = readJson(bytes.value);
  if (!read.ok) return read;
  const { value } = read.value;
  if (!isJsonObject(value)) return badRequest('the body of the request must be a JSON object');
  return accepted({ object: value, duplicate: validation === 'Ignore' ? undefined : duplicateField(bytes.value, read.value) });
}

/** A body that may be absent (deletions, reviews). */
export async function readOptional(request: HttpRequest): Promise<Outcome<Json | undefined>> {
  const bytes = await readBytes(request);
  if (!bytes.ok) return bytes;
  if (bytes.value.length === 0) return accepted(undefined);
  if (mediaType(request) === PROTOBUF) return decodeProtobuf(bytes.value);
  const read = readJson(bytes.value);
  return read.ok ? accepted(read.value.value) : read;
}
