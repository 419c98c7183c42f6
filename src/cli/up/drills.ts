/**
 * The drills of the control plane (ExtensionServer, Director, Database), carried out by the `outrigger up` that runs the parts: it kills them for
 * real, its supervisors start them again as ever, and it writes down what that took.
 *
 * I1: one at a time, claimed by compare-and-swap, refused with the reason like those at a site.
 * I2: one that an earlier up had begun ends as Failed: what it measured is lost.
 * I3: the result is written for as long as it takes until a director takes it.
 */

import { createInformer } from '../../client/informer.ts';
import { clusterRefusal, controlDrillOf, isEnded, isSiteTarget, serviceOf, staleOrBusy } from '../../decide/drill.ts';
import type { DrillService } from '../../decide/drill.ts';
import { drillVerdict, loadMeasured } from '../../decide/drill-verdict.ts';
import type { DrillMeasured } from '../../decide/drill-verdict.ts';
import { CLUSTERS, CLUSTER_RELEASES, DRILLS } from '../../model/addresses.ts';
import type { Cluster } from '../../model/cluster.ts';
import type { ClusterRelease } from '../../model/cluster-release.ts';
import type { Drill, DrillStatus } from '../../model/drill.ts';
import { Fault, isFault } from '../../model/fault.ts';
import { LIMITS } from '../../model/limits.ts';
import type { Answer } from '../../ports/api.ts';
import type { Load } from '../../ports/load.ts';
import { balancedOf } from '../../decide/drill-services.ts';
import { prepareAct, tidyAct } from './drill-acts.ts';
import type { Act, ActParts } from './drill-acts.ts';

const EXECUTOR = 'outrigger up';
const SAY_EVERY_MS = 250;
const LOOK_MS = 200;

/** Follows the drills until the signal aborts. `say`: a line for the person who watches. */
export async function carryOutDrills(parts: ActParts, say: (sentence: string) => void, signal: AbortSignal): Promise<void> {
  const { deps, api } = parts;
  const informer = createInformer<Drill>({ api, clock: deps.clock, random: deps.random, log: SILENT }, DRILLS);
  void informer.run(signal);
  while (!signal.aborted) {
    const open = [...informer.list()].filter((drill) => !isSiteTarget(drill.spec.target) && !isEnded(drill)).toSorted(byAge);
    for (const drill of open) {
      const ended = await carryOut(parts, drill, [...informer.list()], say, signal).catch((cause: unknown) => {
        if (signal.aborted || isFault(cause)) return undefined;
        throw cause;
      });
      if (ended !== undefined) informer.learn(ended);
    }
    await deps.clock.sleep(LOOK_MS, signal).catch(() => undefined);
  }
}

const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined, with: () => SILENT };

function byAge(a: Drill, b: Drill): number {
  return a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp);
}

/** The drill as it was left; undefined: it changed meanwhile. Throws `Fault` when nobody answers: it is tried again. */
async function carryOut(
  parts: ActParts,
  drill: Drill,
  all: readonly Drill[],
  say: (sentence: string) => void,
  signal: AbortSignal,
): Promise<Drill | undefined> {
  const { deps } = parts;
  const now = (): string => new Date(deps.clock.nowMs()).toISOString();
  if (drill.status?.phase === 'Running') {
    await tidyAct(parts, drill, signal);
    return await write(
      parts,
      drill,
      { phase: 'Failed', message: 'The outrigger up that carried it out ended in the middle of it.', endedAt: now() },
      signal,
    );
  }
  const around = await surroundings(parts, drill, signal);
  const refusal =
    staleOrBusy({ drill, ageMs: deps.clock.nowMs() - Date.parse(drill.metadata.creationTimestamp), drills: rivals(drill, all) }) ??
    around.refusal;
  if (refusal !== undefined)
    return await write(parts, drill, { phase: 'Refused', executor: EXECUTOR, message: refusal, endedAt: now() }, signal);
  const servers = parts.ready().filter((name) => name.startsWith('extension-')).length;
  const { expected, promise } = controlDrillOf(drill.spec.target, servers, drill.spec.cluster);
  const message = 'It is prepared; then it kills.';
  const claimed = await write(parts, drill, { phase: 'Running', executor: EXECUTOR, message, expected, promise, startedAt: now() }, signal);
  if (claimed === undefined) return undefined;
  say(`Drill ${drill.metadata.namespace ?? ''}/${drill.metadata.name} begins: ${expected}`);
  const outcome = await outcomeOf(parts, drill, around.way, signal);
  const status: DrillStatus = 'why' in outcome ? { phase: 'Failed', message: outcome.why.slice(0, 1024) } : drillVerdict(promise, outcome);
  say(`Drill ${drill.metadata.namespace ?? ''}/${drill.metadata.name} has ended: ${status.phase ?? ''}. ${status.message ?? ''}`);
  return await insist(parts, claimed, { ...status, endedAt: now() }, signal);
}

