/**
 * Hollow hosts: play the host daemons of many machines in one process, over the real API and with real credentials, and run nothing.
 *
 * A hollow host joins by its token, follows and claims ClusterNodes, reads node and cluster live before it starts a machine, mints the token by which
 * the node joins, reports its infrastructure, and lets go of what is deleted. A machine that starts is a hollow agent (hollow-agent.ts).
 *
 * I1: each host and each agent has its own credential, so the director holds all of them to the rights of real ones.
 * I2: what is claimed, started and stopped is decided by the real decision code (src/decide/host-claim.ts).
 */
import { createInformer } from '../../src/client/informer.ts';
import type { Informer } from '../../src/client/informer.ts';
import { createJoinToken } from '../../src/client/join-token.ts';
import { claimsOf, dutyOf, startRefusal } from '../../src/decide/host-claim.ts';
import type { HeldNode } from '../../src/decide/host-claim.ts';
import { CLUSTER_NODES, CLUSTERS, HOSTS, VIRTUAL_DATA_CENTERS } from '../../src/model/addresses.ts';
import type { ClusterNode } from '../../src/model/cluster-node.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import { isFault } from '../../src/model/fault.ts';
import type { Host } from '../../src/model/host.ts';
import { FINALIZER_NODE } from '../../src/model/labels.ts';
import { GROUP_VERSION } from '../../src/model/resource.ts';
import type { VirtualDataCenter } from '../../src/model/virtual-data-center.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { newJoinSecret } from '../../src/platform/join-secret.ts';
import { systemRandom } from '../../src/platform/random.ts';
import type { Answer } from '../../src/ports/api.ts';
import type { DirectorApi } from '../../src/ports/director.ts';
import { joinHollow, runHollowAgent } from './hollow-agent.ts';
import type { HollowOptions } from './hollow-agent.ts';

const BOOT_ID = 'hollow';
/** What is not answered is tried again after this. */
const RETRY_MS = 500;
/** Claims come in bursts; one look takes all that wait. */
const CLAIM_GAP_MS = 10;
/** Who serves a VirtualDataCenter is read again after this. */
const HOME_KEPT_MS = 5_000;

/** Plays all hosts until the signal aborts. */
export async function runHollow(options: HollowOptions, signal: AbortSignal): Promise<void> {
  await Promise.all(options.hosts.map((host) => runHost(options, host, signal)));
}

interface Hollow {
  readonly options: HollowOptions;
  readonly name: string;
  readonly api: DirectorApi;
  readonly host: Informer<Host>;
  readonly nodes: Informer<ClusterNode>;
  readonly waiting: Map<string, ClusterNode>;
  readonly held: Map<string, Held>;
  readonly homes: Map<string, { readonly readMs: number; readonly answer: Answer<VirtualDataCenter> }>;
  isClaiming: boolean;
}

interface Held extends HeldNode {
  readonly agent: AbortController;
}

async function runHost(options: HollowOptions, { name, token }: HollowOptions['hosts'][number], signal: AbortSignal): Promise<void> {
  const api = await joinHollow(options, token, signal);
  signal.addEventListener('abort', () => api.close(), { once: true });
  const deps = { api, clock: systemClock(), random: systemRandom(), log: options.log };
  const hollow: Hollow = {
    options,
    name,
    api,
    host: createInformer(deps, HOSTS, { fieldSelector: `metadata.name=${name}` }),
    nodes: createInformer(deps, CLUSTER_NODES),
    waiting: new Map(),
    held: new Map(),
    homes: new Map(),
    isClaiming: false,
  };
  hollow.nodes.onChange((node, gone) => onNode(hollow, node, gone, signal));
  hollow.host.onChange(() => void claimSoon(hollow, signal));
  await Promise.all([hollow.host.run(signal), hollow.nodes.run(signal)]);
}

function onNode(hollow: Hollow, node: ClusterNode, gone: boolean, signal: AbortSignal): void {
  const { uid } = node.metadata;
  if (!gone && node.spec.host === undefined) {
    hollow.waiting.set(uid, node);
    void claimSoon(hollow, signal);
    return;
  }
  hollow.waiting.delete(uid);
  if (node.spec.host !== hollow.name || gone) return;
  const held = hollow.held.get(uid);
  const duty = dutyOf({ host: hollow.name, live: false, node, held });
  if (duty.do === 'readLive') void insisting(hollow, () => carryOut(hollow, node, signal), signal);
}

// ---- claims -----------------------------------------------------------------------------------------------------------------------------

async function claimSoon(hollow: Hollow, signal: AbortSignal): Promise<void> {
  if (hollow.isClaiming) return;
  hollow.isClaiming = true;
  await systemClock()
    .sleep(CLAIM_GAP_MS, signal)
    .catch(() => undefined);
  hollow.isClaiming = false;
  await insisting(hollow, () => claim(hollow, signal), signal);
}

async function claim(hollow: Hollow, signal: AbortSignal): Promise<void> {
  const host = hollow.host.get('', hollow.name);
  const nodes = [...hollow.waiting.values()];
  if (host === undefined || nodes.length === 0) return;
  const virtualDataCenters = await homesOf(hollow, nodes, signal);
  const held = [...hollow.held.values()];
  const claims = claimsOf({ host, bootId: BOOT_ID, virtualDataCenters, nodes, held, freeSlots: host.spec.capacity.nodes - held.length });
  await Promise.all(claims.map((node) => claimOne(hollow, node, signal)));
}

