/**
 * `outrigger node adopt` and `outrigger node discard`: a person's word about nodes that run on a host and are not among the director's.
 *
 * I1: nothing is done that the host does not report at this moment; the director checks it again.
 * I2: a node is made anew before the spec asks for it, so that nobody makes another one in its place.
 */

import { adoptedNode } from '../decide/adoption.ts';
import { requestOf } from '../decide/request.ts';
import { reserve } from '../decide/reservation.ts';
import { CLUSTER_NODES, CLUSTERS, HOSTS, VIRTUAL_DATA_CENTERS } from '../model/addresses.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import type { Cluster } from '../model/cluster.ts';
import { Fault } from '../model/fault.ts';
import type { ExitCode } from '../model/fault.ts';
import type { Host, UnclaimedNode } from '../model/host.ts';
import { ANNOTATION_DISCARD, reservationKey } from '../model/labels.ts';
import type { VirtualDataCenter } from '../model/virtual-data-center.ts';
import type { Answer, EntityApi } from '../ports/api.ts';
import type { Clock } from '../ports/clock.ts';

export interface UnclaimedDeps {
  readonly api: EntityApi;
  readonly clock: Clock;
  /** A line for people, as it comes. */
  readonly show: (text: string) => void;
}

export interface AdoptOrder {
  readonly host: string;
  readonly namespace: string;
  /** Of the ClusterNode. */
  readonly name: string;
  /** Also raises spec.workers where it asks for fewer. */
  readonly scale: boolean;
  readonly deadlineMs: number;
}

export interface DiscardOrder {
  readonly host: string;
  /** Uid of the node, or its name where that is enough. */
  readonly which: string;
  readonly deadlineMs: number;
}

const LOOK_EVERY_MS = 300;
/** Compare-and-swap rounds. */
const ROUNDS = 5;

/** The exit code: 0 when the host says that the node is the director's again, 5 when it has not said so in time. */
export async function adoptNode(deps: UnclaimedDeps, order: AdoptOrder, signal: AbortSignal): Promise<ExitCode> {
  const { api, show } = deps;
  const host = await readHost(api, order.host, signal);
  const entry = entryOf(host, (one) => one.namespace === order.namespace && one.name === order.name, `${order.namespace}/${order.name}`);
  if (entry.why === 'HeldElsewhere') throw new Fault('DirectorRefused', `${entry.message ?? ''}.`);
  const cluster = await clusterOf(api, entry, signal);
  if (entry.why === 'OlderIncarnation') await takeBackLife(api, entry, order.host, signal);
  else {
    await reserveFor(api, cluster, entry, signal);
    await makeAnew(api, cluster, entry, order.host, signal);
  }
  show(`${entry.namespace}/${entry.name} is made anew with uid ${entry.uid}, incarnation ${entry.incarnation}.\n`);
  await scaleFor(deps, cluster, entry, order.scale, signal);
  const isSettled = (now: Host): boolean => now.status?.unclaimedNodes?.some((one) => one.uid === entry.uid) !== true;
  if (await settles(deps, order.host, isSettled, order.deadlineMs, signal)) {
    show(`Host ${order.host} knows it as its own again.\n`);
    return 0;
  }
  show(`Host ${order.host} has not said yet that it knows it as its own; see whether it is heard: kubectl get host ${order.host}\n`);
  return 5;
}

