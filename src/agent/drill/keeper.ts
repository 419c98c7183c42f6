/**
 * The drills of this node's cluster, as its agent cares for them: refuses or claims those that are its own, starts the process that carries one out,
 * tells it what this agent sees, and reports what it measured.
 *
 * I1: one is claimed by compare-and-swap, after its order is on the disk; so an agent that dies in between goes on where it was.
 * I2: a result is reported for as long as it takes until a director has it, by whichever life of the agent.
 * I3: one whose process ended without a result, or whose executor is lost, ends as Failed, with a sentence.
 */

import { createInformer } from '../../client/informer.ts';
import { askedPath, decideSiteDrill, isEnded, isSiteTarget } from '../../decide/drill.ts';
import type { DrillService, DrillView, SiteDrill } from '../../decide/drill.ts';
import { drillVerdict } from '../../decide/drill-verdict.ts';
import { agentOf } from '../../decide/node-facts.ts';
import type { NodePlan } from '../../decide/plan.ts';
import { DRILLS } from '../../model/addresses.ts';
import type { FrameworkMember } from '../../model/framework.ts';
import type { Drill, DrillStatus } from '../../model/drill.ts';
import { Fault } from '../../model/fault.ts';
import { LIMITS } from '../../model/limits.ts';
import { PORTS } from '../../model/ports.ts';
import type { EntityApi } from '../../ports/api.ts';
import type { AgentDeps } from '../deps.ts';
import type { FrameworkKeeper } from '../framework.ts';
import type { Memory } from '../memory.ts';
import type { PeerLink } from '../peer-link.ts';
import { pokeLoop } from '../poke-loop.ts';
import type { Sight } from '../sight.ts';
import type { TrustedClock } from '../trusted-time.ts';
import { serveKills } from './kill.ts';
import { drillRecords } from './records.ts';
import type { DrillLook, DrillOrder, DrillRecords } from './records.ts';

export interface DrillParts {
  /** What of the agent is looked at. */
  readonly agent: {
    readonly deps: AgentDeps;
    readonly memory: Pick<Memory, 'get'>;
    readonly sight: Pick<Sight, 'cluster' | 'nodes' | 'unheard'>;
    readonly framework: Pick<FrameworkKeeper, 'told'>;
    readonly trusted: Pick<TrustedClock, 'now'>;
  };
  readonly api: EntityApi;
  readonly peers: Pick<PeerLink, 'route'>;
  readonly isManager: () => boolean;
}

export interface DrillKeeper {
  settled(): Promise<void>;
}

interface Keeping extends DrillParts {
  readonly deps: AgentDeps;
  readonly records: DrillRecords;
  readonly drills: () => readonly Drill[];
  readonly learn: (drill: Drill) => void;
  /** Since when this life of the agent has seen a drill run unchanged elsewhere. */
  readonly runningSince: Map<string, { readonly revision: string; readonly atMs: number }>;
  /** Being watched for the process that carries it out. */
  readonly watched: Set<string>;
  /** Of which nothing is left on this node. */
  readonly tidied: Set<string>;
}

const LOOK_MS = 250;
const WATCH_MS = 25;
const CHANGES_KEPT = 64;
const DRILL_ROLE = 'drill';

/** Keeps them until the signal aborts. */
export function keepDrills(parts: DrillParts, signal: AbortSignal): DrillKeeper {
  const { agent, api } = parts;
  const { deps } = agent;
  const { node } = deps;
  const informer = createInformer<Drill>({ api, clock: deps.clock, random: deps.random, log: deps.log }, DRILLS, {
    namespace: node.namespace,
    fieldSelector: `spec.cluster=${node.cluster}`,
  });
  const keeping: Keeping = {
    ...parts,
    deps,
    records: drillRecords(deps.drills),
    drills: () => [...informer.list()],
    learn: (drill) => informer.learn(drill),
    runningSince: new Map(),
    watched: new Set(),
    tidied: new Set(),
  };
  const loop = pokeLoop(
    deps,
    { what: 'The care for drills', everyMs: LOOK_MS, resyncMs: LOOK_MS * 4 },
    (work) => step(keeping, work),
    signal,
  );
  informer.onChange((drill, gone) => {
    if (gone) void keeping.records.forget(drill.metadata.uid).catch(() => undefined);
    if (gone) for (const known of [keeping.runningSince, keeping.tidied]) known.delete(drill.metadata.uid);
    loop.poke();
  });
  serveKills(
    { deps, records: keeping.records, peers: parts.peers, drills: keeping.drills, services: () => servicesOf(agent.memory.get('plan')) },
    signal,
  );
  void informer.run(signal);
  return { settled: () => loop.settled() };
}

async function step(keeping: Keeping, signal: AbortSignal): Promise<void> {
  const { deps } = keeping;
  for (const drill of keeping.drills()) {
    const { phase = 'Pending', executor } = drill.status ?? {};
    if (!isSiteTarget(drill.spec.target)) continue;
    if (isEnded(drill)) await tidy(keeping, drill);
    else if (phase === 'Pending') await begin(keeping, drill, signal);
    else if (executor === deps.node.node) await goOn(keeping, drill, signal);
    else await missExecutor(keeping, drill, signal);
  }
}

