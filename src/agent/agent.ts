/**
 * The agent of one node: runs what its cluster asks of it, with or without a director.
 *
 * What it remembers is enough to start everything again; what it sees through a director changes what it remembers, never the other way round.
 * One level-triggered step (`settle`) looks at both and brings pods, balancer and report in line.
 *
 * I1: pods start from memory at once; joining, connecting and reporting happen beside that and hold up nothing.
 * I2: when the agent ends, pods and balancer go on; its next life finds them.
 * I3: what a step decides is on disk before it is acted on.
 * I4: a director that is gone, or that does not know this node, stops nothing.
 */

import { shortHash } from '../base/canonical.ts';
import { agentReport, fateOf, membershipAfter, runnable } from '../decide/agent-duty.ts';
import type { Self } from '../decide/agent-duty.ts';
import { memberId, mayRunSingletons } from '../decide/authority.ts';
import { endpointsOf } from '../decide/endpoints.ts';
import type { BalancedService, OwnInstance } from '../decide/endpoints.ts';
import type { NodePlan } from '../decide/plan.ts';
import { isFault } from '../model/fault.ts';
import type { Fault } from '../model/fault.ts';
import type { FrameworkMember } from '../model/framework.ts';
import { keepBalancer } from './balancer-keeper.ts';
import type { BalancerKeeper } from './balancer-keeper.ts';
import { keepChange } from './change-keeper.ts';
import type { ChangeKeeper, ChangeSight } from './change-keeper.ts';
import { connectDirectors } from './connect.ts';
import type { AgentDeps } from './deps.ts';
import { keepDrills } from './drill/keeper.ts';
import type { DrillKeeper } from './drill/keeper.ts';
import { follow } from './following.ts';
import type { Following } from './following.ts';
import { keepFramework } from './framework.ts';
import type { FrameworkKeeper } from './framework.ts';
import { openLicensing } from './licensing.ts';
import type { Licensing } from './licensing.ts';
import { manage } from './manager.ts';
import type { ManagerLoop } from './manager.ts';
import { openMemory } from './memory.ts';
import { keepMachine, ownMachine } from './own-machine.ts';
import type { MachineKeeper } from './own-machine.ts';
import type { Memory, RememberedService } from './memory.ts';
import { serveNodeMetrics } from './node-metrics.ts';
import { pokeLoop } from './poke-loop.ts';
import type { PokeLoop } from './poke-loop.ts';
import { openAgentPortal } from './portal/open.ts';
import type { Portal } from './portal/portal.ts';
import { showPresence } from './presence.ts';
import { reportTo } from './reporter.ts';
import type { Reporter } from './reporter.ts';
import { showLife } from './sign-of-life.ts';
import { keepSite } from './site-keeper.ts';
import type { SiteKeeper } from './site-keeper.ts';
import { rememberedSite } from './site-memory.ts';
import { openSight } from './sight.ts';
import type { Sight } from './sight.ts';
import { standIn } from './stand-in.ts';
import { supervise } from './supervisor.ts';
import type { Supervisor } from './supervisor.ts';
import { openTrustedTime } from './trusted-time.ts';
import type { TrustedClock } from './trusted-time.ts';

/** What of the world there is once a director was reached for the first time. */
interface Connected {
  readonly following: Following;
  readonly reporter: Reporter;
  readonly manager: ManagerLoop;
  readonly site: SiteKeeper;
  readonly drills: DrillKeeper;
  readonly standIn: PokeLoop;
  /** Only on a joined machine. */
  readonly machine: MachineKeeper | undefined;
}

interface Agent {
  readonly deps: AgentDeps;
  readonly self: Self;
  readonly memory: Memory;
  readonly trusted: TrustedClock;
  readonly supervisor: Supervisor;
  readonly balancer: BalancerKeeper;
  readonly framework: FrameworkKeeper;
  readonly licensing: Licensing;
  readonly sight: Sight;
  readonly change: ChangeKeeper;
  portal: Portal | undefined;
  connected: Connected | undefined;
  /** Sentences about what stands in the way of the newest plan. */
  problems: string[];
  /** What the supervisor was told last. */
  told: string;
  readonly startedMs: number;
  /** It has said something of itself in this life. */
  speaks: boolean;
}

/** Everything is looked at again this often, though nothing changed. */
const RESYNC_MS = 10_000;
const DRAIN_LOOK_MS = 50;
const OVER_LOOK_MS = 500;
/** A host ends its nodes itself. */
const NEVER_MS = 24 * 3600 * 1000;
/** So long the last word of a node that is over waits for a director. */
const LAST_WORD_MS = 5_000;
/** A runtime that hangs must not make this node mute. */
const INFORMED_MS = 5_000;