/** The exit code: 0 when the host says that nothing of it is left, 5 when it has not said so in time; then the request stands. */
export async function discardNode(deps: UnclaimedDeps, order: DiscardOrder, signal: AbortSignal): Promise<ExitCode> {
  const { api, show } = deps;
  const host = await readHost(api, order.host, signal);
  const { uid, namespace, name } = entryOf(
    host,
    (one) => one.uid === order.which || one.name === order.which || `${one.namespace}/${one.name}` === order.which,
    order.which,
  );
  await changeDiscarded(api, order.host, (uids) => [...new Set([...uids, uid])], signal);
  show(`Host ${order.host} is asked to stop ${namespace}/${name} (uid ${uid}), pods and all.\n`);
  const isSettled = (now: Host): boolean => now.status?.unclaimedNodes?.some((one) => one.uid === uid) !== true;
  if (!(await settles(deps, order.host, isSettled, order.deadlineMs, signal))) {
    show(`It has not stopped it yet; the request stands: kubectl get host ${order.host} -o yaml (annotation ${ANNOTATION_DISCARD})\n`);
    return 5;
  }
  await changeDiscarded(api, order.host, (uids) => uids.filter((one) => one !== uid), signal);
  show('Nothing of it is left there.\n');
  return 0;
}

// ---- steps ------------------------------------------------------------------------------------------------------------------------------

async function readHost(api: EntityApi, name: string, signal: AbortSignal): Promise<Host> {
  const answer = await api.get<Host>(HOSTS, '', name, signal);
  if (answer.ok) return answer.value;
  if (answer.reason === 'NotFound') throw new Fault('UsageWrong', `There is no Host ${name}; see kubectl get hosts.`);
  throw new Fault('DirectorRefused', `Host ${name} is not shown: ${answer.message}`);
}

/** The one that is meant. */
function entryOf(host: Host, isMeant: (entry: UnclaimedNode) => boolean, which: string): UnclaimedNode {
  const all = host.status?.unclaimedNodes ?? [];
  const meant = all.filter(isMeant);
  const [only] = meant;
  if (only !== undefined && meant.length === 1) return only;
  const known = all.map((one) => `${one.namespace}/${one.name} (uid ${one.uid})`).join(', ');
  const { name } = host.metadata;
  if (meant.length > 1) throw new Fault('UsageWrong', `${which} is the name of several nodes on ${name}; say the uid: ${known}.`);
  throw new Fault(
    'UsageWrong',
    known === '' ? `Host ${name} reports no unclaimed node.` : `Host ${name} reports no unclaimed node ${which}; it reports ${known}.`,
  );
}

async function clusterOf(api: EntityApi, { namespace, cluster, clusterUid }: UnclaimedNode, signal: AbortSignal): Promise<Cluster> {
  const answer = await api.get<Cluster>(CLUSTERS, namespace, cluster, signal);
  if (answer.ok && answer.value.metadata.uid === clusterUid) return answer.value;
  if (!answer.ok && answer.reason !== 'NotFound') throw new Fault('DirectorRefused', answer.message);
  throw new Fault(
    'DirectorRefused',
    `This director knows no Cluster ${namespace}/${cluster} with uid ${clusterUid}, so its node cannot be taken back; restore a newer copy of the database, or discard the node.`,
  );
}

/** The director knows an earlier life of the node. */
async function takeBackLife(api: EntityApi, entry: UnclaimedNode, host: string, signal: AbortSignal): Promise<void> {
  const { namespace, name, uid, incarnation } = entry;
  const patch = { metadata: { uid }, spec: { incarnation, host } };
  const answer = await api.mergePatch<ClusterNode>(CLUSTER_NODES, namespace, name, patch, signal);
  if (!answer.ok) throw refused(`${name} was not taken back`, answer);
}

async function reserveFor(api: EntityApi, cluster: Cluster, entry: UnclaimedNode, signal: AbortSignal): Promise<void> {
  const { namespace, virtualDataCenter, clusterUid, index } = entry;
  const { cpuMillis = 0, memoryMiB = 0 } = entry.resources ?? {};
  const generation = cluster.metadata.generation ?? 0;
  const wanted = { [reservationKey(clusterUid, index)]: { cluster: entry.cluster, node: entry.name, generation, cpuMillis, memoryMiB } };
  for (let round = 1; ; round++) {
    const vdc = await api.get<VirtualDataCenter>(VIRTUAL_DATA_CENTERS, namespace, virtualDataCenter, signal);
    if (!vdc.ok) throw refused(`VirtualDataCenter ${virtualDataCenter} is not shown`, vdc);
    const found = reserve(vdc.value, wanted);
    if (found.state === 'Reserved') return;
    if (found.state === 'Exceeded') throw new Fault('DirectorRefused', `There is no room for it: ${found.message}.`);
    const request = found.effect.kind === 'RecordEvent' ? undefined : requestOf(found.effect);
    if (request?.verb !== 'mergePatch') return;
    const written = await api.mergePatch(request.address, request.namespace, request.name, request.patch, signal, request.subresource);
    if (written.ok) return;
    if (written.reason !== 'Conflict' || round === ROUNDS) throw refused('Its capacity was not reserved', written);
  }
}

