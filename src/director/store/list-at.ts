/**
 * A list as of an earlier revision, so that the pages of one list belong together: the copy of now, rolled back.
 *
 * What changed lately is undone from recent history; what changed before that, from the database.
 *
 * I1: the result is exactly what the store held at that revision.
 */

import type { StateBefore, StoreBackend, StoredEntity } from '../../ports/store.ts';
import { rowKey } from './entity-cache.ts';
import { makeEntity } from './entity.ts';
import type { Replica } from './replica.ts';

export interface PageQuery {
  readonly group: string;
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly revision: number;
}

export async function listAt(
  replica: Replica,
  backend: StoreBackend,
  query: PageQuery,
  signal: AbortSignal,
): Promise<StoredEntity[] | 'expired'> {
  const { group, resource, namespace, revision } = query;
  if (revision < replica.compacted) return 'expired';
  if (revision === replica.revision) return replica.list(group, resource, namespace);
  const floor = replica.recent.floor;
  // The copy may move while the database answers, so it is rolled back to `floor` now, and from there on it no longer matters.
  const recent = rollBack(
    replica.list(group, resource, namespace),
    replica.statesAt(group, resource, Math.max(revision, floor)),
    namespace,
  );
  if (revision >= floor) return recent;
  const before = await backend.before({ group, resource }, revision, floor, signal);
  if (before === 'expired') return 'expired';
  return rollBack(recent, statesOf(before), namespace);
}

function statesOf(before: readonly StateBefore[]): Map<string, StoredEntity | undefined> {
  return new Map(before.map(({ key, row }) => [rowKey(key), row === undefined ? undefined : makeEntity(row, row.body)]));
}

/** `entities` with the given ones put back to what they were. Sorted by namespace and name. */
function rollBack(
  entities: readonly StoredEntity[],
  states: ReadonlyMap<string, StoredEntity | undefined>,
  namespace: string | undefined,
): StoredEntity[] {
  if (states.size === 0) return Array.from(entities);
  const kept = entities.filter((entity) => !states.has(rowKey(entity.key)));
  for (const state of states.values()) {
    if (state !== undefined && (namespace === undefined || state.key.namespace === namespace)) kept.push(state);
  }
  return kept.sort(byKey);
}

function byKey(a: StoredEntity, b: StoredEntity): number {
  const left = rowKey(a.key);
  const right = rowKey(b.key);
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
