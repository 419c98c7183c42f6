/**
 * One look at one cluster: decide, carry out, remember what is needed for the next look.
 *
 * I1: a look decides on the copies first; it reads live only when the decision asks for it, or when the last look lost a race.
 * I2: what the director refused for good is told to the next decision, until something else succeeds.
 * I3: after a failure the next look comes with back-off, so that nothing spins. A lost race is somebody's success, so it is tried again sooner.
 * I4: what changes the reservations of a VirtualDataCenter is decided and carried out in turn (turns.ts), and the cluster looked at again at once.
 */

import { backoffMs } from '../base/backoff.ts';
import type { ClusterView, Decision } from '../decide/cluster-view.ts';
import { decideCluster } from '../decide/creation.ts';
import { clusterLogFields } from '../decide/log-fields.ts';
import { NO_OBSERVATIONS, observe } from '../decide/observation.ts';
import type { SharingRules } from '../decide/sharding.ts';
import { creationSpans } from '../decide/trace.ts';
import { VIRTUAL_DATA_CENTERS } from '../model/addresses.ts';
import type { Cluster } from '../model/cluster.ts';
import { isFault } from '../model/fault.ts';
import type { Tracer } from '../ports/tracer.ts';
import { carryOut } from './act.ts';
import type { ActDeps, Outcome } from './act.ts';
import { countAttempts } from './telemetry.ts';
import type { Turns } from './turns.ts';
import { writeSpans } from './write-spans.ts';
import { cachedView, liveView } from './view.ts';
import type { Informers, Memory, Observer } from './view.ts';

export interface ReconcileDeps extends ActDeps, Observer {
  readonly informers: Informers;
  /** As they are now. */
  readonly rules: () => Pick<SharingRules, 'retryMs' | 'retryCapMs' | 'overdueMs'>;
  /** Of the VirtualDataCenters, by `<namespace>/<name>`. */
  readonly turns: Turns;
  /** Absent: nothing is traced. */
  readonly tracer?: Tracer;
}

/** What is remembered of a cluster between two looks. Losing it costs time, never safety. */
export interface ClusterMemory extends Memory {
  readonly failures: number;
  /** The last look lost a race: the copies lag. */
  readonly stale: boolean;
}

export const NO_MEMORY: ClusterMemory = { seen: NO_OBSERVATIONS, failures: 0, stale: false };

export interface Look {
  readonly memory: ClusterMemory;
  /** Look again after this many ms; absent: only when something changes, or at the next resync. */
  readonly againMs?: number;
  /** It ended because somebody else was faster. */
  readonly lostRace?: boolean;
}

const RETRY_JITTER = 0.3;
/** How often a reservation that other servers overtook is tried again at once. */
const RESERVE_TRIES = 8;
const LOST_RACE = { baseMs: 20, capMs: 1_000, jitter: 0.5 };

/** Whether something is to be done about the cluster, judged on the copies alone, without doing it. */
export function isWorkDue(deps: ReconcileDeps, namespace: string, name: string, memory: ClusterMemory): boolean {
  const view = cachedView(deps.informers, namespace, name, memory, deps);
  if (view === undefined) return false;
  const decision = decideCluster(view);
  return decision.needsLive || decision.effects.length > 0;
}

export async function reconcile(all: ReconcileDeps, cluster: Cluster, memory: ClusterMemory, signal: AbortSignal): Promise<Look> {
  const deps = ofCluster(all, cluster);
  try {
    const { view, decision } = await decide(deps, cluster, memory, signal);
    if (view === undefined) return { memory: { ...memory, stale: false } };
    const home = homeChangedBy(decision);
    if (home === undefined) return await follow(deps, view, decision, memory, signal);
    return await deps.turns.inTurn(home, async () => await inTurn(deps, cluster, memory, signal));
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    return failed(deps, memory, { result: 'unreachable', message: cause.message }, signal);
  }
}

/** The same, for one cluster: every line of the log bears its name and attempt, and what is written of its attempts is counted. */
function ofCluster(deps: ReconcileDeps, cluster: Cluster): ReconcileDeps {
  const { name, namespace = '', uid } = cluster.metadata;
  // What is done before the first attempt leads to it.
  const log = deps.log.with(clusterLogFields(namespace, name, cluster.status?.attempt ?? 1));
  let before = cluster;
  const wrote: ReconcileDeps['wrote'] = (object) => {
    if (object.kind === 'Cluster' && object.metadata.uid === uid) {
      const after = object as Cluster;
      if (deps.telemetry !== undefined) countAttempts(deps.telemetry, before, after);
      if (deps.tracer !== undefined) for (const span of creationSpans(before, after)) deps.tracer.tell(span);
      before = after;
    }
    deps.wrote(object);
  };
  return { ...deps, log, wrote, spans: writeSpans(deps, cluster) };
}

/**
 * What those who were before us wrote is in the copies by now, so all is decided anew. Other servers may still be faster: then the VirtualDataCenter
 * alone is read again, because the longer the way from reading it to the write, the surer that is lost too.
 */
