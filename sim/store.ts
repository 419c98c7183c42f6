/**
 * The simulated store: one order of revisions, exact compare-and-swap, finalizers, generations, and the rules of the kinds.
 *
 * Objects are never changed in place, so everybody may keep what was read.
 */

import type { JsonObject } from '../src/model/json.ts';
import type { ObjectMeta } from '../src/model/resource.ts';
import type { Answer, DeletePreconditions } from '../src/ports/api.ts';
import { isSameValue } from '../src/base/canonical.ts';
import type { ClusterNode } from '../src/model/cluster-node.ts';
import type { Cluster } from '../src/model/cluster.ts';
import { checkTransition, refusedSection } from './rules.ts';
import { refusedNaming, refusedRemoval } from './site-rules.ts';
import type { Stored } from './stored.ts';

export interface Commit {
  readonly revision: number;
  readonly plural: string;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: Stored;
  readonly previous: Stored | undefined;
  /** Who wrote it. */
  readonly writer: string;
}

/** A write that a rule refused: who tried what. */
export interface GuardHit {
  readonly writer: string;
  readonly key: string;
  readonly message: string;
}

export interface StoreOptions {
  /** Wall clock of the store. */
  readonly nowMs: () => number;
  readonly uuid: () => string;
  /** Whether nodes without a reservation are refused (the director), or not (a plain Kubernetes API without the webhook). */
  readonly admission: boolean;
  /** Whether a site that another cluster names is refused. */
  readonly siteAdmission: boolean;
}

export interface SimStore {
  revision(): number;
  get(plural: string, namespace: string, name: string): Stored | undefined;
  list(plural: string): readonly Stored[];
  create(writer: string, plural: string, namespace: string, object: object): Answer<Stored>;
  mergePatch(writer: string, plural: string, namespace: string, name: string, patch: JsonObject, subresource?: 'status'): Answer<Stored>;
  remove(writer: string, plural: string, namespace: string, name: string, preconditions: DeletePreconditions): Answer<void>;
  /** All commits so far of one resource. */
  history(plural: string): readonly Commit[];
  /** All objects as they are now. */
  copy(): StoreCopy;
  /** All objects as they were, told to everybody as changes by RESTORER: what a new list shows those who follow. */
  restore(copy: StoreCopy): void;
  onCommit(listener: (commit: Commit) => void): void;
  onGuardHit(listener: (hit: GuardHit) => void): void;
}

/** plural → `<namespace>/<name>` → object. */
export type StoreCopy = ReadonlyMap<string, ReadonlyMap<string, Stored>>;

/** Who "writes" what an older copy shows instead. */
export const RESTORER = 'older copy';

interface Tables {
  readonly options: StoreOptions;
  readonly objects: Map<string, Map<string, Stored>>;
  readonly histories: Map<string, Commit[]>;
  readonly listeners: ((commit: Commit) => void)[];
  readonly guards: ((hit: GuardHit) => void)[];
  revision: number;
}

export function createStore(options: StoreOptions): SimStore {
  const tables: Tables = { options, objects: new Map(), histories: new Map(), listeners: [], guards: [], revision: 0 };
  const find = (plural: string, namespace: string, name: string): Stored | undefined =>
    tables.objects.get(plural)?.get(`${namespace}/${name}`);
  return {
    revision: () => tables.revision,
    get: find,
    list: (plural) => [...(tables.objects.get(plural)?.values() ?? [])],
    create: (writer, plural, namespace, object) => create(tables, writer, plural, namespace, object as Stored),
    mergePatch: (writer, plural, namespace, name, patch, subresource) => {
      const old = find(plural, namespace, name);
      if (old === undefined) return refused('NotFound', `${plural} ${namespace}/${name} not found`);
      return update(tables, writer, plural, old, patch, subresource);
    },
    remove: (writer, plural, namespace, name, preconditions) => {
      const old = find(plural, namespace, name);
      if (old === undefined) return refused('NotFound', `${plural} ${namespace}/${name} not found`);
      return remove(tables, writer, plural, old, preconditions);
    },
    history: (plural) => historyOf(tables, plural),
    copy: () => new Map([...tables.objects].map(([plural, table]) => [plural, new Map(table)])),
    restore: (copy) => restore(tables, copy),
    onCommit: (listener) => void tables.listeners.push(listener),
    onGuardHit: (listener) => void tables.guards.push(listener),
  };
}

function create(tables: Tables, writer: string, plural: string, namespace: string, object: Stored): Answer<Stored> {
  const { name } = object.metadata;
  const table = tableOf(tables, plural);
  if (table.has(`${namespace}/${name}`)) return refused('AlreadyExists', `${plural} ${name} already exists`);
  const metadata: ObjectMeta = {
    ...object.metadata,
    namespace,
    uid: tables.options.uuid(),
    generation: 1,
    creationTimestamp: new Date(tables.options.nowMs()).toISOString(),
    resourceVersion: '',
  };
  const next: Stored = { ...object, metadata };
  const wrong = guarded(tables, writer, plural, undefined, next);
  return wrong ?? commit(tables, writer, plural, 'ADDED', next, undefined);
}

