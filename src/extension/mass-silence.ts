/**
 * Watches all sites of the director for a mass silence (src/decide/mass-silence.ts): each server for itself, from its copies.
 *
 * I1: a look costs no call; it goes over the copies once each LIMITS.massSilenceLookMs.
 * I2: while the copies are not filled nobody is silent.
 * I3: its beginning and its end are logged, and told to the one who listens.
 */

import { massSilenceOf, NO_SILENCE, watchSites } from '../decide/mass-silence.ts';
import type { MassSilence, SiteSight } from '../decide/mass-silence.ts';
import { isLeaving } from '../decide/node-facts.ts';
import { activeConfig } from '../decide/server-config.ts';
import { leaseTtlMs } from '../decide/silence.ts';
import { conditionOf } from '../model/condition.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import type { Cluster } from '../model/cluster.ts';
import { nodeLeaseName } from '../model/labels.ts';
import { LIMITS } from '../model/limits.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Informers } from './view.ts';

export interface SilenceWatch {
  /** By the last look. */
  now(): MassSilence;
  run(signal: AbortSignal): Promise<void>;
}

/** `onChange`: a mass silence has begun, or is over. */
export function createSilenceWatch(
  deps: { readonly clock: Clock; readonly log: Log },
  informers: Informers,
  onChange: () => void,
): SilenceWatch {
  let memory = NO_SILENCE;
  let known: MassSilence = { active: false, settled: false, silentSites: 0, sites: 0 };
  const look = (): void => {
    const config = activeConfig([...informers.configs.list()]);
    memory = watchSites(memory, sitesOf(informers, deps.clock.nowMs(), config.massSilenceSeconds ?? 0), deps.clock.monotonicMs());
    const before = known;
    known = massSilenceOf(memory, config);
    if (known.active !== before.active) say(deps.log, known);
    if (known.active !== before.active || known.settled !== before.settled) onChange();
  };
  return {
    now: () => known,
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

function sitesOf(informers: Informers, nowMs: number, windowSeconds: number): readonly SiteSight[] {
  const sites: SiteSight[] = [];
  for (const cluster of informers.clusters.list()) {
    const { status, metadata } = cluster;
    if (status?.availableAt === undefined || metadata.deletionTimestamp !== undefined) continue;
    const nodes = informers.indexes.nodes.of(metadata.uid).filter((node) => node.spec.attempt === status.attempt && !isLeaving(node));
    sites.push({ uid: metadata.uid, leases: leasesOf(informers, nodes), longSilent: wasLongSilent(cluster, nowMs, windowSeconds) });
  }
  return sites;
}

function leasesOf(informers: Informers, nodes: readonly ClusterNode[]): SiteSight['leases'] {
  return nodes.flatMap(({ metadata }) => {
    const lease = informers.leases.get(metadata.namespace ?? '', nodeLeaseName(metadata.uid));
    if (lease === undefined) return [];
    const seconds = lease.spec.leaseDurationSeconds;
    const ttlMs = leaseTtlMs(seconds === undefined ? undefined : seconds * 1000);
    return [{ uid: metadata.uid, revision: lease.metadata.resourceVersion, ttlMs }];
  });
}

/** It was said, longer ago than what falls together now could have been. */
function wasLongSilent({ status }: Cluster, nowMs: number, windowSeconds: number): boolean {
  const reachable = conditionOf(status?.conditions, 'Reachable');
  const remediation = conditionOf(status?.conditions, 'RemediationAllowed');
  if (reachable?.status !== 'False' || (remediation?.status === 'False' && remediation.reason === 'MassSilence')) return false;
  return nowMs - Date.parse(reachable.lastTransitionTime) > windowSeconds * 1000 + LIMITS.nodeLeaseTtlMs;
}
