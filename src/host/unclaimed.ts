/**
 * What a host asks and says about nodes that run on it and are not one of the director's.
 *
 * I1: nothing is asked of a cache: the tombstone and the person's word are read live, for the very step that follows from them.
 * I2: an answer that cannot be had proves nothing: the node goes on.
 */

import { hash32 } from '../base/ring.ts';
import { nodeLogFields } from '../decide/log-fields.ts';
import { unclaimedNode } from '../decide/unclaimed.ts';
import { CLUSTERS, HOSTS } from '../model/addresses.ts';
import type { Cluster } from '../model/cluster.ts';
import { EVENTS } from '../model/core-kinds.ts';
import type { EventReason } from '../model/event-reason.ts';
import { isFault } from '../model/fault.ts';
import type { Host, UnclaimedNode, UnclaimedReason } from '../model/host.ts';
import { isJsonObject } from '../model/json.ts';
import { ANNOTATION_DISCARD } from '../model/labels.ts';
import type { HostDeps } from './deps.ts';
import type { NodeRecord } from './records.ts';

/** Namespace of what belongs to the control plane itself. */
const SYSTEM_NAMESPACE = 'outrigger-system';
const REASON: EventReason = 'NodeUnclaimed';
const TOMBSTONES = '/outrigger/v1/tombstones';

/** What decides over a node that the director does not have as ours (`DutyView`). */
export interface StrayFacts {
  readonly buried: boolean;
  readonly discarded: boolean;
}

/** Throws `Fault` when no director answers. */
export async function strayFacts(deps: HostDeps, nodeUid: string, signal: AbortSignal): Promise<StrayFacts> {
  const host = await deps.api.get<Host>(HOSTS, '', deps.name, signal);
  return {
    buried: await isBuried(deps, nodeUid, signal),
    discarded: host.ok && discardedUids(host.value).includes(nodeUid),
  };
}

/** Uids that a person wants stopped here. */
export function discardedUids(host: Host | undefined): readonly string[] {
  const asked = host?.metadata.annotations?.[ANNOTATION_DISCARD] ?? '';
  return asked
    .split(',')
    .map((uid) => uid.trim())
    .filter((uid) => uid !== '');
}

/** Whether the director holds the tombstone of this uid. One that does not know the path, or us, proves nothing. */
async function isBuried(deps: HostDeps, nodeUid: string, signal: AbortSignal): Promise<boolean> {
  const answer = await deps.api.post(TOMBSTONES, { uids: [nodeUid] }, signal);
  if (!answer.ok || !isJsonObject(answer.value)) return false;
  const shown = answer.value['tombstones'];
  return Array.isArray(shown) && shown.some((one) => isJsonObject(one) && one['uid'] === nodeUid);
}

/** The nodes that are unclaimed, with what is said of them. */
export interface UnclaimedBook {
  /** True when that is news. */
  note(record: NodeRecord, why: UnclaimedReason, signal: AbortSignal): Promise<boolean>;
  /** It is one of the director's, or gone. True when that is news. */
  drop(nodeUid: string): boolean;
  all(): readonly UnclaimedNode[];
}

export function openUnclaimedBook(deps: HostDeps): UnclaimedBook {
  const book = new Map<string, UnclaimedNode>();
  return {
    note: async (record, why, signal) => {
      const cluster = await deps.api.get<Cluster>(CLUSTERS, record.namespace, record.cluster, signal);
      const next = unclaimedNode(deps.name, record, why, cluster.ok && cluster.value.metadata.uid === record.clusterUid);
      if (book.get(record.nodeUid)?.message === next.message) return false;
      book.set(record.nodeUid, next);
      deps.log.warn(next.message ?? '', nodeLogFields(record));
      const host = await deps.api.get<Host>(HOSTS, '', deps.name, signal);
      if (host.ok) await sayUnclaimed(deps, host.value, next.message ?? '', signal);
      return true;
    },
    drop: (nodeUid) => book.delete(nodeUid),
    all: () => [...book.values()].sort((a, b) => (a.uid < b.uid ? -1 : 1)),
  };
}

/** About this host. Losing it matters to nobody; the same one said again is the same name, and is refused as known. */
async function sayUnclaimed(deps: HostDeps, host: Host, message: string, signal: AbortSignal): Promise<void> {
  const { name, uid } = host.metadata;
  const digest = hash32(`${uid} ${message}`).toString(16).padStart(8, '0');
  const now = new Date(deps.clock.nowMs()).toISOString().replace(/\.\d+Z$/, 'Z');
  const event = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name}.${digest}`, namespace: SYSTEM_NAMESPACE },
    involvedObject: { apiVersion: `${HOSTS.group}/${HOSTS.version}`, kind: 'Host', name, uid },
    type: 'Warning',
    reason: REASON,
    message,
    count: 1,
    firstTimestamp: now,
    lastTimestamp: now,
    source: { component: `host-${deps.name}` },
  };
  try {
    await deps.api.create(EVENTS, SYSTEM_NAMESPACE, event, signal);
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    deps.log.debug('An event was lost', { error: cause });
  }
}
