/**
 * An agent in virtual time: joins, plans, supervises its services, reports, and manages when it is the primary.
 *
 * Plan, supervision, authority and management are the product's (src/decide); its manager acts by the extension server's own carryOut and
 * live view. It keeps on its machine's disk what the product keeps in the node store.
 */

import { canonicalJson } from '../src/base/canonical.ts';
import { bornMembership, mayRunSingletons, memberId } from '../src/decide/authority.ts';
import type { ClusterView } from '../src/decide/cluster-view.ts';
import { decideManager } from '../src/decide/manager.ts';
import { NO_OBSERVATIONS, observe } from '../src/decide/observation.ts';
import type { Observations } from '../src/decide/observation.ts';
import type { AgentStatus } from '../src/decide/agent-duty.ts';
import { keyText } from '../src/decide/cluster-plan.ts';
import type { ClusterPlan } from '../src/decide/cluster-plan.ts';
import type { SpecMemory } from '../src/decide/spec-age.ts';
import type { NodePlan } from '../src/decide/plan.ts';
import { carryOut } from '../src/extension/act.ts';
import { CLUSTER_NODES, CLUSTERS, SITES, VIRTUAL_DATA_CENTERS } from '../src/model/addresses.ts';
import type { ClusterNode } from '../src/model/cluster-node.ts';
import type { ClusterRelease } from '../src/model/cluster-release.ts';
import type { Cluster } from '../src/model/cluster.ts';
import { isFault } from '../src/model/fault.ts';
import type { JsonObject } from '../src/model/json.ts';
import { LABEL_CLUSTER_UID } from '../src/model/labels.ts';
import type { Site } from '../src/model/site.ts';
import type { SiteKeeper } from '../src/agent/site-keeper.ts';
import type { VirtualDataCenter } from '../src/model/virtual-data-center.ts';
import type { EntityApi } from '../src/ports/api.ts';
import { simulatedApi } from './api.ts';
import { inBursts } from './burst.ts';
import { startChange } from './change.ts';
import type { SimChange } from './change.ts';
import { cutLeftMs, lagMs } from './faults.ts';
import { judgeVouches } from './health-checks.ts';
import { startHealth } from './health.ts';
import type { SimHealth } from './health.ts';
import type { Machine } from './machine-state.ts';
import { clockOf, later, logOf, monotonicMs, startLife } from './process.ts';
import type { Life } from './process.ts';
import { readyOf, tellPods } from './node-pods.ts';
import { createPods } from './pods.ts';
import type { Pods } from './pods.ts';
import { renewLease } from './renew-lease.ts';
import { startSiteKeeper } from './site-agent.ts';
import { violate } from './world.ts';
import type { World } from './world.ts';

/** A manager looks again at what it could not do. */
const MANAGE_MS = 30_000;
/** As EVERY_MS of src/agent/manager.ts. */
const BURST_MS = 250;

interface Agent {
  readonly world: World;
  readonly machine: Machine;
  readonly life: Life;
  readonly api: EntityApi;
  readonly pods: Pods;
  /** Undefined: nobody in this world speaks of Sites, or it is a worker, which never comes to write any. */
  site: SiteKeeper | undefined;
  known: Known | undefined;
  readonly change: SimChange;
  readonly health: SimHealth;
  seen: Observations;
  isReporting: boolean;
  isManaging: boolean;
  readonly manageSoon: () => void;
  /** Something changed while it managed. */
  manageAgain: boolean;
  reported: string;
  /** What the other nodes were told last. */
  said: string;
  /** The newest report that was answered. */
  sent: JsonObject | undefined;
  refreshPlanned: boolean;
  /** Revision of the own node that was last compared with what was sent. */
  compared: string | undefined;
}

/** What the agent last read of its cluster. */
interface Known {
  readonly cluster: Cluster | undefined;
  readonly nodes: readonly ClusterNode[];
  readonly release: ClusterRelease | undefined;
  readonly vdc: VirtualDataCenter | undefined;
  /** The one that spec.site names; on a copy: as its keeper follows it. */
  readonly site: Site | undefined;
}

