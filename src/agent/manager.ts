/**
 * The manager's duties (src/decide/manager.ts), carried out by the primary's agent: it needs the director and a host, and no extension server.
 *
 * I1: it acts only while this node may, by its membership; what destroys is decided on a live read.
 * I2: effects are carried out in their order until one is not answered `ok`; then all is decided anew.
 * I3: losing an Event matters to nobody.
 */

import { assert } from '../base/assert.ts';
import type { ChangeView } from '../decide/change-words.ts';
import type { ClusterView, Decision } from '../decide/cluster-view.ts';
import { isDestructive } from '../decide/effect.ts';
import type { Effect, WriteEffect } from '../decide/effect.ts';
import { decideManager } from '../decide/manager.ts';
import { NO_OBSERVATIONS, observe } from '../decide/observation.ts';
import { soonest } from '../decide/outcome.ts';
import { namesOf } from '../decide/presence.ts';
import { requestOf } from '../decide/request.ts';
import { CLUSTER_NODES, CLUSTER_RELEASES, CLUSTERS, SITES, VIRTUAL_DATA_CENTERS } from '../model/addresses.ts';
import type { Cluster } from '../model/cluster.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import type { ClusterRelease } from '../model/cluster-release.ts';
import { Fault } from '../model/fault.ts';
import { LABEL_CLUSTER_UID } from '../model/labels.ts';
import { LIMITS } from '../model/limits.ts';
import type { Site } from '../model/site.ts';
import type { VirtualDataCenter } from '../model/virtual-data-center.ts';
import type { Answer, EntityApi } from '../ports/api.ts';
import type { AgentDeps } from './deps.ts';
import type { Following } from './following.ts';
import { keepHealth } from './health.ts';
import type { HealthKeeper } from './health.ts';
import type { Memory } from './memory.ts';
import { pokeLoop } from './poke-loop.ts';
import { sayEvent } from './say-event.ts';
import type { Sight } from './sight.ts';
import { knownSpec, obeySpec } from './spec-memory.ts';

export interface ManagerParts {
  readonly deps: AgentDeps;
  readonly api: EntityApi;
  readonly following: Following;
  readonly memory: Memory;
  readonly sight: Pick<Sight, 'completed' | 'standings'>;
  /** The Site that the cluster's spec names, as seen last. */
  readonly site: () => Site | undefined;
  /** The term under which this node manages; undefined: it does not. */
  readonly term: () => number | undefined;
  /** How the change of what runs stands; undefined: there is no cluster plan yet. */
  readonly change: () => ChangeView | undefined;
}

export interface ManagerLoop {
  poke(): void;
  settled(): Promise<void>;
}

/** Changes come in bursts; one decision for each burst is enough. */
const EVERY_MS = 250;
const FIRST_REQUEUE_MS = 100;

/** Manages until the signal aborts. */
export function manage(parts: ManagerParts, signal: AbortSignal): ManagerLoop {
  const { deps } = parts;
  const health = healthOf(parts);
  let seen = NO_OBSERVATIONS;
  let refusal: string | undefined;
  let settled: string | undefined;
  let requeue: AbortController | undefined;

  const decide = (view: ClusterView, term: number): Decision => {
    const spec = knownSpec(parts.memory);
    const change = parts.change();
    const known = { ...(spec === undefined ? {} : { spec }), ...(change === undefined ? {} : { change }) };
    const standings = parts.sight.standings();
    const heard = { unheard: namesOf(standings, 'Down'), silent: namesOf(standings, 'Silent'), overdue: health.overdue(view) };
    const decision = decideManager(view, { node: deps.node.node, term, ...heard, ...known });
    seen = observe(seen, decision.watching, view.monotonicMs);
    return decision;
  };
  const base = () => ({
    config: health.config(),
    nowMs: deps.clock.nowMs(),
    monotonicMs: deps.clock.monotonicMs(),
    seen,
    dice: deps.random.float(),
    ...(refusal === undefined ? {} : { refusal }),
  });
  const wakeIn = (ms: number | undefined): void => {
    requeue?.abort();
    if (ms === undefined) return;
    const own = new AbortController();
    requeue = own;
    void deps.clock.sleep(Math.max(ms, FIRST_REQUEUE_MS), AbortSignal.any([signal, own.signal])).then(
      () => loop.poke(),
      () => undefined,
    );
  };
  const once = async (work: AbortSignal): Promise<void> => {
    const term = parts.term();
    const cached = term === undefined ? undefined : cachedView(parts, base());
    if (term === undefined || cached === undefined) return;
    health.look(cached, signal);
    let view: ClusterView = cached;
    let decision = decide(view, term);
    // Only the status is decided on copies: whatever takes or gives capacity needs its VirtualDataCenter, which is read, not followed.
    if (decision.needsLive || isCapacityAsked(cached) || membersOf(cached) !== settled) {
      const live = await liveView(parts, base, work);
      if (live === undefined) return;
      view = live;
      decision = decide(view, term);
      // With nothing left to do for these members, capacity comes into it again only when they change.
      settled = decision.effects.length === 0 ? membersOf(live) : undefined;
    }
    // An older one was not obeyed by the decision either.
    if (view.live) await obeySpec(parts.memory, view.cluster, true);
    refusal = await carryOut(parts, decision.effects, view.live, work);
    wakeIn(soonest([refusal === undefined ? decision.requeueAfterMs : LIMITS.resyncMs / 6, health.againMs()]).requeueAfterMs);
  };
  const loop = pokeLoop(deps, { what: 'Managing the cluster', everyMs: EVERY_MS, resyncMs: LIMITS.resyncMs }, once, signal);
  return loop;
}

