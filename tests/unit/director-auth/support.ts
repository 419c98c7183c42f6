/**
 * A store in memory, a clock that can be set, a log that can be read, and objects to put in: what the tests of identity and rights share.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { openAuth } from '../../../src/director/auth/open-auth.ts';
import type { Auth } from '../../../src/director/auth/open-auth.ts';
import { openAuthorizer } from '../../../src/director/auth/authorizer.ts';
import type { Attributes, Authorizer, Identity } from '../../../src/director/auth/identity.ts';
import { bodyOf } from '../../../src/director/auth/stored-object.ts';
import { openEntityStore } from '../../../src/director/store/entity-store.ts';
import { memoryBackend, newMemoryDatabase } from '../../../src/director/store/memory-backend.ts';
import type { MemoryDatabase } from '../../../src/director/store/memory-backend.ts';
import { LABEL_CLUSTER_UID } from '../../../src/model/labels.ts';
import type { Json, JsonObject } from '../../../src/model/json.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { newJoinSecret } from '../../../src/platform/join-secret.ts';
import { jws } from '../../../src/platform/jws.ts';
import { systemRandom } from '../../../src/platform/random.ts';
import { certificateIssuer } from '../../../src/platform/x509.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import type { Log } from '../../../src/ports/log.ts';
import type { EntityKey, EntityStore, StoreBackend, StoredEntity } from '../../../src/ports/store.ts';

export const never = new AbortController().signal;
export const random = systemRandom();
export const x509 = certificateIssuer();

/** The system's clock, whose wall time can be moved. */
export interface TestClock extends Clock {
  advance(ms: number): void;
}

export function testClock(): TestClock {
  const system = systemClock();
  let shiftMs = 0;
  return {
    ...system,
    nowMs: () => system.nowMs() + shiftMs,
    advance: (ms) => {
      shiftMs += ms;
    },
  };
}

export interface TestLog extends Log {
  readonly lines: string[];
}

export function testLog(): TestLog {
  const lines: string[] = [];
  const write = (message: string, fields?: unknown): void => void lines.push(`${message} ${JSON.stringify(fields ?? {})}`);
  const log: TestLog = { lines, debug: write, info: write, warn: write, error: write, with: () => log };
  return log;
}

export interface World {
  readonly store: EntityStore;
  readonly clock: TestClock;
  readonly log: TestLog;
  readonly database: MemoryDatabase;
}

/** A store over `database` (a new one unless given), closed when the test ends. */
export async function openWorld(
  test: TestContext,
  options: { database?: MemoryDatabase; clock?: TestClock; wrap?: (backend: StoreBackend) => StoreBackend } = {},
): Promise<World> {
  const { database = newMemoryDatabase(), clock = testClock(), wrap = (backend: StoreBackend) => backend } = options;
  const log = testLog();
  const backend = wrap(memoryBackend({ database, clock, random }));
  const store = await openEntityStore({ backend, clock, random, log }, never);
  test.after(() => store.close());
  return { store, clock, log, database };
}

export async function openTestAuth(test: TestContext, world: World): Promise<Auth> {
  const { store, clock, log } = world;
  const auth = await openAuth({ store, clock, random, log, x509, jws: jws(), newSecret: newJoinSecret, version: '1.2.3' }, never);
  test.after(() => auth.close());
  return auth;
}

export function testAuthorizer(test: TestContext, { store, clock }: World): Authorizer {
  const authorizer = openAuthorizer({ store, clock });
  test.after(() => authorizer.close());
  return authorizer;
}