export function startAgent(world: World, machine: Machine): void {
  const life = startLife(machine.agent, world.scheduler);
  const api = simulatedApi(world, life);
  const pods = createPods(world, machine, life, () => reportSoon(agent));
  const agent: Agent = {
    world,
    machine,
    life,
    api,
    pods,
    change: startChange({
      world,
      machine,
      life,
      known: () => agent.known,
      ready: () => readyOf(pods),
      onPlan: () => {
        tellPods(agent.pods, machine, agent.known);
        reportSoon(agent);
        agent.manageSoon();
      },
    }),
    health: startHealth({
      world,
      machine,
      life,
      api,
      nodes: () => agent.known?.nodes ?? [],
      changing: () => (agent.change.view()?.plan.state ?? 'Steady') !== 'Steady',
      again: () => manage(agent),
    }),
    site: undefined,
    known: undefined,
    seen: NO_OBSERVATIONS,
    isReporting: false,
    isManaging: false,
    manageSoon: inBursts(life, BURST_MS, () => manage(agent)),
    manageAgain: false,
    reported: '',
    said: '',
    sent: undefined,
    refreshPlanned: false,
    compared: undefined,
  };
  world.store.onCommit((commit) => {
    if (!life.over && concerns(machine, commit.object, commit.plural)) refreshSoon(agent);
  });
  if (world.connectionServers.size > 0 && machine.role === 'Primary') agent.site = keeperOf(agent);
  join(agent);
  refreshSoon(agent);
  renewLease(agent);
}

/** Works from the agent's birth: pairing is the last step of creation. One that is replaced writes nothing any more. */
function keeperOf(agent: Agent): SiteKeeper {
  const { world, machine, life, api } = agent;
  const term = (): number | undefined => {
    const { membership } = machine.disk;
    const node = agent.known?.nodes.find((one) => one.metadata.uid === machine.nodeUid);
    if (membership === undefined || node === undefined || node.spec.incarnation > machine.incarnation) return undefined;
    return mayRunSingletons(membership, self(agent)) ? membership.term : undefined;
  };
  return startSiteKeeper({ world, machine, life, api, cluster: () => agent.known?.cluster, term, onChange: () => refreshSoon(agent) });
}

function concerns(
  machine: Machine,
  object: { metadata: { uid: string; name: string; labels?: Readonly<Record<string, string>> } },
  plural: string,
): boolean {
  if (plural === 'clusters') return object.metadata.uid === machine.clusterUid;
  if (plural === 'clusternodes') return object.metadata.labels?.[LABEL_CLUSTER_UID] === machine.clusterUid;
  return plural === 'clusterreleases' || plural === 'virtualdatacenters';
}

/** Joins once in the life of the machine's disk; then it is a member, director or not. */
function join(agent: Agent): void {
  const { machine, world } = agent;
  if (machine.disk.isMember) return;
  const body = { namespace: machine.namespace, node: machine.node, uid: machine.nodeUid, incarnation: machine.incarnation };
  world.scheduler.touch();
  agent.api.post('/outrigger/v1/join', body, agent.life.controller.signal).then(
    (answer) => {
      if (answer.ok) joined(agent);
      else later(agent.life, 5_000, () => join(agent));
    },
    () => void later(agent.life, 1_000, () => join(agent)),
  );
}

/** Its term begins above the recorded one, so that is read live: a guess of 0 would make a primary that nobody listens to. */
function joined(agent: Agent): void {
  const { machine, life, world } = agent;
  world.scheduler.touch();
  agent.api.get(CLUSTERS, machine.namespace, machine.cluster, life.controller.signal).then(
    (answer) => {
      if (!answer.ok) {
        later(life, 2_000, () => joined(agent));
        return;
      }
      const self = { uid: machine.nodeUid, incarnation: machine.incarnation, role: machine.role };
      machine.disk.isMember = true;
      machine.disk.membership = bornMembership(self, answer.value.status?.term ?? 0, '');
      refreshSoon(agent);
    },
    () => void later(life, 1_000, () => joined(agent)),
  );
}

function refreshSoon(agent: Agent): void {
  if (agent.refreshPlanned) return;
  agent.refreshPlanned = true;
  const { world, life } = agent;
  const nowMs = world.scheduler.nowMs();
  const waitMs =
    cutLeftMs(world.faults, life.process.name, nowMs) + lagMs(world.faults, life.process.name, 'clusters', nowMs, life.process.dice);
  later(life, waitMs, () => {
    agent.refreshPlanned = false;
    refresh(agent);
  });
}

