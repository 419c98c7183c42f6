/**
 * The sweep: nodes, reservations and plugs of sites whose cluster is gone, namespace by namespace.
 *
 * Almost always there are none: only a server that was paused in the middle of a write leaves any.
 *
 * I1: what is swept is decided on a live view, read in the order VirtualDataCenters, nodes, sites, clusters (src/decide/sweep.ts).
 * I2: a namespace is looked at when anything of it changed, while something there is timed, and at every resync: to go over everything that stands
 *     every two seconds would be most of what an idle server does.
 */

import type { Decision } from '../decide/cluster-view.ts';
import { NO_OBSERVATIONS, observe } from '../decide/observation.ts';
import type { Observations } from '../decide/observation.ts';
import { activeConfig } from '../decide/server-config.ts';
import { decideSweep } from '../decide/sweep.ts';
import type { SweepView } from '../decide/sweep.ts';
import { CLUSTERS, CLUSTER_NODES, SITES, VIRTUAL_DATA_CENTERS } from '../model/addresses.ts';
import type { ResourceAddress } from '../model/core-kinds.ts';
import { Fault, isFault } from '../model/fault.ts';
import type { EntityApi } from '../ports/api.ts';
import { carryOut } from './act.ts';
import type { ReconcileDeps } from './reconcile.ts';
import type { Informers } from './view.ts';

const LOOK_MS = 2_000;

/** Sweeps the namespaces that `mine` says are this server's; `resyncMs` as it is now. */
export async function sweepForever(
  deps: ReconcileDeps,
  { mine, resyncMs }: { readonly mine: (key: string) => boolean; readonly resyncMs: () => number },
  signal: AbortSignal,
): Promise<void> {
  const memories = new Map<string, Memory>();
  const touched = touchedNamespaces(deps.informers);
  const sweepAndNote = async (namespace: string, before: Observations, nowMs: number): Promise<void> => {
    const seen = await sweep(deps, namespace, before, signal);
    if (seen === undefined) touched.now.add(namespace);
    else memories.set(namespace, { seen, sweptMs: nowMs });
  };
  while (!signal.aborted) {
    const { clusters, nodes, sites, virtualDataCenters } = deps.informers;
    const synced = clusters.synced() && nodes.synced() && sites.synced() && virtualDataCenters.synced();
    for (const namespace of synced ? touched.all : []) {
      const known = memories.get(namespace);
      const nowMs = deps.clock.monotonicMs();
      if (!mine(`sweep/${namespace}`)) memories.delete(namespace);
      else if (isDue(known, nowMs, resyncMs()) || touched.now.has(namespace)) {
        touched.now.delete(namespace);
        await sweepAndNote(namespace, known?.seen ?? NO_OBSERVATIONS, nowMs);
      }
    }
    await deps.clock.sleep(LOOK_MS, signal).catch(() => undefined);
  }
}

interface Memory {
  readonly seen: Observations;
  /** When it was last looked at (monotonic). */
  readonly sweptMs: number;
}

function isDue(known: Memory | undefined, nowMs: number, resyncMs: number): boolean {
  return known === undefined || known.seen.size > 0 || nowMs - known.sweptMs >= resyncMs;
}

interface Touched {
  /** Where something changed since the last sweep. */
  readonly now: Set<string>;
  /** Where there ever was something that a sweep looks at. */
  readonly all: ReadonlySet<string>;
}

function touchedNamespaces({ clusters, nodes, sites, virtualDataCenters }: Informers): Touched {
  const [now, all] = [new Set<string>(), new Set<string>()];
  const touch = ({ metadata }: { readonly metadata: { readonly namespace?: string } }): void => {
    now.add(metadata.namespace ?? '');
    all.add(metadata.namespace ?? '');
  };
  for (const copy of [clusters, nodes, sites, virtualDataCenters]) {
    for (const object of copy.list()) touch(object);
    copy.onChange(touch);
  }
  return { now, all };
}

/** Undefined: the director did not answer; it is looked at again soon. */
async function sweep(deps: ReconcileDeps, namespace: string, seen: Observations, signal: AbortSignal): Promise<Observations | undefined> {
  try {
    const cached = cachedView(deps, namespace, seen);
    const first = decideSweep(cached);
    const watched = observe(seen, first.watching, cached.monotonicMs);
    if (!first.needsLive) return watched;
    const live = await liveView(deps, namespace, watched, signal);
    const decision: Decision = decideSweep(live);
    await carryOut(deps, decision.effects, true, signal);
    return observe(watched, decision.watching, live.monotonicMs);
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    if (signal.aborted) return undefined;
    deps.log.warn(`Namespace ${namespace} could not be swept: ${cause.message}`);
    return undefined;
  }
}

function cachedView(deps: ReconcileDeps, namespace: string, seen: Observations): SweepView {
  const { clusters, nodes, sites, virtualDataCenters } = deps.informers;
  const within = <T extends { readonly metadata: { readonly namespace?: string } }>(all: Iterable<T>): T[] => {
    const found: T[] = [];
    for (const one of all) if (one.metadata.namespace === namespace) found.push(one);
    return found;
  };
  return {
    live: false,
    virtualDataCenters: within(virtualDataCenters.list()),
    nodes: within(nodes.list()),
    sites: within(sites.list()),
    clusters: within(clusters.list()),
    monotonicMs: deps.clock.monotonicMs(),
    seen,
    orphanMs: orphanMsOf(deps),
  };
}

function orphanMsOf({ informers }: ReconcileDeps): number {
  return activeConfig([...informers.configs.list()]).orphanSeconds * 1000;
}

async function liveView(deps: ReconcileDeps, namespace: string, seen: Observations, signal: AbortSignal): Promise<SweepView> {
  const virtualDataCenters = await listed(deps.api, VIRTUAL_DATA_CENTERS, namespace, signal);
  const nodes = await listed(deps.api, CLUSTER_NODES, namespace, signal);
  const sites = await listed(deps.api, SITES, namespace, signal);
  const clusters = await listed(deps.api, CLUSTERS, namespace, signal);
  return {
    live: true,
    virtualDataCenters,
    nodes,
    sites,
    clusters,
    monotonicMs: deps.clock.monotonicMs(),
    seen,
    orphanMs: orphanMsOf(deps),
  };
}

async function listed<T>(api: EntityApi, address: ResourceAddress<T>, namespace: string, signal: AbortSignal): Promise<readonly T[]> {
  const answer = await api.list(address, { namespace }, signal);
  if (!answer.ok) throw new Fault('DirectorRefused', `${address.plural} in ${namespace} cannot be listed: ${answer.message}`);
  return answer.value.items;
}
