/**
 * A hollow agent: joins as its node, says that it is ready with every service of its cluster, and shows by its Lease that it lives. It runs nothing.
 */
import { servicesOf } from '../../src/decide/plan.ts';
import { CLUSTER_NODES, CLUSTER_RELEASES, CLUSTERS } from '../../src/model/addresses.ts';
import type { ClusterNode } from '../../src/model/cluster-node.ts';
import type { ClusterRelease } from '../../src/model/cluster-release.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import { LEASES } from '../../src/model/core-kinds.ts';
import { isFault } from '../../src/model/fault.ts';
import { nodeLeaseName } from '../../src/model/labels.ts';
import { GROUP_VERSION } from '../../src/model/resource.ts';
import { certificates } from '../../src/platform/certificate.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { directors } from '../../src/platform/join.ts';
import { systemRandom } from '../../src/platform/random.ts';
import type { Answer } from '../../src/ports/api.ts';
import type { DirectorApi } from '../../src/ports/director.ts';
import type { Log } from '../../src/ports/log.ts';

export interface HollowOptions {
  /** https URLs. */
  readonly directors: readonly string[];
  readonly caHash: string;
  readonly hosts: readonly { readonly name: string; readonly token: string }[];
  /** From the start of a machine until it runs, and from the join of an agent until its services are ready. */
  readonly machineMs: number;
  readonly servicesMs: number;
  readonly leaseRenewMs: number;
  readonly log: Log;
}

const LEASE_JITTER = 0.1;
const LEASE_RETRY_MS = 1_000;

/** Joins as whom the token is for, with a key that is in memory only. */
export async function joinHollow(
  options: Pick<HollowOptions, 'directors' | 'caHash'>,
  token: string,
  signal: AbortSignal,
): Promise<DirectorApi> {
  const { privateKeyPem } = certificates().newKey();
  const request = certificates().createRequest(privateKeyPem);
  const door = directors(systemRandom());
  const { certificate, authority, era } = await door.join({ ...options, token, request }, signal);
  return door.open({ directors: options.directors, identity: { certificate, privateKey: privateKeyPem, authority }, era });
}

/** Until the signal aborts. Throws when it could not join or report; then all of it may be done again. */
export async function runHollowAgent(options: HollowOptions, node: ClusterNode, token: string, signal: AbortSignal): Promise<void> {
  const api = await joinHollow(options, token, signal);
  try {
    await api.post('/outrigger/v1/hello', {}, signal);
    await Promise.all([becomeReady(api, options, node, signal), renewForever(api, options, node, signal)]);
  } finally {
    api.close();
  }
}

async function becomeReady(api: DirectorApi, options: HollowOptions, node: ClusterNode, signal: AbortSignal): Promise<void> {
  const { incarnation } = node.spec;
  await say(api, node, { incarnation, phase: 'Joined', version: 'hollow' }, signal);
  const cluster = valueOf(await api.get<Cluster>(CLUSTERS, node.metadata.namespace ?? '', node.spec.cluster, signal));
  const release = valueOf(await api.get<ClusterRelease>(CLUSTER_RELEASES, '', cluster.spec.release, signal));
  await systemClock().sleep(options.servicesMs, signal);
  const wanted = servicesOf(cluster.spec, release).filter((service) => service.mode === 'Replicated' || node.spec.role === 'Primary');
  const services = Object.fromEntries(wanted.map(({ name }) => [name, { phase: 'Running', ready: true, restarts: 0 }]));
  const observed = { release: cluster.spec.release, observedGeneration: cluster.metadata.generation ?? 0, balancer: 'Running' };
  await say(api, node, { incarnation, phase: 'Ready', ...observed, services }, signal);
}

async function say(api: DirectorApi, { metadata, spec }: ClusterNode, agent: object, signal: AbortSignal): Promise<void> {
  const { namespace = '', name, uid } = metadata;
  const patch = { metadata: { uid }, status: { role: spec.role, agent: { ...agent } } };
  valueOf(await api.mergePatch(CLUSTER_NODES, namespace, name, patch, signal, 'status'));
}

async function renewForever(api: DirectorApi, options: HollowOptions, node: ClusterNode, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const isRenewed = await renew(api, options, node, signal);
    const jitter = 1 - LEASE_JITTER + 2 * LEASE_JITTER * Math.random();
    await systemClock()
      .sleep(isRenewed ? options.leaseRenewMs * jitter : LEASE_RETRY_MS, signal)
      .catch(() => undefined);
  }
}

async function renew(api: DirectorApi, { leaseRenewMs }: HollowOptions, { metadata }: ClusterNode, signal: AbortSignal): Promise<boolean> {
  const { namespace = '', uid } = metadata;
  const name = nodeLeaseName(uid);
  const spec = leaseSpec(metadata.name, leaseRenewMs);
  try {
    const patched = await api.mergePatch(LEASES, namespace, name, { spec }, signal);
    if (patched.ok || patched.reason !== 'NotFound') return patched.ok;
    return (await api.create(LEASES, namespace, leaseOf(metadata, spec), signal)).ok;
  } catch (cause) {
    if (!signal.aborted && !isFault(cause)) throw cause;
    return false;
  }
}

/** As a real agent writes it. */
export function leaseSpec(holder: string, renewMs: number): { holderIdentity: string; leaseDurationSeconds: number; renewTime: string } {
  const renewTime = new Date().toISOString().replace('Z', '000Z');
  return { holderIdentity: `${holder}.1.1.1`, leaseDurationSeconds: Math.ceil((3 * renewMs) / 1000), renewTime };
}

export function leaseOf({ namespace, name, uid }: ClusterNode['metadata'], spec: ReturnType<typeof leaseSpec>): object {
  const ownerReferences = [{ apiVersion: GROUP_VERSION, kind: 'ClusterNode', name, uid }];
  const metadata = { name: nodeLeaseName(uid), namespace, ownerReferences };
  return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
}

function valueOf<T>(answer: Answer<T>): T {
  if (answer.ok) return answer.value;
  throw new Error(answer.message);
}