/**
 * Runs until the signal aborts (pods and balancer go on). `stopRequested` makes it drain and stop everything of the node, and resolve. On a joined
 * machine it resolves as well when this life of the node is over and its pods have ended: what follows is src/agent/end-machine.ts.
 * Throws `Fault` JoinRefused when a director refused this node and there is nothing that it could run.
 */
export async function runAgent(deps: AgentDeps, stopRequested: AbortSignal, signal: AbortSignal): Promise<void> {
  const memory = await openMemory(deps.store, deps.log);
  const end = new AbortController();
  const own = AbortSignal.any([signal, end.signal]);
  void showLife(deps, own);
  const { node: name, nodeUid: uid, incarnation, role } = deps.node;
  const wake = { poke: (): void => undefined };
  const supervisor = supervise(deps, memory.get('services') ?? {}, own);
  const balancer = keepBalancer(deps, () => wake.poke(), own);
  const trusted = await openTrustedTime(deps, memory, own);
  const framework = await keepFramework(deps, () => wake.poke(), own);
  const self: Self = { name, uid, incarnation, role };
  const licensing = openLicensing({ deps, memory, trusted, framework, onChange: () => wake.poke() }, own);
  const members = (): readonly FrameworkMember[] => framework.told()?.members ?? [];
  const sight = await openSight({ deps, memory, peers: licensing.peers, told: () => framework.told(), onChange: () => wake.poke() }, own);
  const agent: Agent = {
    deps,
    self,
    memory,
    trusted,
    supervisor,
    balancer,
    framework,
    licensing,
    change: keepChange({ deps, self, memory, peers: licensing.peers, members, onChange: () => wake.poke() }, own),
    sight,
    portal: undefined,
    connected: undefined,
    problems: [],
    told: '',
    startedMs: deps.clock.monotonicMs(),
    speaks: false,
  };
  deps.log.info('The agent starts.', { plan: memory.get('plan')?.release ?? 'none' });

  const loop = pokeLoop(deps, { what: 'Keeping this node in line', resyncMs: RESYNC_MS }, () => settled(agent, stopRequested), own);
  wake.poke = () => loop.poke();
  deps.service.ready();
  supervisor.onChange(wake.poke);
  stopRequested.addEventListener('abort', wake.poke, { once: true });
  loop.poke();
  serveNodeMetrics(agent);
  const portal = (agent.portal = openAgentPortal(agent, wake.poke, own));
  const drained = Promise.race([untilDrained(agent, stopRequested, own), untilOver(agent, own)]);
  const connecting = connect(agent, wake.poke, own);
  try {
    await Promise.race([drained, connecting.then(() => drained)]);
  } finally {
    end.abort();
  }
  const parts = agent.connected;
  const inside = [loop, supervisor, agent.licensing, sight, agent.change, portal];
  const through = parts === undefined ? [] : [parts.reporter, parts.manager, parts.site, parts.drills, parts.standIn];
  const machine = parts?.machine === undefined ? [] : [parts.machine];
  await Promise.all([...inside, ...through, ...machine].map((part) => part.settled()));
}

/** Reaches a director when there is one. A refusal ends the agent only when it has nothing to run. */
async function connect(agent: Agent, onChange: () => void, signal: AbortSignal): Promise<void> {
  const { deps, memory } = agent;
  try {
    const api = await connectDirectors(deps, memory, agent.trusted, signal);
    signal.addEventListener('abort', () => api.close(), { once: true });
    const following = follow(deps, api, onChange, signal);
    const presence = showPresence(deps, api, following, memory, signal);
    const reporter = reportTo(deps, api, following, () => presence.lookAtSelf(), signal);
    const term = (): number | undefined => managingTerm(agent);
    const site = keepSite({ deps, api, following, memory, trustedNow: agent.trusted.now, term, onChange }, signal);
    const manager = manage(
      { deps, api, following, memory, sight: agent.sight, site: () => site.site(), term, change: () => agent.change.view() },
      signal,
    );
    agent.sight.follow(following);
    const drills = keepDrills({ agent, api, peers: agent.licensing.peers, isManager: () => term() !== undefined }, signal);
    const stand = standIn({ deps, api, following, sight: agent.sight, lives: () => memory.get('fate') === undefined }, signal);
    const own = ownMachine(deps);
    const machine = own === undefined ? undefined : keepMachine({ deps, self: own, api, following, memory, onChange }, signal);
    presence.onAbsent(() => machine?.lookForTombstone());
    agent.connected = { following, reporter, manager, site, drills, standIn: stand, machine };
    agent.licensing.connect(api, following);
    onChange();
  } catch (cause) {
    if (signal.aborted) return;
    if (memory.get('plan') === undefined) throw cause;
    deps.log.error('This node is refused by the directors; it goes on with what it knows.', { error: cause });
  }
}

