/**
 * Objects that the director keeps for itself: made at first start by whoever is first, changed by compare-and-swap.
 *
 * Several directors start at once on an empty database. Each tries to create; exactly one does, the others read what it made.
 *
 * I1: `createOrRead` ends with what is stored, whoever made it, and never overwrites.
 * I2: a body begins with apiVersion, kind and metadata, as the store asks, and holds no resourceVersion.
 */

import { assert } from '../../base/assert.ts';
import { isJsonObject } from '../../model/json.ts';
import type { Json, JsonObject } from '../../model/json.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { EntityKey, EntityStore, StoredEntity, WriteOutcome } from '../../ports/store.ts';

export interface ObjectMaker {
  readonly store: EntityStore;
  readonly clock: Clock;
  readonly random: Random;
}

/** Times in objects: RFC 3339 in whole seconds, as Kubernetes writes them. */
export function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** The member of `object` that is an object, or an empty one. */
export function part(object: Json | undefined, name: string): JsonObject {
  const value = isJsonObject(object ?? null) ? (object as JsonObject)[name] : undefined;
  return isJsonObject(value ?? null) ? (value as JsonObject) : {};
}

export function text(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** As stored: see I2. */
export function bodyOf(object: JsonObject): Buffer {
  const { apiVersion, kind, metadata, ...rest } = object;
  assert(
    typeof apiVersion === 'string' && typeof kind === 'string' && isJsonObject(metadata ?? null),
    'an object has apiVersion, kind and metadata',
  );
  const { resourceVersion: _spliced, ...kept } = metadata as JsonObject;
  return Buffer.from(JSON.stringify({ apiVersion, kind, metadata: kept, ...rest }), 'utf8');
}

/** The stored state; when there is none, what `make` gives is created. `make` leaves out uid and creationTimestamp. */
export async function createOrRead(
  maker: ObjectMaker,
  key: EntityKey,
  make: () => Promise<JsonObject> | JsonObject,
  signal: AbortSignal,
): Promise<StoredEntity> {
  await maker.store.fresh(signal);
  const there = maker.store.get(key);
  if (there !== undefined) return there;
  const made = await make();
  const uid = maker.random.uuid();
  const metadata = { ...part(made, 'metadata'), uid, creationTimestamp: timeText(maker.clock.nowMs()) };
  const outcome = await maker.store.write({ op: 'create', key, uid, body: bodyOf({ ...made, metadata }) }, signal);
  if (outcome.ok) return outcome.entity;
  assert(outcome.reason === 'exists', 'a creation is refused only because the name is taken');
  return outcome.current;
}

/** Replaces `entity` by `next`, if it is still what was read. */
export function replaceObject(store: EntityStore, entity: StoredEntity, next: JsonObject, signal: AbortSignal): Promise<WriteOutcome> {
  return store.write({ op: 'update', key: entity.key, uid: entity.uid, ifRevision: entity.revision, body: bodyOf(next) }, signal);
}

export function secretKey(namespace: string, name: string): EntityKey {
  return { group: '', resource: 'secrets', namespace, name };
}

/** A Secret with its values as plain text. */
export function secretObject(namespace: string, name: string, type: string, data: Readonly<Record<string, string>>): JsonObject {
  const encoded = Object.entries(data).map(([field, value]) => [field, Buffer.from(value, 'utf8').toString('base64')]);
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, type, data: Object.fromEntries(encoded) as JsonObject };
}

/** The values of a Secret as plain text; what is not text in base64 is left out. */
export function secretData(secret: JsonObject): ReadonlyMap<string, string> {
  const values = Object.entries(part(secret, 'data')).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return new Map(values.map(([field, value]) => [field, Buffer.from(value, 'base64').toString('utf8')]));
}
