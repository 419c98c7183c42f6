/**
 * Who holds which tunnel, for the other directors: a Lease `tunnel-<node uid>` in the cluster's namespace, whose holder is a director's own URL.
 *
 * It is a hint, and nothing is decided by its age: a director that is asked and has no tunnel says so.
 *
 * I1: what is written is what holds at that moment, however many changes came before; a node that flaps costs one write at a time.
 * I2: a director takes back only what names itself, also what an earlier life of it left.
 * I3: Leases are emptied, not deleted: a tombstone stays for ever, and tunnels come and go.
 * I4: nobody but directors writes them (src/director/admission/tunnel-leases.ts): callers are sent there with their credentials.
 */

import { isFault } from '../../model/fault.ts';
import type { JsonObject } from '../../model/json.ts';
import { LABEL_CLUSTER, LABEL_CLUSTER_UID, TUNNEL_LEASE_PREFIX as PREFIX } from '../../model/labels.ts';
import { GROUP_VERSION } from '../../model/resource.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { EntityKey, EntityStore, StoredEntity } from '../../ports/store.ts';
import type { NodeFacts } from '../auth/relations.ts';
import { bodyOf, part, text, timeText } from '../auth/stored-object.ts';

const GROUP = 'coordination.k8s.io';
const AT_ONCE = 32;
/** Compare-and-swap rounds; whoever wins against us that often is newer. */
const ROUNDS = 4;
const RETRY_MS = 1_000;

export interface TunnelLeases {
  /** This director holds the tunnel of that node now. */
  take(node: NodeFacts): void;
  /** It does not any more. */
  release(node: Pick<NodeFacts, 'uid' | 'namespace'>): void;
  /** URL of another director that has taken the tunnel of that node since this one did. */
  movedTo(node: Pick<NodeFacts, 'uid' | 'namespace'>): string | undefined;
  /** Of all nodes of a cluster: who holds a tunnel, other than this director. */
  elsewhere(namespace: string, cluster: string, clusterUid: string): string | undefined;
  /** Empties what an earlier life of this director left; then works until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export interface LeaseParts {
  readonly store: EntityStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** This director's own URL, as nodes and other directors' callers dial it. */
  readonly url: () => string;
}

type Wanted =
  | { readonly held: true; readonly node: NodeFacts }
  | { readonly held: false; readonly uid: string; readonly namespace: string };

export function tunnelLeases(parts: LeaseParts): TunnelLeases {
  const { store, url } = parts;
  const wanted = new Map<string, Wanted>();
  const underWay = new Set<string>();
  let wake = (): void => undefined;
  const want = (uid: string, next: Wanted): void => {
    wanted.set(uid, next);
    wake();
  };
  return {
    take: (node) => want(node.uid, { held: true, node }),
    release: ({ uid, namespace }) => want(uid, { held: false, uid, namespace }),
    movedTo: ({ uid, namespace }) => {
      if (wanted.has(uid) || underWay.has(uid)) return undefined;
      const holder = holderOf(store.get(keyOf(namespace, uid)));
      return holder === url() ? undefined : holder;
    },
    elsewhere: (namespace, cluster, clusterUid) => {
      for (const lease of store.list(GROUP, 'leases', namespace)) {
        if (!lease.key.name.startsWith(PREFIX)) continue;
        const labels = lease.labels();
        if (labels[LABEL_CLUSTER] !== cluster || labels[LABEL_CLUSTER_UID] !== clusterUid) continue;
        const holder = holderOf(lease);
        if (holder !== undefined && holder !== url()) return holder;
      }
      return undefined;
    },
    run: async (signal) => {
      for (const lease of store.list(GROUP, 'leases')) {
        const { name, namespace } = lease.key;
        const uid = name.slice(PREFIX.length);
        if (name.startsWith(PREFIX) && !wanted.has(uid) && holderOf(lease) === url()) wanted.set(uid, { held: false, uid, namespace });
      }
      while (!signal.aborted) {
        const batch = [...wanted].slice(0, AT_ONCE);
        for (const [uid] of batch) {
          wanted.delete(uid);
          underWay.add(uid);
        }
        const failed = (await Promise.all(batch.map((one) => settle(parts, one, signal)))).filter((one) => one !== undefined);
        underWay.clear();
        for (const [uid, one] of failed) if (!wanted.has(uid)) wanted.set(uid, one);
        if (failed.length > 0) await parts.clock.sleep(RETRY_MS, signal).catch(() => undefined);
        if (wanted.size === 0)
          await new Promise<void>((done) => ((wake = done), signal.addEventListener('abort', () => done(), { once: true })));
      }
    },
  };
}

function keyOf(namespace: string, uid: string): EntityKey {
  return { group: GROUP, resource: 'leases', namespace, name: PREFIX + uid };
}

function holderOf(lease: StoredEntity | undefined): string | undefined {
  const holder = lease === undefined ? undefined : text(part(lease.object(), 'spec')['holderIdentity']);
  return holder === '' ? undefined : holder;
}

/** Gives back what is to be tried again. */
async function settle(parts: LeaseParts, [uid, one]: [string, Wanted], signal: AbortSignal): Promise<[string, Wanted] | undefined> {
  try {
    for (let round = 0; round < ROUNDS; round++) if (await tryOnce(parts, one, signal)) return undefined;
    return [uid, one];
  } catch (error) {
    if (!isFault(error)) throw error;
    if (!signal.aborted) parts.log.warn('Who holds a tunnel could not be written down; it is tried again.', { node: uid, error });
    return [uid, one];
  }
}

async function tryOnce({ store, clock, random, url }: LeaseParts, one: Wanted, signal: AbortSignal): Promise<boolean> {
  const { uid, namespace } = one.held ? one.node : one;
  const key = keyOf(namespace, uid);
  const there = store.get(key);
  const now = microTime(clock.nowMs());
  if (there === undefined) {
    if (!one.held) return true;
    const made = leaseOf(one.node, { holderIdentity: url(), acquireTime: now, leaseTransitions: 0 });
    const metadata = { ...part(made, 'metadata'), uid: random.uuid(), creationTimestamp: timeText(clock.nowMs()) };
    return (await store.write({ op: 'create', key, uid: metadata.uid, body: bodyOf({ ...made, metadata }) }, signal)).ok;
  }
  const old = there.object();
  const spec = part(old, 'spec');
  const holds = text(spec['holderIdentity']) === url();
  if (holds === one.held) return true;
  const transitions = typeof spec['leaseTransitions'] === 'number' ? spec['leaseTransitions'] + 1 : 0;
  const next = { ...spec, holderIdentity: one.held ? url() : '', acquireTime: now, leaseTransitions: transitions };
  const body = bodyOf({ ...old, spec: next });
  return (await store.write({ op: 'update', key, uid: there.uid, ifRevision: there.revision, body }, signal)).ok;
}

function leaseOf(node: NodeFacts, spec: JsonObject): JsonObject {
  const labels = { [LABEL_CLUSTER]: node.cluster, [LABEL_CLUSTER_UID]: node.clusterUid };
  const owner = { apiVersion: GROUP_VERSION, kind: 'ClusterNode', name: node.name, uid: node.uid };
  return {
    apiVersion: `${GROUP}/v1`,
    kind: 'Lease',
    metadata: { name: PREFIX + node.uid, namespace: node.namespace, labels, ownerReferences: [owner] },
    spec,
  };
}

/** MicroTime of Kubernetes. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