function update(tables: Tables, writer: string, plural: string, old: Stored, patch: JsonObject, subresource?: 'status'): Answer<Stored> {
  const asked = (patch['metadata'] ?? {}) as Partial<ObjectMeta>;
  const wrong = precondition(old, { ...pickDefined(asked.uid, asked.resourceVersion) });
  if (wrong !== undefined) return wrong;
  const { uid: _, resourceVersion: __, ...changed } = asked;
  const part = subresource === 'status' ? { status: patch['status'] ?? {} } : { ...withoutStatus(patch), metadata: changed };
  const merged = merge(old, part) as Stored;
  const isSpecSame = isSameValue(merged.spec, old.spec);
  const { uid, creationTimestamp, namespace, generation = 1 } = old.metadata;
  const metadata: ObjectMeta = {
    ...merged.metadata,
    uid,
    creationTimestamp,
    ...(namespace === undefined ? {} : { namespace }),
    resourceVersion: old.metadata.resourceVersion,
    generation: isSpecSame ? generation : generation + 1,
  };
  const next: Stored = { ...merged, metadata };
  const isNothing = isSpecSame && isSameValue(next.status, old.status) && isSameValue(merged.metadata, old.metadata);
  if (isNothing) return { ok: true, value: old };
  const stopped = guarded(tables, writer, plural, old, next);
  if (stopped !== undefined) return stopped;
  const isGone = metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).length === 0;
  return commit(tables, writer, plural, isGone ? 'DELETED' : 'MODIFIED', next, old);
}

function remove(tables: Tables, writer: string, plural: string, old: Stored, preconditions: DeletePreconditions): Answer<void> {
  const wrong = precondition(old, preconditions);
  if (wrong !== undefined) return wrong;
  if (old.metadata.deletionTimestamp !== undefined) return { ok: true, value: undefined };
  const list = (other: string): readonly Stored[] => [...tableOf(tables, other).values()];
  const forbidden = tables.options.admission ? refusedRemoval(plural, old, list) : undefined;
  if (forbidden !== undefined) return refused('Invalid', forbidden);
  const deletionTimestamp = new Date(tables.options.nowMs()).toISOString();
  const next: Stored = { ...old, metadata: { ...old.metadata, deletionTimestamp, generation: (old.metadata.generation ?? 1) + 1 } };
  const isGone = (old.metadata.finalizers ?? []).length === 0;
  const done = commit(tables, writer, plural, isGone ? 'DELETED' : 'MODIFIED', next, old);
  return done.ok ? { ok: true, value: undefined } : done;
}

function commit(
  tables: Tables,
  writer: string,
  plural: string,
  type: Commit['type'],
  object: Stored,
  previous: Stored | undefined,
): Answer<Stored> {
  const revision = ++tables.revision;
  const stored: Stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
  const key = `${stored.metadata.namespace ?? ''}/${stored.metadata.name}`;
  if (type === 'DELETED') tableOf(tables, plural).delete(key);
  else tableOf(tables, plural).set(key, stored);
  const made: Commit = { revision, plural, type, object: stored, previous, writer };
  historyOf(tables, plural).push(made);
  for (const listener of tables.listeners) listener(made);
  return { ok: true, value: stored };
}

function restore(tables: Tables, copy: StoreCopy): void {
  for (const [plural, table] of tables.objects) {
    const before = copy.get(plural) ?? new Map<string, Stored>();
    for (const [key, now] of table) if (!before.has(key)) commit(tables, RESTORER, plural, 'DELETED', now, now);
    for (const [key, then] of before) {
      const now = table.get(key);
      if (now !== then) commit(tables, RESTORER, plural, now === undefined ? 'ADDED' : 'MODIFIED', then, now);
    }
  }
}

function guarded(tables: Tables, writer: string, plural: string, old: Stored | undefined, next: Stored): Answer<never> | undefined {
  const read = (other: string, name: string): Stored | undefined =>
    tables.objects.get(other)?.get(`${next.metadata.namespace ?? ''}/${name}`);
  const list = (other: string): readonly Stored[] => [...tableOf(tables, other).values()];
  const named =
    plural === 'clusters' && tables.options.siteAdmission ? refusedNaming(old as Cluster | undefined, next as Cluster, list) : undefined;
  if (named !== undefined) return refused('Invalid', named);
  const section =
    plural === 'clusternodes' && old !== undefined ? refusedSection(writer, old as ClusterNode, next as ClusterNode) : undefined;
  if (section !== undefined) return refused('Invalid', section);
  const verdict = checkTransition(plural, old, next, tables.options.admission ? read : undefined);
  if (verdict === undefined) return undefined;
  if (verdict.isGuard)
    for (const listener of tables.guards) listener({ writer, key: `${plural}/${next.metadata.name}`, message: verdict.message });
  return refused('Invalid', verdict.message);
}

function precondition(old: Stored, asked: DeletePreconditions): Answer<never> | undefined {
  if (asked.uid !== undefined && asked.uid !== old.metadata.uid) return refused('Conflict', `${old.metadata.name} has another uid`);
  const stale = asked.resourceVersion !== undefined && asked.resourceVersion !== old.metadata.resourceVersion;
  return stale ? refused('Conflict', `${old.metadata.name} has been modified`) : undefined;
}

function pickDefined(uid: string | undefined, resourceVersion: string | undefined): DeletePreconditions {
  return { ...(uid === undefined ? {} : { uid }), ...(resourceVersion === undefined ? {} : { resourceVersion }) };
}

function withoutStatus(patch: JsonObject): JsonObject {
  const { status: _, ...rest } = patch;
  return rest;
}

/** RFC 7386. */
function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> = typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merge(result[key], value);
  }
  return result;
}

function tableOf(tables: Tables, plural: string): Map<string, Stored> {
  let table = tables.objects.get(plural);
  if (table === undefined) tables.objects.set(plural, (table = new Map()));
  return table;
}

function historyOf(tables: Tables, plural: string): Commit[] {
  let history = tables.histories.get(plural);
  if (history === undefined) tables.histories.set(plural, (history = []));
  return history;
}

function refused(reason: 'NotFound' | 'AlreadyExists' | 'Conflict' | 'Invalid', message: string): Answer<never> {
  return { ok: false, reason, message };
}
