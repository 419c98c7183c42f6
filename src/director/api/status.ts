/**
 * Refusals: every answer of the API that is not the object, as a Kubernetes `Status` (meta/v1) with the wording that clients know.
 *
 * A refusal is a value, not an exception: `Refused` travels up to where the answer is written.
 *
 * I1: code and reason belong together as in k8s.io/apimachinery; clients decide by the reason, people by the message.
 * I2: `details.kind` is the resource's plural, except where a field is wrong (422): there it is the Kind.
 */

import { FAULTS } from '../../model/fault.ts';
import type { Fault } from '../../model/fault.ts';
import type { JsonObject } from '../../model/json.ts';

export interface Cause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

/** A problem of a schema or of an object as a cause. */
export function causeOf(problem: { readonly path: string; readonly reason: string; readonly message: string }): Cause {
  return { reason: problem.reason, message: problem.message, field: problem.path };
}

/** What a refusal speaks of. */
export interface Subject {
  readonly group: string;
  /** Plural, or the Kind for 422. */
  readonly resource: string;
  readonly name: string;
}

export interface Refused {
  readonly ok: false;
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly details?: JsonObject;
  /** Seconds; sent as a header too. */
  readonly retryAfterSeconds?: number;
}

export type Outcome<T> = { readonly ok: true; readonly value: T } | Refused;

export function accepted<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

export function refused(code: number, reason: string, message: string, details?: JsonObject): Refused {
  return { ok: false, code, reason, message, ...(details === undefined ? {} : { details }) };
}

/** The body of a refusal. */
export function statusBody(refusal: Refused): JsonObject {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: refusal.message,
    reason: refusal.reason,
    ...(refusal.details === undefined ? {} : { details: refusal.details }),
    code: refusal.code,
  };
}

/** The body after a deletion that is complete. */
export function successBody(subject: Subject, uid: string): JsonObject {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details: { ...detailsOf(subject), uid } };
}

export function qualified(subject: { readonly group: string; readonly resource: string }): string {
  return subject.group === '' ? subject.resource : `${subject.resource}.${subject.group}`;
}

export function notFound(subject: Subject): Refused {
  return refused(404, 'NotFound', `${qualified(subject)} ${JSON.stringify(subject.name)} not found`, detailsOf(subject));
}

export function alreadyExists(subject: Subject): Refused {
  return refused(409, 'AlreadyExists', `${qualified(subject)} ${JSON.stringify(subject.name)} already exists`, detailsOf(subject));
}

export function conflict(subject: Subject, why: string): Refused {
  const message = `Operation cannot be fulfilled on ${qualified(subject)} ${JSON.stringify(subject.name)}: ${why}`;
  return refused(409, 'Conflict', message, detailsOf(subject));
}

export function modified(subject: Subject): Refused {
  return conflict(subject, 'the object has been modified; please apply your changes to the latest version and try again');
}

/** `subject.resource` is the Kind here. */
export function invalid(subject: Subject, causes: readonly Cause[]): Refused {
  const lines = causes.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`));
  const all = lines.length === 1 ? (lines[0] ?? '') : `[${lines.join(', ')}]`;
  const message = `${qualified(subject)} ${JSON.stringify(subject.name)} is invalid: ${all}`;
  return refused(422, 'Invalid', message, { ...detailsOf(subject), causes: causes.map((cause) => ({ ...cause })) });
}

export function forbidden(subject: Subject, why: string): Refused {
  const name = subject.name === '' ? '' : ` ${JSON.stringify(subject.name)}`;
  return refused(403, 'Forbidden', `${qualified(subject)}${name} is forbidden: ${why}`, detailsOf(subject));
}

export function badRequest(message: string): Refused {
  return refused(400, 'BadRequest', message);
}

export function methodNotAllowed(message: string): Refused {
  return refused(405, 'MethodNotAllowed', message);
}

export function unsupportedMedia(acceptedTypes: readonly string[], note = ''): Refused {
  const message = `the body of the request was in an unknown format - accepted media types include: ${acceptedTypes.join(', ')}${note}`;
  return refused(415, 'UnsupportedMediaType', message);
}

export function expired(message: string): Refused {
  return refused(410, 'Expired', message);
}

/** As etcd's watch cache says it: what was asked for, and the oldest that is still there. */
export function tooOld(asked: number | string, oldest: number): Refused {
  return expired(`too old resource version: ${asked} (${oldest})`);
}

export function tooLarge(message: string): Refused {
  return refused(413, 'RequestEntityTooLarge', message);
}

export function internalError(message: string): Refused {
  return refused(500, 'InternalError', `Internal error occurred: ${message}`);
}

/** A failure of the world as an answer; retryable ones say when. */
export function ofFault(fault: Fault): Refused {
  const row = FAULTS[fault.code];
  const refusal = refused(row.http, row.reason, fault.message);
  return row.retry === 'never' ? refusal : { ...refusal, retryAfterSeconds: 1, details: { retryAfterSeconds: 1 } };
}

function detailsOf(subject: Subject): JsonObject {
  const { name, group, resource } = subject;
  return { ...(name === '' ? {} : { name }), ...(group === '' ? {} : { group }), kind: resource };
}
