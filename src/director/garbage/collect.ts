/**
 * What all sweeps of the garbage collector share: deleting many objects, as the director itself, each guarded by its uid.
 */

import type { StoredEntity } from '../../ports/store.ts';
import { DIRECTOR_IDENTITY } from '../api/bundled-kinds.ts';
import { deleteEntity, PLAIN_DELETE } from '../api/delete-verbs.ts';
import type { Propagation } from '../api/delete-verbs.ts';
import type { Caller, Engine } from '../api/engine.ts';
import type { ResourceType } from '../api/resource-type.ts';

/** What a sweep left to do: it should be looked at again soon. */
export interface SweepResult {
  readonly pending: boolean;
}

/** Deletions at a time, so that a large namespace does not push everybody else's writes out of the queue. */
const AT_ONCE = 64;
const DELETING = Buffer.from('"deletionTimestamp":"');

export function gardener(signal: AbortSignal): Caller {
  const attributes = { verb: 'delete', group: '', version: '', resource: '', namespace: '', name: '' };
  return { identity: DIRECTOR_IDENTITY, attributes, signal, internal: true };
}

/** True when the bytes may hold a deletionTimestamp in metadata: a quick look before parsing. */
export function looksDeleting(entity: StoredEntity): boolean {
  return entity.bytes.includes(DELETING);
}

export async function deleteAll(
  engine: Engine,
  type: ResourceType,
  entities: readonly StoredEntity[],
  propagation: Propagation | undefined,
  signal: AbortSignal,
): Promise<void> {
  const caller = gardener(signal);
  for (let at = 0; at < entities.length && !signal.aborted; at += AT_ONCE) {
    const some = entities.slice(at, at + AT_ONCE);
    // Whatever became of it meanwhile (gone, another of its name) the next look decides.
    await Promise.all(
      some.map(({ key, uid }) =>
        deleteEntity(engine, caller, { type, namespace: key.namespace, name: key.name }, { ...PLAIN_DELETE, uid, propagation }),
      ),
    );
  }
}
