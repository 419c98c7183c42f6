/**
 * Objects follow their owners: when all of them are gone, so is the object.
 *
 * Level, not edge: a sweep looks at every object that names an owner, whatever was deleted when, so nothing depends on having seen an event.
 *
 * I1: an object is deleted only under a tombstone of its owner: a committed fact that no restart, restore or lagging copy can feign. An owner that
 *     was never heard of is no reason.
 * I2: an object with a living owner stays; references to those that are gone are dropped.
 * I3: foreground: the owner stays until no dependent that blocks it is left. Orphan: dependents let go of the owner, then it goes.
 */

import { isJsonObject } from '../../model/json.ts';
import type { JsonObject } from '../../model/json.ts';
import type { EntityKey, StoredEntity } from '../../ports/store.ts';
import type { Engine } from '../api/engine.ts';
import { dropFinalizer, dropOwners } from '../api/finalizers.ts';
import { finalizersOf, FOREGROUND, isDeleting, metadataOf, ORPHAN, textOf } from '../api/metadata.ts';
import { keyOf } from '../api/resource-type.ts';
import { othersTurn } from '../api/selection.ts';
import type { ResourceType } from '../api/resource-type.ts';
import { deleteAll, looksDeleting } from './collect.ts';
import type { SweepResult } from './collect.ts';

const OWNED = Buffer.from('"ownerReferences":[');
/** Entities looked at before others get a turn. */
const TURN = 2000;

interface Dependent {
  readonly type: ResourceType;
  readonly entity: StoredEntity;
  readonly owners: readonly OwnerState[];
}

interface OwnerState {
  readonly uid: string;
  readonly blocks: boolean;
  /** Undefined: not in the store under that name with that uid. */
  readonly entity: StoredEntity | undefined;
}

/** `gone`: uids whose tombstones were seen; kept by the caller, so that they are asked for once. */
export async function sweepOwners(engine: Engine, gone: Map<string, boolean>, signal: AbortSignal): Promise<SweepResult> {
  const { dependents, waiting } = await look(engine);
  const byOwner = new Map<string, Dependent[]>();
  for (const dependent of dependents) {
    for (const { uid } of dependent.owners) byOwner.set(uid, [...(byOwner.get(uid) ?? []), dependent]);
  }
  await collectOrphans(engine, dependents, gone, signal);
  let pending = false;
  for (const entity of waiting) {
    if (await settle(engine, entity, byOwner.get(entity.uid) ?? [], signal)) pending = true;
  }
  return { pending };
}

/** All objects that name owners, and all that wait for their dependents. */
async function look(engine: Engine): Promise<{ readonly dependents: readonly Dependent[]; readonly waiting: readonly StoredEntity[] }> {
  const dependents: Dependent[] = [];
  const waiting: StoredEntity[] = [];
  let seen = 0;
  for (const type of engine.registry.all()) {
    for (const entity of engine.store.list(type.group, type.plural)) {
      if (++seen % TURN === 0) await othersTurn();
      const owners = entity.bytes.includes(OWNED) ? ownersOf(engine, entity) : [];
      if (owners.length > 0) dependents.push({ type, entity, owners });
      if (looksDeleting(entity) && waitsForDependents(entity.object())) waiting.push(entity);
    }
  }
  return { dependents, waiting };
}

function waitsForDependents(object: JsonObject): boolean {
  const finalizers = finalizersOf(object);
  return isDeleting(object) && (finalizers.includes(FOREGROUND) || finalizers.includes(ORPHAN));
}

function ownersOf(engine: Engine, entity: StoredEntity): OwnerState[] {
  const references = metadataOf(entity.object())['ownerReferences'];
  if (!Array.isArray(references)) return [];
  return references.flatMap((reference): OwnerState[] => {
    if (!isJsonObject(reference)) return [];
    const uid = textOf(reference['uid']);
    const key = ownerKey(engine, reference, entity.key.namespace);
    // A kind that is not served now may be served again: such an owner is neither there nor gone.
    if (key === undefined || uid === '') return [];
    const owner = engine.store.get(key);
    return [{ uid, blocks: reference['blockOwnerDeletion'] === true, entity: owner?.uid === uid ? owner : undefined }];
  });
}

function ownerKey(engine: Engine, reference: JsonObject, namespace: string): EntityKey | undefined {
  const type = engine.registry.findKind(textOf(reference['apiVersion']), textOf(reference['kind']));
  return type === undefined ? undefined : keyOf(type, namespace, textOf(reference['name']));
}

async function collectOrphans(
  engine: Engine,
  dependents: readonly Dependent[],
  gone: Map<string, boolean>,
  signal: AbortSignal,
): Promise<void> {
  const unowned = new Map<ResourceType, StoredEntity[]>();
  for (const { type, entity, owners } of dependents) {
    const dead = new Set<string>();
    for (const owner of owners) if (owner.entity === undefined && (await isGone(engine, owner.uid, gone, signal))) dead.add(owner.uid);
    if (dead.size === 0) continue;
    if (dead.size < owners.length) await dropOwners(engine, entity.key, entity.uid, dead, signal);
    else if (!looksDeleting(entity) || !isDeleting(entity.object())) unowned.set(type, [...(unowned.get(type) ?? []), entity]);
  }
  for (const [type, entities] of unowned) await deleteAll(engine, type, entities, undefined, signal);
}

async function isGone(engine: Engine, uid: string, gone: Map<string, boolean>, signal: AbortSignal): Promise<boolean> {
  if (gone.get(uid) === true) return true;
  const tombstone = await engine.store.tombstone(uid, signal);
  if (tombstone !== undefined) gone.set(uid, true);
  return tombstone !== undefined;
}

/** Takes an owner that waits a step further; true while it has to go on waiting. */
async function settle(engine: Engine, owner: StoredEntity, dependents: readonly Dependent[], signal: AbortSignal): Promise<boolean> {
  const finalizers = finalizersOf(owner.object());
  if (finalizers.includes(ORPHAN)) {
    for (const { entity } of dependents) await dropOwners(engine, entity.key, entity.uid, new Set([owner.uid]), signal);
    await dropFinalizer(engine, owner.key, owner.uid, ORPHAN, signal);
    return false;
  }
  if (!finalizers.includes(FOREGROUND)) return false;
  const living = dependents.filter(({ entity }) => engine.store.get(entity.key)?.uid === entity.uid);
  const untouched = living.filter(({ entity }) => !isDeleting(entity.object()));
  for (const { type: of, entity } of untouched) await deleteAll(engine, of, [entity], 'Foreground', signal);
  await engine.store.fresh(signal);
  const blocking = dependents.filter(
    ({ entity, owners }) =>
      engine.store.get(entity.key)?.uid === entity.uid && owners.some(({ uid, blocks }) => blocks && uid === owner.uid),
  );
  if (blocking.length > 0) return true;
  await dropFinalizer(engine, owner.key, owner.uid, FOREGROUND, signal);
  return false;
}