/** Once in each life of the agent: it may have died before it came to it. */
async function tidy({ records, runningSince, tidied }: Keeping, { metadata: { uid } }: Drill): Promise<void> {
  if (tidied.has(uid)) return;
  await records.forget(uid);
  runningSince.delete(uid);
  tidied.add(uid);
}

// ---- the beginning ----------------------------------------------------------------------------------------------------------------------

async function begin(keeping: Keeping, drill: Drill, signal: AbortSignal): Promise<void> {
  const { deps, records } = keeping;
  const decision = decided(keeping, drill);
  if (decision?.executor !== deps.node.node) return;
  const now = new Date(deps.clock.nowMs()).toISOString();
  if (decision.do === 'refuse') {
    await say(keeping, drill, { phase: 'Refused', executor: decision.executor, message: decision.why, endedAt: now }, signal);
    return;
  }
  const order = orderOf(keeping, drill, decision);
  if (order === undefined) return;
  await records.write(drill.metadata.uid, 'order', order);
  const claimed = await say(
    keeping,
    drill,
    {
      phase: 'Running',
      executor: decision.executor,
      message: `${decision.service.name} is asked through ${decision.executor}; then it kills.`,
      expected: decision.expected,
      promise: decision.promise,
      startedAt: now,
    },
    signal,
  );
  if (!claimed) await records.forget(drill.metadata.uid);
}

function decided(keeping: Keeping, drill: Drill): SiteDrill | undefined {
  const [cluster, nodes, plan] = [keeping.agent.sight.cluster(), keeping.agent.sight.nodes(), keeping.agent.memory.get('plan')];
  if (cluster === undefined || nodes === undefined || plan === undefined) return undefined;
  const view: DrillView = {
    drill,
    ageMs: keeping.agent.trusted.now() - Date.parse(drill.metadata.creationTimestamp),
    cluster,
    nodes,
    unheard: keeping.agent.sight.unheard(),
    drills: keeping.drills(),
    services: servicesOf(plan),
  };
  return decideSiteDrill(view);
}

function servicesOf(plan: NodePlan | undefined): readonly DrillService[] {
  return (plan?.balanced ?? []).map(({ name, port, protocol, framework }) => ({
    name,
    port,
    protocol,
    path: askedPath(plan?.services.find((one) => one.name === name)?.pod),
    ...(framework === undefined ? {} : { framework }),
  }));
}

function orderOf(keeping: Keeping, drill: Drill, decision: SiteDrill & { readonly do: 'run' }): DrillOrder | undefined {
  const { deps } = keeping;
  const { metadata, spec } = drill;
  const { node, service } = decision;
  const member = (keeping.agent.framework.told()?.members ?? []).find(({ uid }) => uid === node.metadata.uid);
  const instance = agentOf(node)?.services?.[service.name]?.address;
  const looks = member === undefined ? [] : looksOf(spec.target, member, instance, service);
  if (member === undefined || looks.length === 0) return undefined;
  return {
    uid: metadata.uid,
    target: spec.target,
    member,
    load: {
      host: deps.node.address,
      port: service.port,
      request: isHttp(service) ? { kind: 'Http', path: service.path } : { kind: 'Tcp', firstByte: false },
      keptClients: spec.keepAliveClients,
      freshPerSecond: spec.connectionsPerSecond,
      seconds: spec.seconds,
    },
    looks,
    ...(instance === undefined ? {} : { instance }),
    isHeardAgain: spec.target === 'Node' && member.uid !== deps.node.nodeUid,
    trustedNowMs: keeping.agent.trusted.now(),
    writtenMs: deps.clock.monotonicMs(),
  };
}

function isHttp({ protocol, framework }: DrillService): boolean {
  return protocol === 'HTTP' && framework === undefined;
}

function looksOf(
  target: Drill['spec']['target'],
  member: FrameworkMember,
  instance: string | undefined,
  service: DrillService,
): readonly DrillLook[] {
  const at = /^(.*):(\d+)$/.exec(instance ?? '');
  const { name, address } = member;
  const asked = isHttp(service) ? { path: service.path } : {};
  const ofInstance = at === null ? [] : [{ what: `${service.name} of ${name}`, host: at[1] ?? '', port: Number(at[2]), ...asked }];
  const agent = { what: `agent of ${name}`, host: address, port: PORTS.peer };
  const balancer = { what: `balancer of ${name}`, host: address, port: service.port };
  if (target === 'Instance') return ofInstance;
  if (target === 'Agent') return [agent];
  return target === 'Balancer' ? [balancer] : [...ofInstance, balancer, agent];
}

// ---- under way --------------------------------------------------------------------------------------------------------------------------