async function inTurn(deps: ReconcileDeps, cluster: Cluster, memory: ClusterMemory, signal: AbortSignal): Promise<Look> {
  for (let tries = 1; ; tries++) {
    const { view, decision } = await decide(deps, cluster, tries === 1 ? memory : { ...memory, stale: false }, signal);
    if (view === undefined) return { memory: { ...memory, stale: false } };
    const outcome = await carryOut(deps, decision.effects, view.live, signal);
    if (outcome.result === 'done') return { ...concluded(deps, view, decision, memory, outcome, signal), againMs: 0 };
    const isOvertaken = outcome.result === 'conflict' && outcome.lost === 'Reserve';
    if (!isOvertaken || tries >= RESERVE_TRIES) return concluded(deps, view, decision, memory, outcome, signal);
    await refreshHome(deps, cluster, signal);
  }
}

async function refreshHome(deps: ReconcileDeps, { metadata, spec }: Cluster, signal: AbortSignal): Promise<void> {
  const read = await deps.api.get(VIRTUAL_DATA_CENTERS, metadata.namespace ?? '', spec.virtualDataCenter, signal);
  if (read.ok) deps.wrote(read.value);
}

type Decided = { readonly view: ClusterView; readonly decision: Decision } | { readonly view: undefined; readonly decision: undefined };

/** On the copies where they will do, else live. No view: there is no such cluster any more. */
async function decide(deps: ReconcileDeps, cluster: Cluster, memory: ClusterMemory, signal: AbortSignal): Promise<Decided> {
  const { namespace = '', name } = cluster.metadata;
  const cached = memory.stale ? undefined : cachedView(deps.informers, namespace, name, memory, deps);
  const first = cached === undefined ? undefined : decideCluster(cached);
  if (cached !== undefined && first !== undefined && !first.needsLive) return { view: cached, decision: first };
  const live = await liveView(deps.api, deps.informers, cluster, remember(memory, cached, first), deps, signal);
  return live === undefined ? { view: undefined, decision: undefined } : { view: live, decision: decideCluster(live) };
}

/** The VirtualDataCenter whose reservations the decision changes; undefined: of none. */
function homeChangedBy({ effects }: Decision): string | undefined {
  const change = effects.find((effect) => effect.kind === 'Reserve' || effect.kind === 'Unreserve');
  return change === undefined ? undefined : `${change.on.namespace}/${change.on.name}`;
}

/** Facts are timed from the first decision that named them, also when that one only asked for a live view. */
function remember(memory: ClusterMemory, view: ClusterView | undefined, decision: Decision | undefined): Memory {
  if (view === undefined || decision === undefined) return memory;
  return { ...memory, seen: observe(memory.seen, decision.watching, view.monotonicMs) };
}

async function follow(
  deps: ReconcileDeps,
  view: ClusterView,
  decision: Decision,
  memory: ClusterMemory,
  signal: AbortSignal,
): Promise<Look> {
  return concluded(deps, view, decision, memory, await carryOut(deps, decision.effects, view.live, signal), signal);
}

/** What is remembered of a decision after its effects were carried out, and when it is looked at again. */
function concluded(
  deps: ReconcileDeps,
  view: ClusterView,
  decision: Decision,
  memory: ClusterMemory,
  outcome: Outcome,
  signal: AbortSignal,
): Look {
  const seen = observe(memory.seen, decision.watching, view.monotonicMs);
  if (outcome.result !== 'done') return failed(deps, { ...memory, seen }, outcome, signal);
  const next: ClusterMemory = { seen, failures: 0, stale: false };
  // A refusal is only told while it lasts; with nothing to do it may still be what the conditions say.
  const kept = decision.effects.length === 0 && memory.refusal !== undefined ? { ...next, refusal: memory.refusal } : next;
  return decision.requeueAfterMs === undefined ? { memory: kept } : { memory: kept, againMs: decision.requeueAfterMs };
}

function failed(deps: ReconcileDeps, memory: ClusterMemory, outcome: Exclude<Outcome, { result: 'done' }>, signal: AbortSignal): Look {
  const failures = memory.failures + 1;
  const isRace = outcome.result === 'conflict';
  if (!isRace && outcome.message !== memory.refusal) say(deps, outcome, signal);
  const refusal = outcome.result === 'refused' ? outcome.message : memory.refusal;
  // The first lost races are no failure: somebody else was faster, and a live look follows at once.
  const { retryMs, retryCapMs, overdueMs } = deps.rules();
  const retry = isRace ? LOST_RACE : { baseMs: retryMs, capMs: retryCapMs, jitter: RETRY_JITTER };
  const againMs = isRace && failures <= 3 ? 0 : backoffMs(retry, failures, deps.random.float());
  return {
    memory: { seen: memory.seen, failures, stale: outcome.result !== 'refused', ...(refusal === undefined ? {} : { refusal }) },
    // Work that waits for longer counts as overdue, and others would do it.
    againMs: Math.min(againMs, overdueMs),
    lostRace: isRace,
  };
}

/** A call that this server's own stop cut off is no failure of anybody. */
function say(deps: ReconcileDeps, { result, message }: Exclude<Outcome, { result: 'done' | 'conflict' }>, signal: AbortSignal): void {
  if (signal.aborted) deps.log.debug(message, { result });
  else deps.log.warn(message, { result });
}