export function temporaryFolder(test: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-auth-'));
  test.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const RESOURCES: Readonly<Record<string, { group: string; resource: string }>> = {
  Cluster: { group: 'outrigger.dev', resource: 'clusters' },
  ClusterNode: { group: 'outrigger.dev', resource: 'clusternodes' },
  VirtualDataCenter: { group: 'outrigger.dev', resource: 'virtualdatacenters' },
  Host: { group: 'outrigger.dev', resource: 'hosts' },
  Site: { group: 'outrigger.dev', resource: 'sites' },
  Secret: { group: '', resource: 'secrets' },
  ServiceAccount: { group: '', resource: 'serviceaccounts' },
  Role: { group: 'rbac.authorization.k8s.io', resource: 'roles' },
  ClusterRole: { group: 'rbac.authorization.k8s.io', resource: 'clusterroles' },
  RoleBinding: { group: 'rbac.authorization.k8s.io', resource: 'rolebindings' },
  ClusterRoleBinding: { group: 'rbac.authorization.k8s.io', resource: 'clusterrolebindings' },
};

export function keyFor(object: JsonObject): EntityKey {
  const { namespace = '', name } = object['metadata'] as { namespace?: string; name: string };
  const place = RESOURCES[object['kind'] as string];
  if (place === undefined) throw new Error(`no resource for ${JSON.stringify(object['kind'])}`);
  return { ...place, namespace, name };
}

/** Creates or replaces; the uid is that in its metadata, or a new one. */
export async function put(store: EntityStore, object: JsonObject): Promise<StoredEntity> {
  const key = keyFor(object);
  const there = store.get(key);
  const metadata = object['metadata'] as JsonObject;
  const uid = there?.uid ?? (metadata['uid'] as string | undefined) ?? random.uuid();
  const body = bodyOf({ ...object, metadata: { ...metadata, uid } });
  const write =
    there === undefined
      ? ({ op: 'create', key, uid, body } as const)
      : ({ op: 'update', key, uid, ifRevision: there.revision, body } as const);
  const outcome = await store.write(write, never);
  if (!outcome.ok) throw new Error(`writing ${key.resource}/${key.name}: ${outcome.reason}`);
  return outcome.entity;
}

export async function remove(store: EntityStore, object: JsonObject): Promise<void> {
  const there = store.get(keyFor(object));
  if (there === undefined) throw new Error('nothing to remove');
  const { key, uid, revision } = there;
  const outcome = await store.write({ op: 'delete', key, uid, ifRevision: revision }, never);
  if (!outcome.ok) throw new Error(`removing ${key.name}: ${outcome.reason}`);
}

// ---- objects ----------------------------------------------------------------------------------------------------------------------

export const CLUSTER_UID = 'c1a0c1a0-0000-4000-8000-000000000001';
export const NODE_UID = '0de00de0-0000-4000-8000-000000000001';
export const WORKER_UID = '0de00de0-0000-4000-8000-000000000002';

export function clusterObject(status: JsonObject = {}, more: JsonObject = {}): JsonObject {
  return {
    apiVersion: 'outrigger.dev/v1',
    kind: 'Cluster',
    metadata: { name: 'harbor', namespace: 'demo', uid: CLUSTER_UID, ...more },
    spec: { virtualDataCenter: 'yard', release: '1.0.0', workers: 1 },
    status,
  };
}

export const AVAILABLE: JsonObject = {
  phase: 'Available',
  availableAt: '2026-01-01T00:00:00Z',
  attempt: 1,
  primary: 'harbor-a1-n0',
  term: 3,
};

export function nodeObject(spec: JsonObject = {}, status: JsonObject = {}, metadata: JsonObject = {}): JsonObject {
  return {
    apiVersion: 'outrigger.dev/v1',
    kind: 'ClusterNode',
    metadata: {
      name: 'harbor-a1-n0',
      namespace: 'demo',
      uid: NODE_UID,
      finalizers: ['outrigger.dev/node'],
      labels: { [LABEL_CLUSTER_UID]: CLUSTER_UID },
      ...metadata,
    },
    spec: {
      cluster: 'harbor',
      clusterUid: CLUSTER_UID,
      virtualDataCenter: 'yard',
      attempt: 1,
      index: 0,
      role: 'Primary',
      incarnation: 1,
      host: 'alpha',
      resources: { cpuMillis: 500, memoryMiB: 256 },
      ...spec,
    },
    status,
  };
}

export function workerObject(spec: JsonObject = {}, status: JsonObject = {}, metadata: JsonObject = {}): JsonObject {
  return nodeObject({ index: 1, role: 'Worker', ...spec }, status, { name: 'harbor-a1-n1', uid: WORKER_UID, ...metadata });
}

/** A node of another cluster in the same namespace. */
export function foreignNode(): JsonObject {
  return nodeObject(
    { cluster: 'other', clusterUid: 'c1a0c1a0-0000-4000-8000-000000000009', host: 'beta' },
    {},
    { name: 'other-a1-n0', uid: '0de00de0-0000-4000-8000-000000000009' },
  );
}

export function dataCenterObject(hosts: string[], status: JsonObject = {}): JsonObject {
  return {
    apiVersion: 'outrigger.dev/v1',
    kind: 'VirtualDataCenter',
    metadata: { name: 'yard', namespace: 'demo' },
    spec: { quota: { nodes: 4 }, hosts },
    status,
  };
}

export function hostObject(name: string): JsonObject {
  return {
    apiVersion: 'outrigger.dev/v1',
    kind: 'Host',
    metadata: { name },
    spec: { capacity: { nodes: 4, cpuMillis: 4000, memoryMiB: 4096 } },
    status: {},
  };
}

export function serviceAccountObject(namespace: string, name: string): JsonObject {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } };
}

