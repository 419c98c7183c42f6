/**
 * create, update and patch: from what a client asked for to one guarded write.
 *
 * I1: the order is always the same: metadata rules, prune, default, what the server fills in, validate, who may (authorizeWrite), admission.
 * I2: a write that changes nothing is answered without a new revision, after a look that nothing newer is there.
 * I3: a dry run does all of it but the write.
 */

import type { JsonObject } from '../../model/json.ts';
import type { StoredEntity } from '../../ports/store.ts';
import type { AdmissionRequest } from '../admission/admission.ts';
import { adoptedUid } from './adoption.ts';
import { timestamp } from './engine.ts';
import type { Caller, Engine, WriteOptions } from './engine.ts';
import { bornMetadata, finalizersOf, isDeleting, metadataOf, metadataShape, textOf } from './metadata.ts';
import { modify } from './modify.ts';
import type { Decision, Modified } from './modify.ts';
import { applyTo } from './patch.ts';
import type { Patch } from './patch.ts';
import { assembled, countGeneration, encode, foldBase64Input, judge, nextState, shape, unchanged } from './prepare.ts';
import { keyOf, kindSubjectOf, subjectOf } from './resource-type.ts';
import type { ResourceType } from './resource-type.ts';
import { spliceRevision } from '../store/splice.ts';
import { accepted, alreadyExists, conflict, forbidden, invalid, methodNotAllowed, notFound, refused } from './status.ts';
import type { Outcome, Refused } from './status.ts';

export interface Written {
  readonly bytes: Buffer;
  /** Undefined after a dry-run creation. */
  readonly entity: StoredEntity | undefined;
  readonly deleted: boolean;
}

/** Where a write goes. */
export interface Place {
  readonly type: ResourceType;
  readonly namespace: string;
  /** '' on create. */
  readonly name: string;
  /** '', `status`, or `scale` (which writes the main resource). */
  readonly subresource: string;
}

const GENERATED_NAME_TRIES = 8;

export async function createEntity(
  engine: Engine,
  caller: Caller,
  place: Place,
  given: JsonObject,
  options: WriteOptions,
): Promise<Outcome<Written>> {
  const { type } = place;
  if (type.terminating) return methodNotAllowed(`create not allowed while the definition of ${type.plural} is terminating`);
  const adopted = await adoptedUid(engine, caller, place, given);
  if (!adopted.ok) return adopted;
  for (let tries = 0; ; tries++) {
    const bear = (): Outcome<Birth> => birth(engine, caller, place, given, options, adopted.value);
    const born = bear();
    const confirmed = born.ok ? born : await again(engine, caller, bear);
    if (!confirmed.ok) return confirmed;
    const { name, uid, body, request } = confirmed.value;
    if (options.dryRun) return dryCreate(engine, caller, place, name, body);
    const outcome = await engine.store.write({ op: 'create', key: keyOf(type, place.namespace, name), uid, body }, caller.signal);
    if (outcome.ok) return keepOrTakeBack(engine, caller, request, outcome.entity);
    const generated = textOf(metadataOf(given)['name']) === '';
    if (!generated || tries >= GENERATED_NAME_TRIES) return alreadyExists(subjectOf(type, name));
  }
}

/** This copy now shows everything that was committed before the creation: was it still right then? */
async function keepOrTakeBack(engine: Engine, caller: Caller, request: AdmissionRequest, entity: StoredEntity): Promise<Outcome<Written>> {
  const refusal = caller.internal ? undefined : engine.admission.confirm(request);
  if (refusal === undefined) return accepted({ bytes: entity.bytes, entity, deleted: false });
  const { key, uid, revision } = entity;
  // When somebody has changed it meanwhile, whoever empties the place finds it there.
  await engine.store.write({ op: 'delete', key, uid, ifRevision: revision }, caller.signal);
  return refusal;
}

/** A refusal may rest on an old copy: it is decided once more on a fresh one. */
async function again<T>(engine: Engine, caller: Caller, decide: () => Outcome<T>): Promise<Outcome<T>> {
  await engine.store.fresh(caller.signal);
  return decide();
}

async function dryCreate(
  engine: Engine,
  caller: Caller,
  { type, namespace }: Place,
  name: string,
  body: Buffer,
): Promise<Outcome<Written>> {
  await engine.store.fresh(caller.signal);
  if (engine.store.get(keyOf(type, namespace, name)) !== undefined) return alreadyExists(subjectOf(type, name));
  return accepted({ bytes: body, entity: undefined, deleted: false });
}

interface Birth {
  readonly name: string;
  readonly uid: string;
  readonly body: Buffer;
  readonly request: AdmissionRequest;
}

