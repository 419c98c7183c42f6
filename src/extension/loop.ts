/**
 * The loop of an extension server: which cluster is looked at when, and by whom.
 *
 * I1: a server works on the clusters that are its own, and on others only when their work has been overdue (src/decide/sharding.ts, I4).
 * I2: every cluster is looked at anew whenever it or what it is made of changes, when the servers that live change, and at every resync.
 * I3: at most `concurrency` clusters are at work at a time.
 * I4: all timers and limits are those of the ServerConfig that holds now; a change applies with the next look.
 * I5: a server that stops ends its last write before it says farewell.
 */

import { ownerOf } from '../base/ring.ts';
import { clusterKey } from '../decide/creation.ts';
import { confirmedBoot } from '../decide/host-death.ts';
import { activeConfig, obeyed } from '../decide/server-config.ts';
import type { MassSilence } from '../decide/mass-silence.ts';
import { isTakenOver, nextResyncMs, sharingRules } from '../decide/sharding.ts';
import type { SharingRules } from '../decide/sharding.ts';
import type { Cluster } from '../model/cluster.ts';
import { capacityWatch } from './capacity.ts';
import { createSilenceWatch } from './mass-silence.ts';
import type { SilenceWatch } from './mass-silence.ts';
import { createMembership } from './membership.ts';
import type { Membership } from './membership.ts';
import { createQueue } from './queue.ts';
import type { WorkQueue } from './queue.ts';
import { isWorkDue, NO_MEMORY, reconcile } from './reconcile.ts';
import type { ClusterMemory, ReconcileDeps } from './reconcile.ts';
import type { InformerDeps } from '../client/informer.ts';
import type { Tracer } from '../ports/tracer.ts';
import { sweepForever } from './sweep.ts';
import { newWorkCounts } from './work-counts.ts';
import type { WorkCounts } from './work-counts.ts';
import { countLook } from './telemetry.ts';
import type { Telemetry } from './telemetry.ts';
import { createTurns } from './turns.ts';
import { createInformers, isSynced, runInformers, unsyncedOf } from './view.ts';
import type { Informers } from './view.ts';

export interface LoopOptions {
  /** Name of this server, unique among all that live. */
  readonly server: string;
  /** Called when the loop completed a round and no work hangs. */
  readonly onRound: () => void;
  /** Counted here while the loop runs. */
  readonly counts?: WorkCounts;
  /** Likewise, and what else /metrics tells; its own counts are taken instead of `counts`. */
  readonly telemetry?: Telemetry;
  /** Absent: nothing is traced. */
  readonly tracer?: Tracer;
  /** Called once, before the first round: by what the loop can be looked at from outside. */
  readonly onBegin?: (sight: LoopSight) => void;
}

/** What the loop tells of itself, as it is at that moment. */
export interface LoopSight {
  readonly rules: () => SharingRules;
  readonly obeys: () => string;
  readonly queueDepth: () => number;
  readonly atWork: () => number;
  readonly live: () => readonly string[];
  readonly leaseAgeMs: () => number | undefined;
  /** Plural names of the kinds whose copies have not been filled. */
  readonly unsynced: () => readonly string[];
  /** How long ago the loop completed a round without a hang. */
  readonly sinceRoundMs: () => number;
  readonly massSilence: () => MassSilence;
}

/** Another server's cluster is looked at this long after it changed, with all that changed meanwhile: far less than work has to be overdue. */
const OTHERS_LOOK_MS = 1_000;

/** Said to whoever sleeps. Without a reason of its own each waking would make an exception, with its stack. */
const WOKEN = 'woken';

/** While the copies are being filled. */
const UNFILLED_LOOK_MS = 50;

const IDLE_WAIT_MS = 800;
const IDLE_LOOK_MS = 10;

interface LoopState {
  readonly deps: ReconcileDeps;
  readonly membership: Membership;
  readonly queue: WorkQueue;
  readonly memories: Map<string, ClusterMemory>;
  /** Since when (monotonic) work on a cluster of another server has been due. */
  readonly dueSince: Map<string, number>;
  /** When anything was last finished (monotonic). */
  progressMs: number;
  /** When the last round was completed (monotonic). */
  roundMs: number;
  readonly rules: () => SharingRules;
  /** Clusters of others by the last look, and whose they were: one that is this server's by the next, while that one is gone, was taken over. */
  readonly others: Map<string, string | undefined>;
  readonly counts: WorkCounts;
  /** False: something is at work, and nothing has been finished for as long as makes work overdue. */
  readonly progressing: () => boolean;
  wake: () => void;
}

/** Runs an extension server until the signal aborts. */
export async function runExtensionServer(deps: InformerDeps, options: LoopOptions, signal: AbortSignal): Promise<void> {
  const informers = createInformers(deps);
  const silence = createSilenceWatch(deps, informers, () => lookAtAll(state, informers));
  const state = createState(deps, informers, options, silence);
  listen(state, informers);
  options.onBegin?.(sightOf(state, informers, silence));
  const workEnded = Promise.withResolvers<void>();
  await Promise.all([
    runInformers(informers, signal),
    state.membership.run(signal, workEnded.promise),
    silence.run(signal),
    dispatchForever(state, informers, options, signal)
      .then(() => untilIdle(state))
      .finally(workEnded.resolve),
    sweepForever(state.deps, { mine: (key) => state.membership.mine(key, 0), resyncMs: () => state.rules().resyncMs }, signal),
  ]);
}