/** A cluster that was available, its primary on alpha and its worker on beta, and a node of another cluster. */
export async function seedCluster(store: EntityStore): Promise<void> {
  await put(store, clusterObject(AVAILABLE));
  await put(store, nodeObject());
  await put(store, workerObject({ host: 'beta' }));
  await put(store, foreignNode());
  await put(store, dataCenterObject(['alpha', 'beta']));
  await put(store, hostObject('alpha'));
  await put(store, hostObject('beta'));
}

// ---- callers and questions --------------------------------------------------------------------------------------------------------

export function nodeIdentity(uid = NODE_UID, incarnation = 1): Identity {
  return {
    kind: 'node',
    name: `outrigger:node:${uid}:${incarnation}`,
    groups: ['outrigger:nodes', 'system:authenticated'],
    node: { uid, incarnation },
  };
}

export function hostIdentity(host = 'alpha'): Identity {
  return { kind: 'host', name: `outrigger:host:${host}`, groups: ['outrigger:hosts', 'system:authenticated'], host };
}

export function userIdentity(name: string, ...groups: string[]): Identity {
  return { kind: 'user', name, groups: [...groups, 'system:authenticated'] };
}

export function accountIdentity(namespace: string, name: string): Identity {
  const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'];
  return { kind: 'serviceAccount', name: `system:serviceaccount:${namespace}:${name}`, groups };
}

/** `patch outrigger.dev/clusternodes/status demo/harbor-a1-n0`: verb, group/resource[/subresource] (core: `/secrets`), [namespace]/[name]. */
export function asks(question: string, more: Partial<Attributes> = {}): Attributes {
  const [verb = '', what = '', where = '/'] = question.split(' ');
  const [group = '', resource = '', subresource] = what.split('/');
  const [namespace = '', name = ''] = where.split('/');
  return { verb, group, version: 'v1', resource, ...(subresource === undefined ? {} : { subresource }), namespace, name, ...more };
}

/** A deep copy of `object` with the value at a dotted path replaced; undefined takes it away. */
export function withAt(object: JsonObject, path: string, value: Json | undefined): JsonObject {
  const copy = structuredClone(object);
  const steps = path.split('.');
  const last = steps.pop() as string;
  let at = copy;
  for (const step of steps) {
    at[step] ??= {};
    at = at[step] as JsonObject;
  }
  if (value === undefined) delete at[last];
  else at[last] = value;
  return copy;
}