async function goOn(keeping: Keeping, drill: Drill, signal: AbortSignal): Promise<void> {
  const { deps, records } = keeping;
  const { uid } = drill.metadata;
  keeping.runningSince.set(uid, { revision: '', atMs: 0 });
  const order = await records.read(uid, 'order');
  if (order === undefined)
    return await fail(keeping, drill, 'What was to be done was lost with the disk of the node; make another drill.', signal);
  watch(keeping, drill, order, signal);
  const isAlive = deps.processes.find({ OUTRIGGER_ROLE: DRILL_ROLE, OUTRIGGER_DRILL: uid }).length > 0;
  const result = await records.read(uid, 'result');
  if (result?.state === 'failed') return await fail(keeping, drill, result.why, signal);
  if (result !== undefined) {
    const ended = drillVerdict(drill.status?.promise ?? {}, result.measured);
    await say(keeping, drill, { ...ended, endedAt: new Date(deps.clock.nowMs()).toISOString() }, signal);
    return;
  }
  if (isAlive) return;
  if ((await records.read(uid, 'begun')) !== undefined)
    return await fail(
      keeping,
      drill,
      `The process that carried it out ended without a result; look into logs/drill.log of ${deps.node.node}.`,
      signal,
    );
  await deps.processes.start(deps.drillStart(uid));
}

/** Writes down when this agent saw the target go and come back, for the process that measures. */
function watch(keeping: Keeping, drill: Drill, order: DrillOrder, signal: AbortSignal): void {
  const { deps, records, watched } = keeping;
  const { uid } = order;
  if (watched.has(uid)) return;
  watched.add(uid);
  const isOver = (): boolean => !keeping.drills().some((one) => one.metadata.uid === uid && !isEnded(one));
  const follow = async (): Promise<void> => {
    let changes = (await records.read(uid, 'seen'))?.changes ?? [];
    while (!signal.aborted && !isOver()) {
      const isDown = isTargetDown(keeping, drill, order);
      if (isDown !== (changes.at(-1)?.isDown ?? false)) {
        changes = [...changes, { isDown, atMs: deps.clock.monotonicMs() }].slice(-CHANGES_KEPT);
        await records.write(uid, 'seen', { changes });
      }
      await deps.clock.sleep(WATCH_MS, signal).catch(() => undefined);
    }
    await records.forget(uid);
    watched.delete(uid);
  };
  void follow().catch((cause: unknown) => {
    watched.delete(uid);
    deps.log.warn('What is seen of a drill cannot be written down.', { error: cause });
  });
}

function isTargetDown(keeping: Keeping, { spec }: Drill, { member, instance }: DrillOrder): boolean {
  if (keeping.agent.sight.unheard().has(member.name)) return true;
  const node = keeping.agent.sight.nodes()?.find(({ metadata }) => metadata.uid === member.uid);
  const agent = node === undefined ? undefined : agentOf(node);
  if (spec.target === 'Balancer') return agent?.balancer !== 'Running';
  if (spec.target === 'Agent' || instance === undefined) return false;
  // A node whose agent was back before it was missed says itself what it lost.
  return !Object.values(agent?.services ?? {}).some((one) => one.ready && one.address === instance);
}

/** Another node carries it out. The primary ends it when nobody has said anything for longer than it may take. */
async function missExecutor(keeping: Keeping, drill: Drill, signal: AbortSignal): Promise<void> {
  const { deps, runningSince } = keeping;
  const { uid, resourceVersion: revision } = drill.metadata;
  const seen = runningSince.get(uid);
  const nowMs = deps.clock.monotonicMs();
  if (seen?.revision !== revision) {
    runningSince.set(uid, { revision, atMs: nowMs });
    return;
  }
  const mayTakeMs = drill.spec.seconds * 1000 + LIMITS.drillRecoveryMs + LIMITS.drillKillTryMs + LIMITS.drillLostMs;
  if (!keeping.isManager() || nowMs - seen.atMs < mayTakeMs) return;
  await fail(keeping, drill, `Nothing was heard of ${drill.status?.executor ?? 'its executor'}, which carried it out.`, signal);
}

// ---- saying it --------------------------------------------------------------------------------------------------------------------------

async function fail(keeping: Keeping, drill: Drill, why: string, signal: AbortSignal): Promise<void> {
  await say(
    keeping,
    drill,
    { phase: 'Failed', message: why.slice(0, 1024), endedAt: new Date(keeping.deps.clock.nowMs()).toISOString() },
    signal,
  );
}

/** False: it changed meanwhile, or is gone. Throws `Fault` when no director takes it; then it is said again. */
async function say(keeping: Keeping, drill: Drill, status: DrillStatus, signal: AbortSignal): Promise<boolean> {
  const { namespace = '', name, uid, resourceVersion } = drill.metadata;
  const patch = { metadata: { uid, resourceVersion }, status: { ...status } };
  const answer = await keeping.api.mergePatch<Drill>(DRILLS, namespace, name, patch, signal, 'status');
  if (answer.ok) {
    keeping.learn(answer.value);
    keeping.deps.log.info(`Drill ${name} is ${status.phase}.`, { why: status.message });
    return true;
  }
  if (answer.reason === 'Conflict' || answer.reason === 'NotFound') return false;
  throw new Fault('DirectorRefused', `Drill ${name} was not written: ${answer.message}`);
}