/** Those of the same cluster, and all of the control plane. */
function rivals({ metadata, spec }: Drill, all: readonly Drill[]): readonly Drill[] {
  return all.filter((other) => {
    const isSame = other.metadata.namespace === metadata.namespace && spec.cluster !== undefined && other.spec.cluster === spec.cluster;
    return isSame || !isSiteTarget(other.spec.target);
  });
}

// ---- the cluster whose services are asked meanwhile -------------------------------------------------------------------------------------

interface Way {
  readonly host: string;
  readonly service: DrillService;
}

async function surroundings(
  { api }: ActParts,
  { metadata, spec }: Drill,
  signal: AbortSignal,
): Promise<{ readonly refusal?: string; readonly way?: Way }> {
  if (spec.cluster === undefined) return {};
  const namespace = metadata.namespace ?? '';
  const cluster = found(await api.get<Cluster>(CLUSTERS, namespace, spec.cluster, signal));
  if (cluster === undefined) return { refusal: `There is no cluster ${spec.cluster} in namespace ${namespace}.` };
  const refusal = clusterRefusal(cluster, spec);
  if (refusal !== undefined) return { refusal };
  const release = found(
    await api.get<ClusterRelease>(CLUSTER_RELEASES, '', cluster.status?.release?.current ?? cluster.spec.release, signal),
  );
  const service = release === undefined ? undefined : serviceOf(balancedOf(cluster, release), spec.service);
  const host = Object.values(cluster.status?.nodes ?? {}).find(({ ready }) => ready === true)?.address;
  if (service === undefined || host === undefined)
    return {
      refusal: `Cluster ${spec.cluster} has no ${spec.service === undefined ? 'service' : `service ${spec.service}`} that is balanced by a ready node.`,
    };
  return { way: { host, service } };
}

function found<T>(answer: Answer<T>): T | undefined {
  if (answer.ok) return answer.value;
  if (answer.reason === 'NotFound') return undefined;
  throw new Fault('DirectorRefused', answer.message);
}

// ---- carrying it out --------------------------------------------------------------------------------------------------------------------

async function outcomeOf(
  parts: ActParts,
  drill: Drill,
  way: Way | undefined,
  signal: AbortSignal,
): Promise<DrillMeasured | { readonly why: string }> {
  const end = new AbortController();
  const either = AbortSignal.any([signal, end.signal]);
  let load: Load | undefined;
  try {
    const act = await prepareAct(parts, drill, signal);
    load = way === undefined ? undefined : startLoad(parts, drill, way, either);
    return await measured(parts, drill, act, load, signal);
  } catch (cause) {
    if (!isFault(cause) || signal.aborted) throw cause;
    return { why: cause.message };
  } finally {
    end.abort();
    await load?.ended;
    await tidyAct(parts, drill, signal);
  }
}

function startLoad({ deps }: ActParts, { spec }: Drill, { host, service }: Way, signal: AbortSignal): Load {
  const isHttp = service.protocol === 'HTTP' && service.framework === undefined;
  const request = isHttp ? ({ kind: 'Http', path: service.path } as const) : ({ kind: 'Tcp', firstByte: false } as const);
  const amount = { keptClients: spec.keepAliveClients, freshPerSecond: spec.connectionsPerSecond };
  return deps.loads.start({ host, port: service.port, request, ...amount }, signal);
}

async function measured(
  { deps }: ActParts,
  { spec }: Drill,
  act: Act,
  load: Load | undefined,
  signal: AbortSignal,
): Promise<DrillMeasured | { readonly why: string }> {
  const { clock } = deps;
  const startedMs = clock.monotonicMs();
  if (load !== undefined) {
    await clock.sleep(LIMITS.drillLeadMs, signal);
    const before = load.take();
    if (before.failed > 0 || before.attempts === 0)
      return {
        why: `Nothing was killed: ${before.failed} of ${before.attempts} requests failed before that (${loadMeasured(before).reasons}).`,
      };
  }
  const result = await act(signal);
  if (load === undefined) return result;
  const untilMs = Math.max(startedMs + spec.seconds * 1000, clock.monotonicMs() + LIMITS.drillTailMs);
  await clock.sleep(untilMs - clock.monotonicMs(), signal);
  return { ...result, load: loadMeasured(load.report()) };
}

// ---- saying it --------------------------------------------------------------------------------------------------------------------------

/** Undefined: it changed meanwhile, or is gone. */
async function write({ api }: ActParts, drill: Drill, status: DrillStatus, signal: AbortSignal): Promise<Drill | undefined> {
  const { namespace = '', name, uid, resourceVersion } = drill.metadata;
  const patch = { metadata: { uid, resourceVersion }, status: { ...status } };
  const answer = await api.mergePatch<Drill>(DRILLS, namespace, name, patch, signal, 'status');
  return answer.ok ? answer.value : undefined;
}

/** Until a director answers. */
async function insist(parts: ActParts, drill: Drill, status: DrillStatus, signal: AbortSignal): Promise<Drill | undefined> {
  for (;;) {
    try {
      return await write(parts, drill, status, signal);
    } catch (cause) {
      if (!isFault(cause) || signal.aborted) throw cause;
      await parts.deps.clock.sleep(SAY_EVERY_MS, signal);
    }
  }
}