/** The term under which this node manages its cluster; undefined: it does not. */
function managingTerm({ self, memory }: Agent): number | undefined {
  const membership = memory.get('membership');
  if (memory.get('fate') !== undefined || !mayRunSingletons(membership, memberId(self.uid, self.incarnation))) return undefined;
  return membership?.term;
}

/** Resolves when the signal aborts, or when a stop was requested and nothing of the node lives any more. */
async function untilDrained(agent: Agent, stopRequested: AbortSignal, signal: AbortSignal): Promise<void> {
  await new Promise<void>((done) => {
    if (signal.aborted || stopRequested.aborted) return done();
    signal.addEventListener('abort', () => done(), { once: true });
    stopRequested.addEventListener('abort', () => done(), { once: true });
  });
  while (!signal.aborted && !(agent.told === shortHash([]) && agent.supervisor.isIdle())) {
    await agent.deps.clock.sleep(DRAIN_LOOK_MS, signal).catch(() => undefined);
  }
}

/** Resolves when the life of a joined machine's node is over: nothing of its pods lives, and a director has heard so or does not listen. */
async function untilOver(agent: Agent, signal: AbortSignal): Promise<void> {
  const { deps, memory, supervisor } = agent;
  const isJoined = deps.node.machine !== undefined;
  for (let sinceMs: number | undefined; !signal.aborted;) {
    await deps.clock.sleep(isJoined ? OVER_LOOK_MS : NEVER_MS, signal).catch(() => undefined);
    const isIdle = isJoined && memory.get('fate') !== undefined && supervisor.isIdle();
    sinceMs = isIdle ? (sinceMs ?? deps.clock.monotonicMs()) : undefined;
    const isSaid = agent.connected?.reporter.isSaid() === true;
    if (sinceMs !== undefined && (isSaid || deps.clock.monotonicMs() - sinceMs >= LAST_WORD_MS)) return;
  }
}

// ---- one step ---------------------------------------------------------------------------------------------------------------------------

/** A step that is done, also one that the world refused, shows that this agent works. */
async function settled(agent: Agent, stopRequested: AbortSignal): Promise<void> {
  await settle(agent, stopRequested).finally(agent.deps.service.progressed);
}

/** Looks at what is remembered and seen, and brings everything in line. Throws `Fault` when the disk refuses; then it is done again. */
async function settle(agent: Agent, stopRequested: AbortSignal): Promise<void> {
  const { memory, self, supervisor, connected, sight } = agent;
  agent.problems = [];
  await concludeFate(agent);
  const membership = membershipAfter(memory.get('membership'), self, sight.cluster(), sight.nodes());
  if (membership !== undefined) await memory.keep('membership', membership);
  agent.problems.push(...(await agent.change.look(sightOf(agent), readyServices(agent))));
  const plan = memory.get('plan');
  const wanted = stopRequested.aborted ? [] : runnable(plan, memory.get('membership'), self, memory.get('fate'));
  const hash = shortHash(wanted);
  // Without a plan nothing is wanted, and nothing is unwanted either: it may only be lost.
  const isKnown = plan !== undefined || memory.get('fate') !== undefined || stopRequested.aborted;
  if (isKnown && hash !== agent.told) {
    agent.told = hash;
    supervisor.want(wanted);
  }
  const failure = await keptInLine(agent, plan);
  if (failure !== undefined) agent.problems.unshift(failure.message);
  agent.licensing.look(managingTerm(agent), readyServices(agent), plan);
  const tunnel = agent.framework.statuses()['connector-client'];
  // Without a tunnel nobody reads it, and that there is none is no fault of the node.
  const contested = tunnel?.director === undefined ? undefined : tunnel.message;
  for (const problem of [agent.licensing.peers.problem(), agent.portal?.problem(), contested, connected?.machine?.problem()])
    if (problem !== undefined) agent.problems.push(problem);
  report(agent, plan, wanted, stopRequested.aborted);
  connected?.manager.poke();
  connected?.standIn.poke();
  connected?.site.poke();
  connected?.machine?.poke();
  if (failure !== undefined) throw failure;
}

/** What a disk that refuses must not keep from being reported. */
async function keptInLine(agent: Agent, plan: NodePlan | undefined): Promise<Fault | undefined> {
  try {
    await tellBalancer(agent, plan);
    await tellFramework(agent, plan);
    await rememberServices(agent);
    await agent.sight.remember();
    return undefined;
  } catch (cause) {
    if (isFault(cause)) return cause;
    throw cause;
  }
}

