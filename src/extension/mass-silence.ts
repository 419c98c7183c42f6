/**
 * Watches all sites of the director for a mass silence (src/decide/mass-silence.ts): each server for itself, from its copies.
 *
 * I1: a look costs no call; it goes over the copies once each LIMITS.massSilenceLookMs. What changes less often is kept between looks: with ten
 *     thousand sites, to find each one's nodes and Leases anew was half of what an idle server did.
 * I2: while the copies are not filled nobody is silent.
 * I3: its beginning and its end are logged, and told to the one who listens.
 * I4: when each Lease changed is remembered, of all nodes, whoever works on their clusters: a server that takes one up beside its owner, or after it, else
 *     takes the silent for heard until it has watched for as long as Leases hold, and unsays what the other one says.
 * I5: a node that is proven dead is not silent: two lost machines would else be a mass silence that nobody ends, because nothing is replaced in it.
 */

import { massSilenceOf, NO_SILENCE, watchSites } from '../decide/mass-silence.ts';
import type { MassSilence, SiteSight } from '../decide/mass-silence.ts';
import { deathOf, isLeaving } from '../decide/node-facts.ts';
import { activeConfig } from '../decide/server-config.ts';
import { leaseTtlMs } from '../decide/silence.ts';
import { conditionOf } from '../model/condition.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import type { Cluster } from '../model/cluster.ts';
import { NODE_LEASE_PREFIX } from '../model/labels.ts';
import { LIMITS } from '../model/limits.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Informers, LeaseSeen } from './view.ts';

export interface SilenceWatch {
  /** By the last look. */
  now(): MassSilence;
  /** The Lease of the node with this uid, as seen last. */
  leaseSeen(nodeUid: string): LeaseSeen | undefined;
  run(signal: AbortSignal): Promise<void>;
}

/** `onChange`: a mass silence has begun, or is over. */
export function createSilenceWatch(
  deps: { readonly clock: Clock; readonly log: Log },
  informers: Informers,
  onChange: () => void,
): SilenceWatch {
  const slots = watchLeases(deps.clock, informers);
  const sightOf = watchSight(informers, slots);
  let memory = NO_SILENCE;
  let known: MassSilence = { active: false, near: false, settled: false, silentSites: 0, sites: 0 };
  const look = (): void => {
    const config = activeConfig([...informers.configs.list()]);
    memory = watchSites(memory, sitesOf(informers, sightOf, deps.clock.nowMs(), config.massSilenceSeconds ?? 0), deps.clock.monotonicMs());
    const before = known;
    known = massSilenceOf(memory, config);
    if (known.active !== before.active) say(deps.log, known);
    if (known.active !== before.active || known.near !== before.near || known.settled !== before.settled) onChange();
  };
  return {
    now: () => known,
    leaseSeen: (nodeUid) => {
      const { lease, knownMs, changedMs } = slots.get(nodeUid) ?? {};
      if (lease === undefined || knownMs === undefined || changedMs === undefined) return undefined;
      return { revision: lease.revision, knownMs, changedMs };
    },
    run: async (signal) => {
      while (!signal.aborted) {
        if (informers.clusters.synced() && informers.nodes.synced() && informers.leases.synced()) look();
        await deps.clock.sleep(LIMITS.massSilenceLookMs, signal).catch(() => undefined);
      }
    },
  };
}

function say(log: Log, { active, silentSites, sites }: MassSilence): void {
  const facts = { silentSites, sites };
  if (active)
    log.error('Many sites fell silent at once. That is the network, or this place: nothing is repaired until they are heard again.', facts);
  else log.warn('The sites that fell silent together are heard again, or are few now: repair goes on.', facts);
}

type SeenLease = SiteSight['leases'][number];

/** The Lease of one node, as it was last seen. */
interface Slot {
  lease: SeenLease | undefined;
  /** The Lease was deleted; if there is another one it has a slot of its own. */
  isGone: boolean;
  /** As LeaseSeen has them. */
  knownMs: number | undefined;
  changedMs: number | undefined;
}

interface Site {
  readonly slots: readonly Slot[];
  sight: SiteSight;
}

