/**
 * Deletion of a namespace: first its content, then itself.
 *
 * Roots that hold others back (objects with finalizers and without an owner) go first, and the rest only when nothing with finalizers is left:
 * whoever cleans up after a cluster still needs its leases, secrets and quota.
 *
 * I1: a namespace goes only when a fresh look shows nothing in it, under any kind that is served.
 * I2: what holds it back is said in its status.
 */

import type { Json, JsonObject } from '../../model/json.ts';
import type { StoredEntity } from '../../ports/store.ts';
import { timestamp, writeOptions } from '../api/engine.ts';
import type { Engine } from '../api/engine.ts';
import { dropFinalizer } from '../api/finalizers.ts';
import { finalizersOf, isDeleting, metadataOf } from '../api/metadata.ts';
import { NAMESPACE_FINALIZER } from '../api/builtins.ts';
import type { ResourceType } from '../api/resource-type.ts';
import { qualified, accepted } from '../api/status.ts';
import { change } from '../api/write-verbs.ts';
import { deleteAll, gardener, looksDeleting } from './collect.ts';
import type { SweepResult } from './collect.ts';

/** How many kinds a condition names. */
const NAMED_MAX = 10;

export async function sweepNamespaces(engine: Engine, signal: AbortSignal): Promise<SweepResult> {
  const type = engine.registry.findKind('v1', 'Namespace');
  if (type === undefined) return { pending: false };
  let pending = false;
  for (const namespace of engine.store.list(type.group, type.plural)) {
    if (!looksDeleting(namespace)) continue;
    const object = namespace.object();
    if (isDeleting(object) && finalizersOf(object).includes(NAMESPACE_FINALIZER) && (await empty(engine, type, namespace, signal)))
      pending = true;
  }
  return { pending };
}

interface Content {
  readonly type: ResourceType;
  readonly entities: readonly StoredEntity[];
}

function contentOf(engine: Engine, namespace: string): Content[] {
  return engine.registry
    .all()
    .filter((type) => type.namespaced)
    .map((type) => ({ type, entities: engine.store.list(type.group, type.plural, namespace) }))
    .filter(({ entities }) => entities.length > 0);
}

/** One step; true while something is left. */
async function empty(engine: Engine, type: ResourceType, namespace: StoredEntity, signal: AbortSignal): Promise<boolean> {
  const { name } = namespace.key;
  await report(engine, type, name, contentOf(engine, name), signal);
  await deleteContent(engine, name, signal);
  await engine.store.fresh(signal);
  const left = contentOf(engine, name);
  if (left.length > 0) {
    await report(engine, type, name, left, signal);
    return true;
  }
  await dropFinalizer(engine, namespace.key, namespace.uid, NAMESPACE_FINALIZER, signal);
  return false;
}

async function deleteContent(engine: Engine, namespace: string, signal: AbortSignal): Promise<void> {
  const content = contentOf(engine, namespace);
  let held = false;
  for (const { type, entities } of content) {
    const holders = entities.filter((entity) => finalizersOf(entity.object()).length > 0);
    held ||= holders.length > 0;
    const roots = holders.filter((entity) => metadataOf(entity.object())['ownerReferences'] === undefined && !isDeleting(entity.object()));
    await deleteAll(engine, type, roots, undefined, signal);
  }
  if (held) return;
  for (const { type, entities } of content) await deleteAll(engine, type, entities, undefined, signal);
}

/** Writes what the namespace is waiting for; unchanged words cost nothing. */
async function report(engine: Engine, type: ResourceType, name: string, left: readonly Content[], signal: AbortSignal): Promise<void> {
  const now = timestamp(engine.clock);
  const options = writeOptions(false, 'Ignore');
  await change(engine, gardener(signal), { type, namespace: '', name, subresource: 'status' }, options, (_current, old) => {
    const before = (old['status'] as JsonObject | undefined)?.['conditions'];
    const known = Array.isArray(before) ? before : [];
    return accepted({ ...old, status: { phase: 'Terminating', conditions: conditionsOf(left, known, now) } });
  });
}

function conditionsOf(left: readonly Content[], before: readonly Json[], now: string): JsonObject[] {
  const kinds = left.map(
    ({ type, entities }) => `${qualified({ group: type.group, resource: type.plural })} has ${entities.length} resource instances`,
  );
  const holders = new Map<string, number>();
  for (const { entities } of left) {
    for (const entity of entities) for (const one of finalizersOf(entity.object())) holders.set(one, (holders.get(one) ?? 0) + 1);
  }
  const finalizers = [...holders].map(([finalizer, count]) => `${finalizer} in ${count} resource instances`);
  return [
    condition(before, now, 'NamespaceContentRemaining', kinds, 'SomeResourcesRemain', 'ContentRemoved', 'All content successfully removed'),
    condition(
      before,
      now,
      'NamespaceFinalizersRemaining',
      finalizers,
      'SomeFinalizersRemain',
      'ContentHasNoFinalizers',
      'All content-preserving finalizers finished',
    ),
  ];
}

function condition(
  before: readonly Json[],
  now: string,
  type: string,
  what: readonly string[],
  some: string,
  none: string,
  done: string,
): JsonObject {
  const status = what.length > 0 ? 'True' : 'False';
  const named = what.slice(0, NAMED_MAX).join(', ');
  const old = before.find((one) => (one as JsonObject)['type'] === type) as JsonObject | undefined;
  return {
    type,
    status,
    reason: what.length > 0 ? some : none,
    message:
      what.length > 0
        ? `Some ${type === 'NamespaceContentRemaining' ? 'resources' : 'content in the namespace has finalizers'} remaining: ${named}`
        : done,
    lastTransitionTime: old !== undefined && old['status'] === status ? (old['lastTransitionTime'] ?? now) : now,
  };
}
