/**
 * `outrigger drill`: asks for the rehearsal of a failure, shows how it goes, and what it measured.
 *
 * I1: what should happen is said before anything is killed; a drill that would be refused is not even made.
 * I2: a director that dies meanwhile, because the drill kills it or otherwise, is waited for.
 * I3: the record stays: this command only shows it.
 */

import { controlDrillOf, decideSiteDrill, isEnded, isSiteTarget } from '../decide/drill.ts';
import type { DrillService, SiteDrill } from '../decide/drill.ts';
import { CLUSTERS, CLUSTER_NODES, CLUSTER_RELEASES, DRILLS } from '../model/addresses.ts';
import type { Cluster } from '../model/cluster.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import type { ClusterRelease } from '../model/cluster-release.ts';
import type { Drill, DrillPhase, DrillSpec, DrillTarget } from '../model/drill.ts';
import { Fault, isFault } from '../model/fault.ts';
import type { ExitCode } from '../model/fault.ts';
import { LABEL_CLUSTER_UID } from '../model/labels.ts';
import { LIMITS } from '../model/limits.ts';
import { GROUP_VERSION } from '../model/resource.ts';
import type { Answer, EntityApi } from '../ports/api.ts';
import type { Clock } from '../ports/clock.ts';
import { balancedOf } from '../decide/drill-services.ts';
import { fittedTable } from './status/lines.ts';
import { watchServers } from './status/servers.ts';
import { renderAge, renderTable } from './table.ts';

export interface DrillDeps {
  readonly api: EntityApi;
  readonly clock: Clock;
  /** Letters and digits that make a name unique. */
  readonly unique: () => string;
  /** A line for people, as it comes. */
  readonly show: (text: string) => void;
}

export interface DrillAsk {
  readonly namespace: string;
  readonly spec: DrillSpec;
}

export interface DrillOutcome {
  readonly exit: ExitCode;
  readonly drill: Drill | undefined;
}

/** As people type them. */
export const DRILL_WORDS: Readonly<Record<string, DrillTarget>> = {
  instance: 'Instance',
  agent: 'Agent',
  balancer: 'Balancer',
  node: 'Node',
  'extension-server': 'ExtensionServer',
  director: 'Director',
  database: 'Database',
};

const LOOK_MS = 250;
/** Whoever carries drills out looks within a second. */
const CLAIM_MS = 30_000;
const SPARE_MS = 60_000;

export async function runDrill(deps: DrillDeps, ask: DrillAsk, signal: AbortSignal): Promise<DrillOutcome> {
  const cluster = ask.spec.cluster === undefined ? undefined : await clusterOf(deps.api, ask.namespace, ask.spec.cluster, signal);
  if (isSiteTarget(ask.spec.target) && cluster !== undefined) {
    const decision = await foreseen(deps, ask, cluster, signal);
    if (decision?.do === 'refuse') {
      deps.show(`Refused: ${decision.why}\n`);
      return { exit: 3, drill: undefined };
    }
    if (decision !== undefined) deps.show(`${decision.expected}\n`);
  }
  if (!isSiteTarget(ask.spec.target)) {
    const servers = ask.spec.target === 'ExtensionServer' ? (await watchServers(deps, signal))?.live.length : 0;
    if (servers !== undefined) deps.show(`${controlDrillOf(ask.spec.target, servers, ask.spec.cluster).expected}\n`);
  }
  const drill = await made(deps, ask, cluster, signal);
  deps.show(`Drill ${ask.namespace}/${drill.metadata.name}: kubectl -n ${ask.namespace} get drill ${drill.metadata.name} -o yaml\n`);
  return await followed(deps, drill, signal);
}

async function clusterOf(api: EntityApi, namespace: string, name: string, signal: AbortSignal): Promise<Cluster> {
  const answer = await api.get<Cluster>(CLUSTERS, namespace, name, signal);
  if (answer.ok) return answer.value;
  if (answer.reason === 'NotFound')
    throw new Fault('UsageWrong', `There is no cluster ${name} in namespace ${namespace}; name another with -n.`);
  throw new Fault('DirectorRefused', `Cluster ${name} is not shown: ${answer.message}`);
}