function birth(
  engine: Engine,
  caller: Caller,
  place: Place,
  given: JsonObject,
  options: WriteOptions,
  adopted: string | undefined,
): Outcome<Birth> {
  const { type, namespace } = place;
  const wrong = metadataShape(type, given);
  if (wrong !== undefined) return wrong;
  const uid = adopted ?? engine.random.uuid();
  const metadata = bornMetadata(type, given, { namespace, uid, now: timestamp(engine.clock), dice: () => engine.random.float() });
  if (!metadata.ok) return metadata;
  const object = assembled(type, metadata.value, given);
  if (type.hasStatus) delete object['status'];
  foldBase64Input(type, object);
  const name = textOf(metadata.value['name']);
  const request: AdmissionRequest = { type, operation: 'create', subresource: '', namespace, name, next: object };
  const refusal =
    shape(type, object, options) ?? completed(engine, request) ?? judge(type, object, undefined) ?? permitted(engine, caller, request);
  if (refusal !== undefined) return refusal;
  const bytes = encode(object);
  return bytes.ok ? accepted({ name, uid, body: bytes.value, request }) : bytes;
}

export function updateEntity(
  engine: Engine,
  caller: Caller,
  place: Place,
  given: JsonObject,
  options: WriteOptions,
): Promise<Outcome<Written>> {
  const { type, name, subresource } = place;
  const wrong = metadataShape(type, given);
  if (wrong !== undefined) return Promise.resolve(wrong);
  if (textOf(metadataOf(given)['resourceVersion']) === '' && !type.unconditionalUpdate && subresource === '') {
    const message = 'Invalid value: 0: must be specified for an update';
    return Promise.resolve(
      invalid(kindSubjectOf(type, name), [{ reason: 'FieldValueInvalid', message, field: 'metadata.resourceVersion' }]),
    );
  }
  return change(engine, caller, place, options, () => accepted(given));
}

export function patchEntity(engine: Engine, caller: Caller, place: Place, patch: Patch, options: WriteOptions): Promise<Outcome<Written>> {
  return change(engine, caller, place, options, (current, old) => {
    // A JSON patch changes its object, so it gets one of its own; a merge patch shares.
    const next = applyTo(patch.kind === 'json' ? current.object() : old, patch);
    if (!next.ok) return next;
    return metadataShape(place.type, next.value) ?? next;
  });
}

/** How a given state should look afterwards; `old` must not be changed. */
export type Change = (current: StoredEntity, old: JsonObject) => Outcome<JsonObject>;

export async function change(engine: Engine, caller: Caller, place: Place, options: WriteOptions, how: Change): Promise<Outcome<Written>> {
  const { type, namespace, name } = place;
  const subject = subjectOf(type, name);
  const outcome = await modify(engine.store, {
    key: keyOf(type, namespace, name),
    signal: caller.signal,
    decide: (current) => decide(engine, caller, place, options, current, how),
    missing: () => notFound(subject),
    contended: () => conflict(subject, 'too many others change it at the same time; please try again'),
  });
  if (outcome.ok && outcome.value.deleted) engine.onDeletion();
  return outcome satisfies Outcome<Modified>;
}

function decide(
  engine: Engine,
  caller: Caller,
  place: Place,
  options: WriteOptions,
  current: StoredEntity,
  how: Change,
): Outcome<Decision> {
  const { type, namespace, name, subresource } = place;
  const old = current.object();
  const given = how(current, old);
  if (!given.ok) return given;
  const next = nextState(type, old, given.value, subresource === 'status' ? 'status' : '');
  if (!next.ok) return next;
  const object = next.value;
  const request: AdmissionRequest = { type, operation: 'update', subresource, namespace, name, old, next: object };
  const misshapen = shape(type, object, options) ?? completed(engine, request);
  if (misshapen !== undefined) return misshapen;
  countGeneration(type, old, object);
  const refusal = judge(type, object, old) ?? permitted(engine, caller, request);
  if (refusal !== undefined) return refusal;
  const bytes = encode(object);
  if (!bytes.ok) return bytes;
  if (unchanged(current, bytes.value)) return accepted({ do: 'keep' });
  // As it would be stored, at the revision that it would replace: so `kubectl diff` shows nothing but the change.
  if (options.dryRun) return accepted({ do: 'keep', bytes: spliceRevision(bytes.value, current.revision) });
  if (isDeleting(object) && finalizersOf(object).length === 0) return accepted({ do: 'delete' });
  return accepted({ do: 'write', body: bytes.value });
}

function completed(engine: Engine, request: AdmissionRequest): Refused | undefined {
  engine.admission.complete(request);
  return undefined;
}

/** Content rules of the caller's identity, then the rules across objects. */
export function permitted(engine: Engine, caller: Caller, request: AdmissionRequest): Refused | undefined {
  if (caller.internal) return undefined;
  const content = { old: request.old, next: request.next };
  const decision = engine.authorizer.authorizeWrite(caller.identity, caller.attributes, content);
  if (!decision.allowed) return refused(403, 'Forbidden', decision.reason, forbidden(subjectOf(request.type, request.name), '').details);
  return engine.admission.admit(request);
}