function healthOf({ deps, api, sight, change }: ManagerParts): HealthKeeper {
  return keepHealth({ deps, api, standings: sight.standings, changing: () => (change()?.plan.state ?? 'Steady') !== 'Steady' });
}

/** Workers differ from what is asked for, or one is leaving: then the capacity comes into it. */
function isCapacityAsked({ cluster, nodes }: ClusterView): boolean {
  const mine = nodes.filter((node) => node.spec.attempt === cluster.status?.attempt && node.spec.index > 0);
  return (
    mine.length !== cluster.spec.workers || mine.some((node) => node.spec.retired === true || node.metadata.deletionTimestamp !== undefined)
  );
}

/** Which nodes there are, of which generation: while it is unchanged, so is what is reserved for them. */
function membersOf({ cluster, nodes }: ClusterView): string {
  const names = nodes.map((node) => node.metadata.uid).sort();
  return `${cluster.metadata.generation ?? 0} ${names.join(' ')}`;
}

type ViewBase = Omit<ClusterView, 'live' | 'cluster' | 'nodes' | 'virtualDataCenter' | 'release' | 'site'>;

function cachedView({ following, site, sight }: ManagerParts, base: ViewBase): ClusterView | undefined {
  const cluster = following.cluster();
  const nodes = following.nodes();
  if (cluster === undefined || nodes === undefined || cluster.status?.availableAt === undefined) return undefined;
  const release = following.release(cluster.spec.release);
  const named = site();
  return {
    ...base,
    live: false,
    cluster,
    nodes: sight.completed(nodes),
    ...(release === undefined ? {} : { release }),
    ...(named === undefined ? {} : { site: named }),
  };
}

/** Read one after the other, the VirtualDataCenter first: the order is part of the proof (src/decide/cluster-view.ts). */
async function liveView(
  { deps, api, following, sight }: ManagerParts,
  base: () => ViewBase,
  signal: AbortSignal,
): Promise<ClusterView | undefined> {
  const { namespace, cluster: name, clusterUid } = deps.node;
  const known = following.cluster();
  if (known === undefined) return undefined;
  const vdc = found(await api.get<VirtualDataCenter>(VIRTUAL_DATA_CENTERS, namespace, known.spec.virtualDataCenter, signal));
  const site = known.spec.site === undefined ? undefined : found(await api.get<Site>(SITES, namespace, known.spec.site, signal));
  const cluster = found(await api.get<Cluster>(CLUSTERS, namespace, name, signal));
  if (cluster === undefined || cluster.metadata.uid !== clusterUid) return undefined;
  const listed = await api.list<ClusterNode>(CLUSTER_NODES, { namespace, labelSelector: `${LABEL_CLUSTER_UID}=${clusterUid}` }, signal);
  if (!listed.ok) throw new Fault('DirectorRefused', listed.message);
  const release =
    following.release(cluster.spec.release) ?? found(await api.get<ClusterRelease>(CLUSTER_RELEASES, '', cluster.spec.release, signal));
  return {
    ...base(),
    live: true,
    cluster,
    nodes: sight.completed(listed.value.items),
    ...(vdc === undefined ? {} : { virtualDataCenter: vdc }),
    ...(site === undefined ? {} : { site }),
    ...(release === undefined ? {} : { release }),
  };
}

function found<T>(answer: Answer<T>): T | undefined {
  if (answer.ok) return answer.value;
  if (answer.reason === 'NotFound') return undefined;
  throw new Fault('DirectorRefused', answer.message);
}

/** Returns why the director refused for good; undefined: it did not. A lost compare-and-swap is neither: the change that won brings us back. */
async function carryOut(parts: ManagerParts, effects: readonly Effect[], live: boolean, signal: AbortSignal): Promise<string | undefined> {
  for (const effect of effects) {
    if (effect.kind === 'RecordEvent') {
      void sayEvent(parts.deps, parts.api, effect, signal);
      continue;
    }
    assert(live || !isDestructive(effect), `${effect.kind} was decided on a cached view`);
    const answer = await call(parts, effect, signal);
    parts.deps.log.info(`${effect.kind} ${answer.ok ? 'done' : answer.reason}.`, answer.ok ? {} : { why: answer.message });
    if (answer.ok || (answer.reason === 'AlreadyExists' && effect.kind === 'CreateNode')) continue;
    if (answer.reason === 'Conflict' || answer.reason === 'NotFound')
      throw new Fault('Overloaded', `${effect.kind} was overtaken by another write.`);
    return answer.message;
  }
  return undefined;
}

async function call({ api, following }: ManagerParts, effect: WriteEffect, signal: AbortSignal): Promise<Answer<unknown>> {
  const request = requestOf(effect);
  switch (request.verb) {
    case 'create':
      return await api.create(request.address, request.namespace, request.object, signal);
    case 'delete':
      return await api.delete(request.address, request.namespace, request.name, request.preconditions, signal);
    default: {
      const { address, namespace, name, patch, subresource } = request;
      const answer = await api.mergePatch(address, namespace, name, patch, signal, subresource);
      if (answer.ok && address === CLUSTERS) following.learnCluster(answer.value as Cluster);
      return answer;
    }
  }
}