async function makeAnew(api: EntityApi, cluster: Cluster, entry: UnclaimedNode, host: string, signal: AbortSignal): Promise<void> {
  const answer = await api.create<ClusterNode>(CLUSTER_NODES, entry.namespace, adoptedNode(cluster, entry, host), signal);
  if (answer.ok) return;
  if (answer.reason !== 'AlreadyExists') throw refused(`${entry.name} was not made anew`, answer);
  const other = await api.get<ClusterNode>(CLUSTER_NODES, entry.namespace, entry.name, signal);
  if (other.ok && other.value.metadata.uid === entry.uid) return;
  throw new Fault(
    'DirectorRefused',
    `There is another node ${entry.namespace}/${entry.name} already, made since. Discard the one on ${host} (outrigger node discard ${entry.uid} --host ${host}), or take the other out first (scale down).`,
  );
}

/** The spec may ask for fewer workers than there are now. */
async function scaleFor(deps: UnclaimedDeps, cluster: Cluster, entry: UnclaimedNode, scale: boolean, signal: AbortSignal): Promise<void> {
  const { namespace = '', name } = cluster.metadata;
  const { workers } = cluster.spec;
  if (entry.index <= workers) return;
  if (!scale) {
    deps.show(
      `spec.workers of ${name} is ${workers}: with its next change that does not ask for ${entry.index}, this node is drained and let go. To keep it: kubectl scale cluster ${name} -n ${namespace} --replicas ${entry.index}\n`,
    );
    return;
  }
  const answer = await deps.api.mergePatch<Cluster>(CLUSTERS, namespace, name, { spec: { workers: entry.index } }, signal);
  if (!answer.ok) throw refused(`spec.workers of ${name} was not raised to ${entry.index}`, answer);
  deps.show(`spec.workers of ${name} is ${entry.index} now.\n`);
}

async function changeDiscarded(
  api: EntityApi,
  name: string,
  change: (uids: readonly string[]) => readonly string[],
  signal: AbortSignal,
): Promise<void> {
  for (let round = 1; ; round++) {
    const { metadata } = await readHost(api, name, signal);
    const before = (metadata.annotations?.[ANNOTATION_DISCARD] ?? '').split(',').filter((uid) => uid !== '');
    const after = change(before).join(',');
    const annotations = { [ANNOTATION_DISCARD]: after === '' ? null : after };
    const patch = { metadata: { uid: metadata.uid, resourceVersion: metadata.resourceVersion, annotations } };
    const answer = await api.mergePatch<Host>(HOSTS, '', name, patch, signal);
    if (answer.ok) return;
    if (answer.reason !== 'Conflict' || round === ROUNDS) throw refused(`Host ${name} was not asked`, answer);
  }
}

async function settles(
  { api, clock }: UnclaimedDeps,
  name: string,
  isSettled: (host: Host) => boolean,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const endMs = clock.monotonicMs() + deadlineMs;
  while (!isSettled(await readHost(api, name, signal))) {
    if (clock.monotonicMs() >= endMs) return false;
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
  return true;
}

function refused(what: string, answer: Extract<Answer<unknown>, { ok: false }>): Fault {
  return new Fault('DirectorRefused', `${what}: ${answer.message}`);
}
