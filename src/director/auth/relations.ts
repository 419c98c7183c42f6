/**
 * Who belongs to whom: what the rules for nodes and hosts ask of the store, answered synchronously from its copy.
 *
 * A certificate names a node by uid, the store finds entities by name; the one index kept here leads from uid to name, which never changes in an
 * entity's life. Everything else is read from the copy at each question, so it is never older than the copy.
 *
 * I1: facts are those of the state that the copy holds at the moment of the question.
 * I2: each state is parsed at most once.
 */

import type { JsonObject } from '../../model/json.ts';
import { API_GROUP } from '../../model/resource.ts';
import type { EntityKey, EntityStore, StoredEntity } from '../../ports/store.ts';
import { follow } from './follow.ts';
import { part, text } from './stored-object.ts';

export interface NodeFacts {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly cluster: string;
  readonly clusterUid: string;
  readonly virtualDataCenter: string;
  readonly attempt: number;
  readonly index: number;
  /** What it was born as. */
  readonly role: string;
  readonly incarnation: number;
  /** Joined: no host may claim it. */
  readonly machine: 'Provisioned' | 'Joined';
  readonly host: string | undefined;
  readonly retired: boolean;
  readonly deleting: boolean;
  /** `spec.revokedBefore`, in whole seconds. */
  readonly revokedBeforeMs: number | undefined;
}

export interface ClusterFacts {
  readonly uid: string;
  /** As recorded in its status. */
  readonly primary: string | undefined;
  /** As recorded; 0: none yet. */
  readonly term: number;
  readonly wasAvailable: boolean;
  readonly deleting: boolean;
  /** The attempt at work, or that became available; 0 before the first. */
  readonly attempt: number;
  /** Name of the Site that its spec names. */
  readonly site: string | undefined;
}

export interface SiteFacts {
  /** uid of the cluster that is plugged in. */
  readonly clusterUid: string | undefined;
  /** Name of the Secret with its credentials. */
  readonly secret: string | undefined;
}

export interface Relations {
  /** The ClusterNode that bears this uid. */
  node(uid: string): NodeFacts | undefined;
  nodeAt(namespace: string, name: string): NodeFacts | undefined;
  cluster(namespace: string, name: string): ClusterFacts | undefined;
  site(namespace: string, name: string): SiteFacts | undefined;
  /** `spec.hosts` of a VirtualDataCenter; empty when there is none of that name. */
  hostsOf(namespace: string, virtualDataCenter: string): readonly string[];
  host(name: string): { readonly uid: string } | undefined;
  /** uid of a ServiceAccount. */
  serviceAccountUid(namespace: string, name: string): string | undefined;
  close(): void;
}

const NODES = 'clusternodes';

export function openRelations(store: EntityStore): Relations {
  const keyByUid = new Map<string, EntityKey>();
  const close = follow(store, API_GROUP, NODES, {
    reset: (all) => {
      keyByUid.clear();
      for (const node of all) keyByUid.set(node.uid, node.key);
    },
    changed: ({ type, entity }) => {
      if (type === 'DELETED') keyByUid.delete(entity.uid);
      else keyByUid.set(entity.uid, entity.key);
    },
  });
  const nodeFacts = perState(readNode);
  const clusterFacts = perState(readCluster);
  const siteFacts = perState(readSite);
  const hosts = perState(readHosts);
  const ours = (resource: string, namespace: string, name: string): StoredEntity | undefined =>
    store.get({ group: API_GROUP, resource, namespace, name });
  const nodeAt = (namespace: string, name: string): NodeFacts | undefined => nodeFacts(ours(NODES, namespace, name));
  return {
    node: (uid) => {
      const key = keyByUid.get(uid);
      const node = key === undefined ? undefined : nodeFacts(store.get(key));
      return node?.uid === uid ? node : undefined;
    },
    nodeAt,
    cluster: (namespace, name) => clusterFacts(ours('clusters', namespace, name)),
    site: (namespace, name) => siteFacts(ours('sites', namespace, name)),
    hostsOf: (namespace, virtualDataCenter) => hosts(ours('virtualdatacenters', namespace, virtualDataCenter)) ?? [],
    host: (name) => ours('hosts', '', name),
    serviceAccountUid: (namespace, name) => store.get({ group: '', resource: 'serviceaccounts', namespace, name })?.uid,
    close,
  };
}

/** `read` applied to a state, once for each. */
function perState<T>(read: (entity: StoredEntity) => T): (entity: StoredEntity | undefined) => T | undefined {
  const known = new WeakMap<StoredEntity, { readonly facts: T }>();
  return (entity) => {
    if (entity === undefined) return undefined;
    let entry = known.get(entity);
    if (entry === undefined) {
      entry = { facts: read(entity) };
      known.set(entity, entry);
    }
    return entry.facts;
  };
}

function readNode(entity: StoredEntity): NodeFacts {
  const object = entity.object();
  const spec = part(object, 'spec');
  return {
    namespace: entity.key.namespace,
    name: entity.key.name,
    uid: entity.uid,
    cluster: text(spec['cluster']) ?? '',
    clusterUid: text(spec['clusterUid']) ?? '',
    virtualDataCenter: text(spec['virtualDataCenter']) ?? '',
    attempt: numberOf(spec['attempt']),
    index: numberOf(spec['index']),
    role: text(spec['role']) ?? '',
    incarnation: numberOf(spec['incarnation']),
    machine: spec['machine'] === 'Joined' ? 'Joined' : 'Provisioned',
    host: text(spec['host']),
    retired: spec['retired'] === true,
    deleting: isDeleting(object),
    revokedBeforeMs: wholeSeconds(text(spec['revokedBefore'])),
  };
}

/** A time in ms since 1970; certificates count whole seconds. */
function wholeSeconds(time: string | undefined): number | undefined {
  const ms = Date.parse(time ?? '');
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 1000) * 1000;
}

function readCluster(entity: StoredEntity): ClusterFacts {
  const object = entity.object();
  const status = part(object, 'status');
  return {
    uid: entity.uid,
    primary: text(status['primary']),
    term: numberOf(status['term']),
    wasAvailable: text(status['availableAt']) !== undefined,
    deleting: isDeleting(object),
    attempt: numberOf(status['attempt']),
    site: text(part(object, 'spec')['site']),
  };
}

function readSite(entity: StoredEntity): SiteFacts {
  const object = entity.object();
  return {
    clusterUid: text(part(part(object, 'status'), 'cluster')['uid']),
    secret: text(part(part(object, 'spec'), 'credentials')['secret']),
  };
}

function readHosts(entity: StoredEntity): readonly string[] {
  const hosts = part(entity.object(), 'spec')['hosts'];
  return Array.isArray(hosts) ? hosts.filter((host): host is string => typeof host === 'string') : [];
}

export function isDeleting(object: JsonObject): boolean {
  return text(part(object, 'metadata')['deletionTimestamp']) !== undefined;
}

/** A whole number, or 0 for anything else. */
export function numberOf(value: unknown): number {
  return typeof value === 'number' && Number.isInteger(value) ? value : 0;
}