function refresh(agent: Agent): void {
  const { world, machine } = agent;
  const cluster = world.store.get('clusters', machine.namespace, machine.cluster) as Cluster | undefined;
  const mine = cluster?.metadata.uid === machine.clusterUid ? cluster : undefined;
  const nodes = (world.store.list('clusternodes') as readonly ClusterNode[]).filter((node) => node.spec.clusterUid === machine.clusterUid);
  const release = world.store.get('clusterreleases', '', mine?.spec.release ?? '') as ClusterRelease | undefined;
  const vdc = world.store.get('virtualdatacenters', machine.namespace, mine?.spec.virtualDataCenter ?? '') as VirtualDataCenter | undefined;
  // A keeper looks every few seconds by itself; at once it looks only for what it goes by.
  const [was, is] = [agent.known?.cluster?.metadata, mine?.metadata];
  agent.known = { cluster: mine, nodes, release, vdc, site: undefined };
  if (was?.generation !== is?.generation || was?.deletionTimestamp !== is?.deletionTimestamp) agent.site?.poke();
  // An older report may have overtaken the newest: what the director shows counts, not what was sent.
  const node = nodes.find((one) => one.metadata.uid === machine.nodeUid);
  const shown = node?.status?.agent;
  if (shown !== undefined && node?.metadata.resourceVersion !== agent.compared && canonicalJson(shown) !== canonicalJson(agent.sent))
    agent.reported = '';
  agent.compared = node?.metadata.resourceVersion;
  tellPods(agent.pods, machine, agent.known);
  agent.change.poke();
  reportSoon(agent);
  agent.manageSoon();
}

function self(agent: Agent): string {
  return memberId(agent.machine.nodeUid, agent.machine.incarnation);
}

// ---- reports ----------------------------------------------------------------------------------------------------------------------------

/** Newest wins: one report on the way at a time. */
function reportSoon(agent: Agent): void {
  const { machine } = agent;
  if (!machine.disk.isMember) return;
  const section = sectionOf(agent);
  const text = JSON.stringify(section);
  if (text !== agent.said) {
    agent.said = text;
    agent.change.said(section as unknown as AgentStatus);
    agent.change.poke();
  }
  if (agent.isReporting) return;
  if (text === agent.reported) return;
  agent.isReporting = true;
  agent.world.scheduler.touch();
  const node = agent.known?.nodes.find((one) => one.metadata.uid === machine.nodeUid);
  // The director refuses what an older incarnation says; its certificate names it.
  const isFenced = node !== undefined && node.spec.incarnation > machine.incarnation;
  const patch: JsonObject = { metadata: { uid: machine.nodeUid }, status: { role: machine.role, agent: section } };
  const finish = (ok: boolean): void => {
    agent.isReporting = false;
    if (ok) {
      agent.reported = text;
      agent.sent = section;
    }
    later(agent.life, ok ? 50 : 3_000, () => reportSoon(agent));
  };
  if (isFenced) {
    agent.isReporting = false;
    return;
  }
  agent.api.mergePatch(CLUSTER_NODES, machine.namespace, machine.node, patch, agent.life.controller.signal, 'status').then(
    (answer) => finish(answer.ok),
    () => finish(false),
  );
}

function sectionOf(agent: Agent): JsonObject {
  const services = agent.pods.reports();
  const { kept } = agent.machine.disk;
  const plan = kept['plan'] as NodePlan | undefined;
  const clusterPlan = kept['clusterPlan'] as ClusterPlan | undefined;
  const spec = kept['spec'] as SpecMemory | undefined;
  const isReady = plan !== undefined && plan.services.every((service) => services[service.name] !== undefined);
  return {
    incarnation: agent.machine.incarnation,
    ...(spec?.availableAt === undefined ? {} : { availableAt: spec.availableAt }),
    phase: isReady ? 'Ready' : 'Joined',
    ...(plan === undefined ? {} : { release: plan.release, observedGeneration: plan.generation }),
    ...(clusterPlan === undefined ? {} : { plan: keyText(clusterPlan) }),
    ...(plan?.content === undefined ? {} : { content: plan.content }),
    services,
  };
}

// ---- the manager --------------------------------------------------------------------------------------------------------------------------