function createState(deps: InformerDeps, informers: Informers, options: LoopOptions, silence: SilenceWatch): LoopState {
  const queue = createQueue();
  const rules = rulesOf(informers);
  const progressing = (): boolean => queue.atWork() === 0 || deps.clock.monotonicMs() - state.progressMs < rules().overdueMs;
  const state: LoopState = {
    deps: {
      ...deps,
      informers,
      rules,
      turns: createTurns(),
      massSilence: () => silence.now(),
      leaseSeen: (nodeUid) => silence.leaseSeen(nodeUid),
      component: `extension-${options.server}`,
      ...(options.telemetry === undefined ? {} : { telemetry: options.telemetry }),
      ...(options.tracer === undefined ? {} : { tracer: options.tracer }),
      wrote: (object) => learn(informers, object),
    },
    membership: createMembership(deps, options.server, { rules, obeys: () => obeyed([...informers.configs.list()]), progressing }),
    queue,
    memories: new Map(),
    dueSince: new Map(),
    progressMs: deps.clock.monotonicMs(),
    roundMs: deps.clock.monotonicMs(),
    progressing,
    rules,
    others: new Map(),
    counts: options.telemetry?.counts ?? options.counts ?? newWorkCounts(),
    wake: () => undefined,
  };
  return state;
}

function sightOf(state: LoopState, informers: Informers, silence: SilenceWatch): LoopSight {
  const { membership, queue, rules, deps } = state;
  return {
    rules,
    obeys: () => obeyed([...informers.configs.list()]),
    queueDepth: () => queue.waiting(deps.clock.monotonicMs()),
    atWork: () => queue.atWork(),
    live: () => membership.live(),
    leaseAgeMs: () => membership.leaseAgeMs(),
    unsynced: () => unsyncedOf(informers),
    sinceRoundMs: () => deps.clock.monotonicMs() - state.roundMs,
    massSilence: silence.now,
  };
}

/** The rules that hold now; worked out anew when a ServerConfig changed. */
function rulesOf(informers: Informers): () => SharingRules {
  let known: SharingRules | undefined;
  informers.configs.onChange(() => (known = undefined));
  return () => (known ??= sharingRules(activeConfig([...informers.configs.list()])));
}

function learn(informers: Informers, object: { readonly kind: string }): void {
  if (object.kind === 'Cluster') informers.clusters.learn(object as Cluster);
  else if (object.kind === 'ClusterNode') informers.nodes.learn(object as Parameters<Informers['nodes']['learn']>[0]);
  else if (object.kind === 'VirtualDataCenter')
    informers.virtualDataCenters.learn(object as Parameters<Informers['virtualDataCenters']['learn']>[0]);
  else if (object.kind === 'Site') informers.sites.learn(object as Parameters<Informers['sites']['learn']>[0]);
}

/** Looks at every cluster anew. */
function lookAtAll(state: LoopState, informers: Informers): void {
  const nowMs = state.deps.clock.monotonicMs();
  for (const cluster of informers.clusters.list()) state.queue.add(clusterKey(cluster), nowMs);
  state.wake();
}

/** Which clusters a change concerns. */
function listen(state: LoopState, informers: Informers): void {
  let isFilled = false;
  const add = (key: string, nowMs?: number): void => {
    isFilled ||= isSynced(informers);
    // Nothing is looked at before; whose it is will be asked then.
    if (isFilled) addFilled(key, nowMs ?? state.deps.clock.monotonicMs());
    else state.queue.add(key, Number.NEGATIVE_INFINITY);
  };
  const addFilled = (key: string, nowMs: number): void => {
    const isMine = state.membership.mine(key, 0, nowMs);
    // Of another server's cluster only overdue work matters here; each of its changes would be looked at by every server else.
    state.queue.add(key, nowMs + (isMine ? 0 : OTHERS_LOOK_MS));
    if (isMine) state.wake();
  };
  const addAll = (concerns: (cluster: Cluster) => boolean): void => {
    const nowMs = state.deps.clock.monotonicMs();
    for (const cluster of informers.clusters.list()) if (concerns(cluster)) add(clusterKey(cluster), nowMs);
  };
  informers.clusters.onChange((cluster) => add(clusterKey(cluster)));
  informers.nodes.onChange((node) => add(`${node.metadata.namespace ?? ''}/${node.spec.cluster}`));
  const concerned = capacityWatch(informers.indexes.clusters);
  informers.virtualDataCenters.onChange((vdc, gone) => {
    for (const cluster of concerned(vdc, gone)) add(clusterKey(cluster));
  });
  informers.releases.onChange((release) => addAll((cluster) => cluster.spec.release === release.metadata.name));
  informers.configs.onChange(() => addAll(() => true));
  informers.sites.onChange(({ metadata, status }) =>
    addAll(
      (cluster) =>
        cluster.metadata.namespace === metadata.namespace &&
        (cluster.spec.site === metadata.name || cluster.metadata.uid === status?.cluster?.uid),
    ),
  );
  informers.hosts.onChange((host) => {
    if (confirmedBoot(host) === undefined) return;
    for (const node of informers.nodes.list())
      if (node.spec.host === host.metadata.name) add(`${node.metadata.namespace ?? ''}/${node.spec.cluster}`);
  });
  state.membership.onChange(() => addAll(() => true));
}

