/**
 * How long this cluster's workers have been ill (src/decide/node-health.ts), kept by the manager while there is any.
 *
 * I1: a director is asked only while a node is ill: what the provider allows, and whether it sees a sign of life that this node does not.
 * I2: asking never holds up the manager; without an answer a director counts as unheard after LIMITS.healthAnswerHoldsMs, and so does what it said of a
 *     node's Lease.
 * I3: without any ServerConfig, or before one was read, the defaults hold.
 */

import type { ClusterView } from '../decide/cluster-view.ts';
import { healthCheckOf, NO_HEALTH, overdueNodes, toAskAbout, watchHealth } from '../decide/node-health.ts';
import type { Illness, SeenLease } from '../decide/node-health.ts';
import type { Standing } from '../decide/presence.ts';
import { activeConfig } from '../decide/server-config.ts';
import { SERVER_CONFIGS } from '../model/addresses.ts';
import { leaseTtlMs } from '../decide/silence.ts';
import { LEASES } from '../model/core-kinds.ts';
import type { Lease } from '../model/core-kinds.ts';
import { isFault } from '../model/fault.ts';
import { nodeLeaseName } from '../model/labels.ts';
import { LIMITS } from '../model/limits.ts';
import { DEFAULT_SERVER_CONFIG } from '../model/server-config.ts';
import type { ServerConfigSpec } from '../model/server-config.ts';
import type { EntityApi } from '../ports/api.ts';
import type { AgentDeps } from './deps.ts';

export interface HealthParts {
  readonly deps: Pick<AgentDeps, 'clock'> & { readonly node: Pick<AgentDeps['node'], 'node' | 'namespace'> };
  readonly api: Pick<EntityApi, 'get' | 'list'>;
  readonly standings: () => ReadonlyMap<string, Standing>;
  /** What runs is being changed. */
  readonly changing: () => boolean;
}

export interface HealthKeeper {
  /** What the extension servers and managers obey, as read last. */
  config(): ServerConfigSpec;
  /** One more look at these nodes (completed by their words). */
  look(view: Pick<ClusterView, 'cluster' | 'nodes'>, signal: AbortSignal): void;
  /** Workers that have been ill for longer than is allowed, by name. */
  overdue(view: Pick<ClusterView, 'cluster' | 'nodes'>): ReadonlyMap<string, Illness>;
  /** Look again after this many ms; undefined: everybody is well. */
  againMs(): number | undefined;
}

/** Forgets everything with the agent: a life that begins counts anew. */
export function keepHealth(parts: HealthParts): HealthKeeper {
  const { deps } = parts;
  let memory = NO_HEALTH;
  let config = DEFAULT_SERVER_CONFIG;
  let configAtMs = -Infinity;
  let askedMs = -Infinity;
  let answeredMs = -Infinity;
  let isAsking = false;
  const leases = new Map<string, SeenLease>();
  /** By uid: when a director said last whether there is a Lease, and which. */
  const saidMs = new Map<string, number>();

  const ask = async (uids: readonly string[], signal: AbortSignal): Promise<void> => {
    const nowMs = deps.clock.monotonicMs();
    if (nowMs - configAtMs >= LIMITS.resyncMs) {
      const configs = await parts.api.list(SERVER_CONFIGS, {}, signal);
      if (configs.ok) config = activeConfig(configs.value.items);
      configAtMs = nowMs;
    }
    for (const uid of uids) {
      const lease = await parts.api.get(LEASES, deps.node.namespace, nodeLeaseName(uid), signal);
      if (lease.ok) leases.set(uid, seenLease(lease.value));
      if (lease.ok || lease.reason === 'NotFound') saidMs.set(uid, deps.clock.monotonicMs());
    }
    // An answer shows that there is a director, whatever it says.
    if (configAtMs === nowMs || uids.length > 0) answeredMs = deps.clock.monotonicMs();
  };
  const askSoon = (signal: AbortSignal): void => {
    const nowMs = deps.clock.monotonicMs();
    if (isAsking || memory.ill.size === 0 || nowMs - askedMs < LIMITS.healthAskMs) return;
    askedMs = nowMs;
    isAsking = true;
    ask(toAskAbout(memory), signal)
      .catch((cause: unknown) => {
        if (!signal.aborted && !isFault(cause)) throw cause;
      })
      .finally(() => (isAsking = false));
  };

  return {
    config: () => config,
    look: ({ cluster, nodes }, signal) => {
      const nowMs = deps.clock.monotonicMs();
      memory = watchHealth(memory, {
        self: deps.node.node,
        monotonicMs: nowMs,
        nodes: nodes.filter((node) => node.spec.attempt === cluster.status?.attempt),
        standings: parts.standings(),
        directorHeard: holds(answeredMs, nowMs),
        changing: parts.changing(),
        leases,
        answered: new Set([...saidMs.keys()].filter((uid) => holds(saidMs.get(uid), nowMs))),
      });
      for (const map of [leases, saidMs]) for (const uid of map.keys()) if (!memory.ill.has(uid)) map.delete(uid);
      askSoon(signal);
    },
    overdue: ({ cluster, nodes }) => overdueNodes(memory, nodes, healthCheckOf(cluster, config)),
    againMs: () => (memory.ill.size === 0 ? undefined : LIMITS.healthTickMs),
  };
}

/** What was answered then counts still. */
function holds(answeredMs: number | undefined, nowMs: number): boolean {
  return answeredMs !== undefined && nowMs - answeredMs < LIMITS.healthAnswerHoldsMs;
}

function seenLease({ metadata, spec }: Lease): SeenLease {
  const { leaseDurationSeconds: seconds } = spec;
  return { revision: metadata.resourceVersion, ttlMs: leaseTtlMs(seconds === undefined ? undefined : seconds * 1000) };
}