/** Another host may be first; then it is seen to be. */
async function claimOne({ api, name, nodes }: Hollow, { metadata }: ClusterNode, signal: AbortSignal): Promise<void> {
  const { namespace = '', uid, resourceVersion } = metadata;
  const patch = { metadata: { uid, resourceVersion }, spec: { host: name } };
  const answer = await api.mergePatch<ClusterNode>(CLUSTER_NODES, namespace, metadata.name, patch, signal);
  if (answer.ok) nodes.learn(answer.value);
}

async function homesOf({ api, homes }: Hollow, nodes: readonly ClusterNode[], signal: AbortSignal): Promise<readonly VirtualDataCenter[]> {
  const found: VirtualDataCenter[] = [];
  const nowMs = performance.now();
  for (const key of new Set(nodes.map(({ metadata, spec }) => `${metadata.namespace ?? ''}/${spec.virtualDataCenter}`))) {
    const [namespace = '', name = ''] = key.split('/');
    const known = homes.get(key);
    const isFresh = known !== undefined && nowMs - known.readMs < HOME_KEPT_MS;
    const answer = isFresh ? known.answer : await api.get<VirtualDataCenter>(VIRTUAL_DATA_CENTERS, namespace, name, signal);
    if (!isFresh) homes.set(key, { readMs: nowMs, answer });
    if (answer.ok) found.push(answer.value);
  }
  return found;
}

// ---- machines ---------------------------------------------------------------------------------------------------------------------------

/** Reads the node live, and does what is owed to it. */
async function carryOut(hollow: Hollow, seen: ClusterNode, signal: AbortSignal): Promise<void> {
  const { api, name, held } = hollow;
  const { namespace = '', uid } = seen.metadata;
  const read = await api.get<ClusterNode>(CLUSTER_NODES, namespace, seen.metadata.name, signal);
  if (!read.ok || read.value.metadata.uid !== uid) return;
  const node = read.value;
  const before = held.get(uid);
  const duty = dutyOf({ host: name, live: true, node, held: before });
  if (duty.do === 'start' && before === undefined) await start(hollow, node, signal);
  if (duty.do === 'stop') {
    before?.agent.abort();
    held.delete(uid);
    await carryOut(hollow, seen, signal);
  }
  if (duty.do === 'release') await release(hollow, node, signal);
}

async function start(hollow: Hollow, node: ClusterNode, signal: AbortSignal): Promise<void> {
  const { api, options, held } = hollow;
  const { namespace = '', name, uid } = node.metadata;
  const cluster = await api.get<Cluster>(CLUSTERS, namespace, node.spec.cluster, signal);
  if (startRefusal(hollow.name, node, cluster.ok ? cluster.value : undefined) !== undefined || held.has(uid)) return;
  const { incarnation, resources } = node.spec;
  const agent = new AbortController();
  held.set(uid, { nodeUid: uid, incarnation, ...resources, phase: 'Running', agent });
  const life = AbortSignal.any([signal, agent.signal]);
  try {
    await report(hollow, node, 'Starting', life);
    const bearer = { kind: 'node', uid, name, incarnation } as const;
    const owner = { apiVersion: GROUP_VERSION, kind: 'ClusterNode', name, uid };
    const token = await createJoinToken(api, newJoinSecret, { namespace, bearer, nowMs: Date.now(), owner }, life);
    if (!token.ok) throw new Error(`no token was made for ${name}: ${token.message}`);
    await systemClock().sleep(options.machineMs, life);
    await report(hollow, node, 'Running', life);
    void insisting(hollow, () => runHollowAgent(options, node, token.value, life), life);
  } catch (cause) {
    held.delete(uid);
    throw cause;
  }
}

async function report({ api }: Hollow, node: ClusterNode, phase: 'Starting' | 'Running', signal: AbortSignal): Promise<void> {
  const { namespace = '', name, uid } = node.metadata;
  const infrastructure = { incarnation: node.spec.incarnation, phase, address: '127.0.0.1', restarts: 0, bootId: BOOT_ID };
  const answer = await api.mergePatch(CLUSTER_NODES, namespace, name, { metadata: { uid }, status: { infrastructure } }, signal, 'status');
  if (!answer.ok && answer.reason !== 'NotFound') throw new Error(`the infrastructure of ${name} was not taken: ${answer.message}`);
}

async function release({ api }: Hollow, { metadata }: ClusterNode, signal: AbortSignal): Promise<void> {
  const { namespace = '', name, uid, resourceVersion } = metadata;
  const finalizers = (metadata.finalizers ?? []).filter((finalizer) => finalizer !== FINALIZER_NODE);
  const answer = await api.mergePatch(CLUSTER_NODES, namespace, name, { metadata: { uid, resourceVersion, finalizers } }, signal);
  if (!answer.ok && answer.reason !== 'NotFound') throw new Error(`the finalizer of ${name} was not dropped: ${answer.message}`);
}

/** Until it went well: a director that is away, or a lost race, is no reason to give up. */
async function insisting({ options }: Hollow, work: () => Promise<void>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      return await work();
    } catch (cause) {
      if (signal.aborted) return;
      options.log.warn('A hollow part tries again', { why: isFault(cause) ? cause.message : String(cause) });
      await systemClock()
        .sleep(RETRY_MS, signal)
        .catch(() => undefined);
    }
  }
}
