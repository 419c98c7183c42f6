/**
 * What the garbage collector does to metadata, and no client can: taking off cleanup finalizers, and letting go of owners.
 *
 * I1: an object that is being deleted and has lost its last finalizer is removed by the same write.
 */

import type { Json, JsonObject } from '../../model/json.ts';
import { isJsonObject } from '../../model/json.ts';
import type { EntityKey } from '../../ports/store.ts';
import type { Engine } from './engine.ts';
import { finalizersOf, isDeleting, metadataOf } from './metadata.ts';
import { modify } from './modify.ts';
import type { Decision, Modified } from './modify.ts';
import { canonicalEntityBytes } from '../schema/canonical-entity.ts';
import { accepted, conflict, notFound } from './status.ts';
import type { Outcome } from './status.ts';

/** How metadata should look; undefined: leave it. */
type Metadata = (metadata: JsonObject, object: JsonObject) => JsonObject | undefined;

/** Drops `finalizer` from the object with that uid. */
export function dropFinalizer(
  engine: Engine,
  key: EntityKey,
  uid: string,
  finalizer: string,
  signal: AbortSignal,
): Promise<Outcome<Modified>> {
  return changeMetadata(engine, key, uid, signal, (metadata, object) => {
    const finalizers = finalizersOf(object);
    if (!finalizers.includes(finalizer)) return undefined;
    return withList(
      metadata,
      'finalizers',
      finalizers.filter((one) => one !== finalizer),
    );
  });
}

/** Drops the references to owners with the given uids. */
export function dropOwners(
  engine: Engine,
  key: EntityKey,
  uid: string,
  owners: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Outcome<Modified>> {
  return changeMetadata(engine, key, uid, signal, (metadata) => {
    const references = Array.isArray(metadata['ownerReferences']) ? metadata['ownerReferences'] : [];
    const kept = references.filter((one) => !(isJsonObject(one) && typeof one['uid'] === 'string' && owners.has(one['uid'])));
    return kept.length === references.length ? undefined : withList(metadata, 'ownerReferences', kept);
  });
}

function withList(metadata: JsonObject, field: string, list: readonly Json[]): JsonObject {
  const { [field]: _, ...rest } = metadata;
  return list.length === 0 ? rest : { ...rest, [field]: [...list] };
}

async function changeMetadata(engine: Engine, key: EntityKey, uid: string, signal: AbortSignal, how: Metadata): Promise<Outcome<Modified>> {
  const subject = { group: key.group, resource: key.resource, name: key.name };
  const outcome = await modify(engine.store, {
    key,
    signal,
    decide: (current): Outcome<Decision> => {
      if (current.uid !== uid) return notFound(subject);
      const object = current.object();
      const metadata = how(metadataOf(object), object);
      if (metadata === undefined) return accepted({ do: 'keep' });
      const next = { ...object, metadata };
      if (isDeleting(next) && finalizersOf(next).length === 0) return accepted({ do: 'delete' });
      return accepted({ do: 'write', body: canonicalEntityBytes(next) });
    },
    missing: () => notFound(subject),
    contended: () => conflict(subject, 'too many others change it at the same time'),
  });
  if (outcome.ok && outcome.value.deleted) engine.onDeletion();
  return outcome;
}