/** By the same function that its executor asks; undefined: only that one can tell. */
async function foreseen(
  { api }: DrillDeps,
  { namespace, spec }: DrillAsk,
  cluster: Cluster,
  signal: AbortSignal,
): Promise<SiteDrill | undefined> {
  const { uid, name } = cluster.metadata;
  const nodes = valueOf(
    await api.list<ClusterNode>(CLUSTER_NODES, { namespace, labelSelector: `${LABEL_CLUSTER_UID}=${uid}` }, signal),
  )?.items;
  const drills = valueOf(await api.list<Drill>(DRILLS, { namespace, fieldSelector: `spec.cluster=${name}` }, signal))?.items;
  const runs = cluster.status?.release?.current ?? cluster.spec.release;
  const release = valueOf(await api.get<ClusterRelease>(CLUSTER_RELEASES, '', runs, signal));
  if (nodes === undefined || release === undefined) return undefined;
  const services: readonly DrillService[] = balancedOf(cluster, release);
  const metadata = { name: '', uid: '', resourceVersion: '0', creationTimestamp: '9999' };
  const drill: Drill = { apiVersion: GROUP_VERSION, kind: 'Drill', metadata, spec };
  return decideSiteDrill({ drill, ageMs: 0, cluster, nodes, unheard: new Set(), drills: drills ?? [], services });
}

function valueOf<T>(answer: Answer<T>): T | undefined {
  return answer.ok ? answer.value : undefined;
}

/** It goes with its cluster. */
async function made(
  { api, unique }: DrillDeps,
  { namespace, spec }: DrillAsk,
  cluster: Cluster | undefined,
  signal: AbortSignal,
): Promise<Drill> {
  const word = Object.entries(DRILL_WORDS).find(([, target]) => target === spec.target)?.[0] ?? 'drill';
  const name = [cluster?.metadata.name, word, unique()].filter((one) => one !== undefined).join('-');
  const owner =
    cluster === undefined ? [] : [{ apiVersion: GROUP_VERSION, kind: 'Cluster', name: cluster.metadata.name, uid: cluster.metadata.uid }];
  const object = { apiVersion: GROUP_VERSION, kind: 'Drill', metadata: { name, namespace, ownerReferences: owner }, spec };
  const answer = await api.create<Drill>(DRILLS, namespace, object, signal);
  if (answer.ok) return answer.value;
  throw new Fault('DirectorRefused', `The drill was not made: ${answer.message}`);
}

// ---- following it -----------------------------------------------------------------------------------------------------------------------

async function followed(deps: DrillDeps, first: Drill, signal: AbortSignal): Promise<DrillOutcome> {
  const { clock } = deps;
  const startedMs = clock.monotonicMs();
  const mayTakeMs = first.spec.seconds * 1000 + LIMITS.drillRecoveryMs + SPARE_MS;
  let drill = first;
  let said = '';
  let isSilent = false;
  for (;;) {
    const waitedMs = clock.monotonicMs() - startedMs;
    if (isEnded(drill)) return { exit: finish(deps, drill), drill };
    if (drill.status?.executor === undefined && !isSilent && waitedMs > CLAIM_MS) return { exit: nobody(deps, drill), drill };
    if (waitedMs > mayTakeMs) {
      deps.show(
        `It has not ended after ${Math.round(waitedMs / 1000)} s; see how it stands: kubectl -n ${drill.metadata.namespace ?? ''} get drill ${drill.metadata.name} -o yaml\n`,
      );
      return { exit: 5, drill };
    }
    said = progress(deps, drill, said);
    await clock.sleep(LOOK_MS, signal);
    const seen = await readAgain(deps, drill, signal);
    if (seen === 'silent' && !isSilent) deps.show('No director answers; waiting for one.\n');
    isSilent = seen === 'silent';
    if (seen !== 'silent') drill = seen;
  }
}