function manage(agent: Agent): void {
  const { machine, world, life } = agent;
  const membership = machine.disk.membership;
  if (agent.isManaging) agent.manageAgain = true;
  if (agent.isManaging || membership === undefined || !mayRunSingletons(membership, self(agent))) return;
  const cached = viewOf(agent, agent.known === undefined ? undefined : { ...agent.known, site: agent.site?.site() }, false);
  if (cached === undefined) return;
  agent.health.look(cached, life.controller.signal);
  agent.health.tick();
  const change = agent.change.view();
  const spec = machine.disk.kept['spec'] as SpecMemory | undefined;
  const manager = {
    node: machine.node,
    term: membership.term,
    overdue: agent.health.overdue(cached),
    ...(change === undefined ? {} : { change }),
    ...(spec === undefined ? {} : { spec }),
  };
  const first = decideManager(cached, manager);
  agent.seen = observe(agent.seen, first.watching, cached.monotonicMs);
  if (first.requeueAfterMs !== undefined) later(life, first.requeueAfterMs + 1, () => manage(agent));
  if (!first.needsLive && first.effects.length === 0 && !isCapacityAsked(cached)) return;
  agent.isManaging = true;
  world.scheduler.touch();
  const work = async (): Promise<void> => {
    const view = first.needsLive || isCapacityAsked(cached) ? viewOf(agent, await readLive(agent), true) : cached;
    const decision = view === undefined ? first : decideManager(view, manager);
    judgeVouches(world, machine, decision.effects);
    const deps = {
      api: agent.api,
      clock: clockOf(life),
      log: logOf(world.trace, life.process.name),
      component: life.process.name,
      wrote: () => undefined,
    };
    await carryOut(deps, decision.effects, view?.live === true, life.controller.signal);
  };
  work()
    .catch((cause: unknown) => {
      if (!isFault(cause)) violate(world, `${life.process.name}: ${cause instanceof Error ? cause.stack : String(cause)}`);
    })
    .finally(() => {
      agent.isManaging = false;
      later(life, agent.manageAgain ? 300 : MANAGE_MS, () => refreshSoon(agent));
      agent.manageAgain = false;
    })
    .catch(() => undefined);
}

/** As src/agent/manager.ts has it: when workers differ from what is asked for, the data center is read. */
function isCapacityAsked({ cluster, nodes }: ClusterView): boolean {
  const workers = nodes.filter((node) => node.spec.attempt === cluster.status?.attempt && node.spec.index > 0);
  return workers.length !== cluster.spec.workers || workers.some((node) => node.spec.retired === true);
}

function viewOf(agent: Agent, known: Known | undefined, live: boolean): ClusterView | undefined {
  if (known?.cluster === undefined) return undefined;
  const { life } = agent;
  return {
    live,
    cluster: known.cluster,
    nodes: known.nodes,
    ...(known.vdc === undefined ? {} : { virtualDataCenter: known.vdc }),
    ...(known.release === undefined ? {} : { release: known.release }),
    ...(known.site === undefined ? {} : { site: known.site }),
    config: agent.health.config(),
    nowMs: clockOf(life).nowMs(),
    monotonicMs: monotonicMs(life),
    seen: agent.seen,
    dice: life.process.dice.float(),
  };
}

/** In the order that ClusterView asks for. */
async function readLive(agent: Agent): Promise<Known | undefined> {
  const { api, machine, life, known } = agent;
  const { signal } = life.controller;
  const vdc = await api.get(VIRTUAL_DATA_CENTERS, machine.namespace, known?.cluster?.spec.virtualDataCenter ?? '', signal);
  const named = known?.cluster?.spec.site;
  const site = named === undefined ? undefined : await api.get(SITES, machine.namespace, named, signal);
  const cluster = await api.get(CLUSTERS, machine.namespace, machine.cluster, signal);
  if (!cluster.ok || cluster.value.metadata.uid !== machine.clusterUid) return undefined;
  const nodes = await api.list(
    CLUSTER_NODES,
    { namespace: machine.namespace, labelSelector: `${LABEL_CLUSTER_UID}=${machine.clusterUid}` },
    signal,
  );
  if (!nodes.ok) return undefined;
  return {
    cluster: cluster.value,
    nodes: nodes.value.items,
    release: known?.release,
    vdc: vdc.ok ? vdc.value : undefined,
    site: site?.ok === true ? site.value : undefined,
  };
}