async function dispatchForever(state: LoopState, informers: Informers, { onRound }: LoopOptions, signal: AbortSignal): Promise<void> {
  const { clock } = state.deps;
  while (!signal.aborted) {
    const ready = isSynced(informers);
    while (ready && state.queue.atWork() < state.rules().concurrency) {
      const key = state.queue.take(clock.monotonicMs());
      if (key === undefined) break;
      void look(state, informers, key, signal);
    }
    await untilDue(state, ready, signal);
    if (!state.progressing()) continue;
    state.roundMs = clock.monotonicMs();
    onRound();
  }
}

/** Sleeps until the next key is due, something changes, or half a second has gone. */
async function untilDue(state: LoopState, ready: boolean, signal: AbortSignal): Promise<void> {
  const { clock } = state.deps;
  const waker = new AbortController();
  state.wake = () => waker.abort(WOKEN);
  const hasRoom = state.queue.atWork() < state.rules().concurrency;
  const nextMs = ready && hasRoom ? state.queue.nextDueMs() : undefined;
  const longestMs = ready ? 500 : UNFILLED_LOOK_MS;
  const pauseMs = nextMs === undefined ? longestMs : Math.min(longestMs, Math.max(0, nextMs - clock.monotonicMs()));
  await clock.sleep(pauseMs, AbortSignal.any([signal, waker.signal])).catch(() => undefined);
}

/** Calls that the signal cut end at once; one that does not is waited for as long as a stop may take. */
async function untilIdle({ queue, deps }: LoopState): Promise<void> {
  const late = AbortSignal.timeout(IDLE_WAIT_MS);
  while (queue.atWork() > 0 && !late.aborted) await deps.clock.sleep(IDLE_LOOK_MS, late).catch(() => undefined);
}

async function look(state: LoopState, informers: Informers, key: string, signal: AbortSignal): Promise<void> {
  const slash = key.indexOf('/');
  const namespace = key.slice(0, slash);
  const name = key.slice(slash + 1);
  const cluster = informers.clusters.get(namespace, name);
  // After idling nothing was finished for long, and nothing is wrong: progress counts from the first look.
  if (state.queue.atWork() === 1) state.progressMs = state.deps.clock.monotonicMs();
  try {
    if (cluster === undefined) forget(state, key);
    else await lookAt(state, cluster, key, signal);
  } finally {
    state.progressMs = state.deps.clock.monotonicMs();
    state.queue.done(key);
    state.wake();
  }
}

function forget(state: LoopState, key: string): void {
  state.others.delete(key);
  state.memories.delete(key);
  state.dueSince.delete(key);
}

async function lookAt(state: LoopState, cluster: Cluster, key: string, signal: AbortSignal): Promise<void> {
  const { deps, queue } = state;
  const known = state.memories.get(key);
  const memory = known ?? NO_MEMORY;
  const nowMs = deps.clock.monotonicMs();
  const { namespace = '', name } = cluster.metadata;
  const { overdueMs, resyncMs } = state.rules();
  if (state.membership.mine(key, 0, nowMs)) {
    if (isTakenOver(state.others.get(key), state.membership.live(nowMs))) state.counts.takeovers += 1;
    state.others.delete(key);
  } else {
    const isFirst = !state.others.has(key);
    state.others.set(key, ownerOf(key, state.membership.live(nowMs)));
    const isDue = isWorkDue(deps, namespace, name, memory);
    if (!isDue) state.dueSince.delete(key);
    const since = isDue ? (state.dueSince.get(key) ?? nowMs) : nowMs;
    if (isDue) state.dueSince.set(key, since);
    if (!isDue || !state.membership.mine(key, nowMs - since, nowMs)) {
      queue.add(key, isDue ? Math.max(since + overdueMs, nowMs + 500) : nextResyncMs(nowMs, resyncMs, isFirst, deps.random.float()));
      return;
    }
    state.counts.overdue += 1;
    deps.log.warn(`Work on ${key} has been due for ${overdueMs / 1000} s and its server does nothing; this one does it.`);
  }
  state.dueSince.delete(key);
  const result = await reconcile(deps, cluster, memory, signal);
  const afterMs = deps.clock.monotonicMs();
  if (deps.telemetry !== undefined) countLook(deps.telemetry, afterMs - nowMs);
  state.memories.set(key, result.memory);
  state.counts.looks += 1;
  if (result.lostRace) state.counts.conflicts += 1;
  const { againMs } = result;
  queue.add(key, againMs === undefined ? nextResyncMs(afterMs, resyncMs, known === undefined, deps.random.float()) : afterMs + againMs);
}