async function readAgain({ api }: DrillDeps, { metadata }: Drill, signal: AbortSignal): Promise<Drill | 'silent'> {
  try {
    const answer = await api.get<Drill>(DRILLS, metadata.namespace ?? '', metadata.name, signal);
    if (answer.ok) return answer.value;
    if (answer.reason === 'NotFound') throw new Fault('DirectorRefused', `Drill ${metadata.name} was deleted meanwhile.`);
    return 'silent';
  } catch (cause) {
    if (isFault(cause, 'DirectorRefused') || !isFault(cause) || signal.aborted) throw cause;
    return 'silent';
  }
}

/** What was said last. */
function progress(deps: DrillDeps, { status }: Drill, said: string): string {
  const now = `${status?.executor ?? ''} ${status?.message ?? ''}`;
  if (status?.phase !== 'Running' || now === said) return said;
  deps.show(`Carried out by ${status.executor ?? 'nobody'}: ${status.message ?? ''}\n`);
  return now;
}

function nobody(deps: DrillDeps, { metadata, spec }: Drill): ExitCode {
  const who = isSiteTarget(spec.target)
    ? `no agent of cluster ${spec.cluster ?? ''} that could carry it out reaches a director`
    : 'only the "outrigger up" that runs the parts can kill them, and none follows this director';
  deps.show(
    `Nobody carries the drill out: ${who}. Nothing was killed; delete it: kubectl -n ${metadata.namespace ?? ''} delete drill ${metadata.name}\n`,
  );
  return 5;
}

const EXITS: Readonly<Partial<Record<DrillPhase, ExitCode>>> = { Passed: 0, Broken: 1, Failed: 1, Refused: 3 };

function finish(deps: DrillDeps, drill: Drill): ExitCode {
  const { phase = 'Failed' } = drill.status ?? {};
  deps.show(renderDrill(drill));
  return EXITS[phase] ?? 1;
}

/** For people: what was measured, against what was promised. */
export function renderDrill({ status }: Drill): string {
  const rows = (status?.verdict ?? []).map(({ what, measured, promised, kept }) => [
    what,
    measured,
    promised ?? 'not promised',
    promised === undefined && kept ? '' : kept ? 'kept' : 'BROKEN',
  ]);
  const killed = (status?.killed ?? []).map(({ what, pids }) => `${what} (${pids.join(', ')})`);
  return [
    ...(killed.length === 0 ? [] : [`Killed: ${killed.join('; ')}\n`]),
    ...(rows.length === 0 ? [] : [`\n${renderTable(['', 'MEASURED', 'PROMISED', ''], rows)}\n`]),
    `${status?.phase ?? 'Pending'}: ${status?.message ?? ''}\n`,
  ].join('');
}

// ---- the list ---------------------------------------------------------------------------------------------------------------------------

/** `namespace` undefined: all. Throws `Fault` DirectorRefused. */
export async function listDrills(api: EntityApi, namespace: string | undefined, signal: AbortSignal): Promise<readonly Drill[]> {
  const answer = await api.list<Drill>(DRILLS, namespace === undefined ? {} : { namespace }, signal);
  if (!answer.ok) throw new Fault('DirectorRefused', `Drills are not shown: ${answer.message}`);
  return answer.value.items.toSorted((a, b) => a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp));
}

export function renderDrills(drills: readonly Drill[], nowMs: number): string {
  if (drills.length === 0) return 'No drills.\n';
  const ms = (value: number | undefined): string => (value === undefined ? '' : `${(value / 1000).toFixed(2)} s`);
  const rows = drills.map(({ metadata, spec, status }) => [
    `${metadata.namespace ?? ''}/${metadata.name}`,
    spec.target,
    spec.cluster ?? '',
    status?.phase ?? 'Pending',
    ms(status?.detectedMs),
    ms(status?.recoveredMs),
    status?.requests === undefined ? '' : `${status.requests.failed}/${status.requests.total}`,
    renderAge(nowMs - Date.parse(metadata.creationTimestamp)),
    status?.message ?? '',
  ]);
  return fittedTable(['DRILL', 'TARGET', 'CLUSTER', 'PHASE', 'DETECTED', 'RECOVERED', 'FAILED', 'AGE', 'MESSAGE'], rows, '');
}