/** What makes up the site of a cluster now, with the Leases that were last seen of it: the same object as long as nothing of that changed. */
type SightOf = (cluster: Cluster, nowMs: number, windowSeconds: number) => SiteSight;

/** By node uid. */
type Slots = Map<string, Slot>;

function slotIn(slots: Slots, nodeUid: string): Slot {
  const slot = slots.get(nodeUid) ?? { lease: undefined, isGone: false, knownMs: undefined, changedMs: undefined };
  slots.set(nodeUid, slot);
  return slot;
}

function watchLeases(clock: Clock, { leases }: Informers): Slots {
  const slots: Slots = new Map();
  leases.onChange(({ metadata, spec }, gone) => {
    if (!metadata.name.startsWith(NODE_LEASE_PREFIX)) return;
    const uid = metadata.name.slice(NODE_LEASE_PREFIX.length);
    const slot = slotIn(slots, uid);
    const seconds = spec.leaseDurationSeconds;
    const ttlMs = leaseTtlMs(seconds === undefined ? undefined : seconds * 1000);
    const nowMs = clock.monotonicMs();
    slot.knownMs ??= nowMs;
    if (slot.lease?.revision !== metadata.resourceVersion) slot.changedMs = nowMs;
    slot.lease = gone ? undefined : { uid, revision: metadata.resourceVersion, ttlMs };
    slot.isGone = gone;
    if (gone) slots.delete(uid);
  });
  return slots;
}

function watchSight({ clusters, nodes, indexes }: Informers, slots: Slots): SightOf {
  const sites = new Map<string, Site>();
  clusters.onChange(({ metadata }) => void sites.delete(metadata.uid));
  nodes.onChange(({ metadata, spec }, gone) => {
    sites.delete(spec.clusterUid);
    if (gone) slots.delete(metadata.uid);
  });
  return (cluster, nowMs, windowSeconds) => {
    const { metadata, status } = cluster;
    const known = sites.get(metadata.uid);
    if (known !== undefined && isCurrent(known)) return known.sight;
    const kept = known?.slots.some(({ isGone }) => isGone) === true ? undefined : known;
    const members = (): Slot[] =>
      indexes.nodes
        .of(metadata.uid)
        .filter((node) => node.spec.attempt === status?.attempt && isWatched(node))
        .map((node) => slotIn(slots, node.metadata.uid));
    const those = kept?.slots ?? members();
    const seen = those.flatMap(({ lease }) => lease ?? []);
    const sight = { uid: metadata.uid, leases: seen, longSilent: wasLongSilent(cluster, nowMs, windowSeconds) };
    if (kept === undefined) sites.set(metadata.uid, { slots: those, sight });
    else kept.sight = sight;
    return sight;
  };
}

function isWatched(node: ClusterNode): boolean {
  return !isLeaving(node) && deathOf(node) === undefined;
}

function isCurrent({ slots, sight }: Site): boolean {
  let at = 0;
  for (const { lease, isGone } of slots) {
    if (isGone || (lease !== undefined && sight.leases[at] !== lease)) return false;
    if (lease !== undefined) at += 1;
  }
  return at === sight.leases.length;
}

function sitesOf(informers: Informers, sightOf: SightOf, nowMs: number, windowSeconds: number): readonly SiteSight[] {
  const sites: SiteSight[] = [];
  for (const cluster of informers.clusters.list()) {
    if (cluster.status?.availableAt === undefined || cluster.metadata.deletionTimestamp !== undefined) continue;
    sites.push(sightOf(cluster, nowMs, windowSeconds));
  }
  return sites;
}

/** It was said, longer ago than what falls together now could have been. */
function wasLongSilent({ status }: Cluster, nowMs: number, windowSeconds: number): boolean {
  const reachable = conditionOf(status?.conditions, 'Reachable');
  const remediation = conditionOf(status?.conditions, 'RemediationAllowed');
  if (reachable?.status !== 'False' || (remediation?.status === 'False' && remediation.reason === 'MassSilence')) return false;
  return nowMs - Date.parse(reachable.lastTransitionTime) > windowSeconds * 1000 + LIMITS.nodeLeaseTtlMs;
}