async function concludeFate({ memory, self, sight, deps }: Agent): Promise<void> {
  const known = memory.get('fate');
  const fate = fateOf(known, self, sight.self());
  if (fate === undefined || known !== undefined) return;
  deps.log.warn(fate.why, { fate: fate.state });
  await memory.keep('fate', fate);
}

/** What is seen of the cluster, for changes of what runs. */
function sightOf({ sight }: Agent): ChangeSight {
  return {
    cluster: sight.cluster(),
    nodes: sight.nodes(),
    unheard: sight.unheard(),
    release: (name) => sight.release(name),
    releaseProblem: (name) => sight.releaseProblem(name),
  };
}

function readyServices({ supervisor }: Agent): ReadonlySet<string> {
  return new Set([...supervisor.instances()].filter(([, instance]) => instance.report.ready).map(([name]) => name));
}

async function tellBalancer(agent: Agent, plan: NodePlan | undefined): Promise<void> {
  const { memory, sight, self, supervisor, balancer } = agent;
  const previous = memory.get('endpoints');
  if (plan === undefined) return;
  const instances = supervisor.instances();
  const known = [...instances].map(([name, instance]): [string, OwnInstance] => [name, ownInstance(instance)]);
  // Of which nothing is known yet in this life of the agent: what was told last still holds.
  const before = (previous?.services ?? [])
    .filter((service) => !instances.has(service.name))
    .flatMap((service) => lastOwn(service, self.name));
  const own = Object.fromEntries([...before, ...known]);
  const table = endpointsOf({ balanced: plan.balanced, self: { name: self.name, services: own }, nodes: sight.nodes(), previous });
  await balancer.tell(table);
  await memory.keep('endpoints', table);
}

async function tellFramework({ memory, sight, framework }: Agent, plan: NodePlan | undefined): Promise<void> {
  await framework.tell({
    membership: memory.get('membership'),
    plan,
    nodes: sight.nodes(),
    site: rememberedSite(memory),
    license: memory.get('license'),
    joined: memory.get('joined'),
  });
}

function ownInstance(instance: {
  readonly report: { readonly ready: boolean; readonly phase: string };
  readonly address: string | undefined;
}): OwnInstance {
  return {
    ready: instance.report.ready,
    stopping: instance.report.phase === 'Stopping',
    ...(instance.address === undefined ? {} : { address: instance.address }),
  };
}

function lastOwn(service: BalancedService, self: string): [string, OwnInstance][] {
  const last = service.endpoints.find((one) => one.node === self);
  return last === undefined ? [] : [[service.name, { address: last.address, ready: !last.draining, stopping: last.draining }]];
}

/** So that a pod that was ready when the agent crashed is not taken out of the balancers when it is found again. */
async function rememberServices({ memory, supervisor }: Agent): Promise<void> {
  const entries = [...supervisor.instances()].flatMap(([name, { hash, report: said }]): [string, RememberedService][] =>
    hash === undefined ? [] : [[name, { hash, ready: said.ready }]],
  );
  if (entries.length > 0) await memory.keep('services', Object.fromEntries(entries));
}

function report(agent: Agent, plan: NodePlan | undefined, wanted: ReturnType<typeof runnable>, stopping: boolean): void {
  const { memory, self, supervisor, balancer, deps, connected } = agent;
  const membership = memory.get('membership');
  const fate =
    memory.get('fate') ?? (stopping ? { state: 'Deleted' as const, why: `${self.name} was told by its host to stop.` } : undefined);
  const idle = agent.told === shortHash([]) && supervisor.isIdle();
  const availableAt = memory.get('spec')?.availableAt;
  const word = agentReport({
    ...(availableAt === undefined ? {} : { availableAt }),
    self,
    version: deps.version,
    address: deps.node.address,
    fate,
    idle,
    plan,
    clusterPlan: memory.get('clusterPlan'),
    wanted,
    instances: supervisor.instances(),
    lastSaid: agent.sight.lastSaid(),
    balancer: balancer.state(),
    tunnel: agent.framework.statuses()['connector-client']?.director,
    problems: agent.problems,
  });
  const role = membership === undefined ? undefined : membership.primary === memberId(self.uid, self.incarnation) ? 'Primary' : 'Worker';
  if (!agent.speaks && !(agent.speaks = isInformed(agent, wanted))) return;
  const said = agent.sight.say(word, role);
  agent.change.said(said);
  connected?.reporter.report({ agent: said, role });
}

/** Until it knows how each of its services is in this life, it says nothing: after a reboot what was said last is wrong. */
function isInformed({ deps, supervisor, startedMs }: Agent, wanted: ReturnType<typeof runnable>): boolean {
  const instances = supervisor.instances();
  return wanted.every(({ name }) => instances.has(name)) || deps.clock.monotonicMs() - startedMs >= INFORMED_MS;
}
