/**
 * Shows that this host lives: its Lease, and its own section of the world, `Host.status`.
 *
 * I1: the Lease is renewed as often as the setting leaseRenew says (± 10 %), whether or not anything changed; the status is written only when it changes.
 * I2: neither ever holds up the care for nodes.
 */

import { unclaimedSummary } from '../decide/unclaimed.ts';
import { isHostConfirmedDead } from '../decide/host-death.ts';
import { HOSTS } from '../model/addresses.ts';
import { setCondition } from '../model/condition.ts';
import type { Condition } from '../model/condition.ts';
import { LEASES } from '../model/core-kinds.ts';
import type { Lease } from '../model/core-kinds.ts';
import { Fault, isFault } from '../model/fault.ts';
import type { Host } from '../model/host.ts';
import type { Json, JsonObject } from '../model/json.ts';
import { ANNOTATION_HOST_DEAD } from '../model/labels.ts';
import type { HostDeps } from './deps.ts';
import type { Keeper } from './keeper.ts';
import { keyedLoop } from './keyed-loop.ts';
import type { NodeRecords } from './records.ts';

/** Namespace of what belongs to the control plane itself. */
const SYSTEM_NAMESPACE = 'outrigger-system';
const LEASE_JITTER = 0.1;
const LEASE_RETRY_MS = 1_000;
/** `status.unclaimed` and `unclaimedNodes` hold at most this many (src/model/host.ts). */
const UNCLAIMED_MAX = 64;

export function hostLeaseName(host: string): string {
  return `host-${host}`;
}

/** Renews the Lease until the signal aborts. */
export async function renewLease(deps: HostDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const renewed = await renewOnce(deps, signal);
    const jitter = 1 - LEASE_JITTER + 2 * LEASE_JITTER * deps.random.float();
    await deps.clock.sleep(renewed ? deps.leaseRenewMs * jitter : LEASE_RETRY_MS, signal).catch(() => undefined);
  }
}

async function renewOnce(deps: HostDeps, signal: AbortSignal): Promise<boolean> {
  const { pid, startTicks } = deps.processes.self();
  const spec = {
    holderIdentity: `${deps.name}.${pid}.${startTicks}`,
    leaseDurationSeconds: Math.ceil((3 * deps.leaseRenewMs) / 1000),
    renewTime: new Date(deps.clock.nowMs()).toISOString().replace('Z', '000Z'),
  };
  const name = hostLeaseName(deps.name);
  try {
    const answer = await deps.api.mergePatch<Lease>(LEASES, SYSTEM_NAMESPACE, name, { spec }, signal);
    if (answer.ok || answer.reason !== 'NotFound') return answer.ok;
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace: SYSTEM_NAMESPACE }, spec };
    return (await deps.api.create<Lease>(LEASES, SYSTEM_NAMESPACE, lease, signal)).ok;
  } catch (cause) {
    if (!signal.aborted && !isFault(cause)) throw cause;
    return false;
  }
}

export interface PresenceParts {
  readonly deps: HostDeps;
  readonly records: NodeRecords;
  readonly host: () => Host | undefined;
  readonly keeper: Pick<Keeper, 'unclaimed' | 'recordLost'>;
  /** Where its nodes are reached. */
  readonly address: string;
}

export interface StatusReports {
  poke(): void;
  settled(): Promise<void>;
}

const ONLY = 'status';

export function reportHostStatus(parts: PresenceParts, signal: AbortSignal): StatusReports {
  const loop = keyedLoop(parts.deps, 'The report of this host', () => writeStatus(parts, signal), signal);
  return { poke: () => loop.poke(ONLY), settled: () => loop.settled() };
}

async function writeStatus(parts: PresenceParts, signal: AbortSignal): Promise<void> {
  const { deps } = parts;
  const host = parts.host();
  if (host === undefined) return;
  const status = statusOf(parts, host);
  if (isWithin(status, host.status)) return;
  // Conditions are a list, so the whole list is written, guarded by the revision that it was read at.
  const { uid, resourceVersion } = host.metadata;
  const patch = { metadata: { uid, resourceVersion }, status };
  const answer = await deps.api.mergePatch<Host>(HOSTS, '', deps.name, patch, signal, 'status');
  if (!answer.ok && answer.reason !== 'NotFound') throw new Fault('DirectorRefused', answer.message);
}

function statusOf(parts: PresenceParts, host: Host): JsonObject {
  const { deps, records } = parts;
  const held = records.all();
  const unclaimed = parts.keeper.unclaimed();
  const conditions = setCondition(host.status?.conditions ?? [], readiness(parts, host), new Date(deps.clock.nowMs()).toISOString());
  return {
    conditions: conditions.map((condition) => ({ ...condition })),
    address: parts.address,
    version: deps.version,
    bootId: deps.processes.self().bootId,
    nodes: held.length,
    used: {
      cpuMillis: held.reduce((total, one) => total + one.cpuMillis, 0),
      memoryMiB: held.reduce((total, one) => total + one.memoryMiB, 0),
    },
    unclaimed: unclaimed
      .slice(0, UNCLAIMED_MAX)
      .map((node) => `${node.namespace}/${node.name}`)
      .toSorted(),
    unclaimedNodes: unclaimed.slice(0, UNCLAIMED_MAX).map((node) => ({ ...node })),
    recordLost: parts.keeper.recordLost().slice(0, UNCLAIMED_MAX).toSorted(),
  };
}

function readiness({ deps, keeper }: PresenceParts, host: Host): Omit<Condition, 'lastTransitionTime'> {
  if (isHostConfirmedDead(host, deps.processes.self().bootId)) {
    const message = `A person confirmed this host dead in this very boot, and its nodes are replaced elsewhere; it takes no nodes until its machine is restarted, or the annotation ${ANNOTATION_HOST_DEAD} is taken away.`;
    return { type: 'Ready', status: 'False', reason: 'NodeLost', message };
  }
  const unclaimed = keeper.unclaimed();
  if (unclaimed.length > 0) return { type: 'Ready', status: 'True', reason: 'Unclaimed', message: unclaimedSummary(unclaimed) };
  const takes = host.spec.cordoned ? 'and is cordoned: it takes no more nodes' : 'and takes nodes';
  const lost = keeper.recordLost();
  const but = lost.length === 0 ? '' : `; it has lost its records of ${lost.slice(0, 8).join(', ')} and touches nothing of them`;
  return { type: 'Ready', status: 'True', reason: 'Available', message: `The host daemon runs ${takes}${but}.` };
}

/** Whether `there` already says all that `wanted` says. */
function isWithin(wanted: JsonObject, there: Json | undefined): boolean {
  if (typeof there !== 'object' || there === null || Array.isArray(there)) return false;
  return Object.entries(wanted).every(([name, value]) => sameJson(value, there[name]));
}

function sameJson(a: Json, b: Json | undefined): boolean {
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((one, index) => sameJson(one, b[index]));
  if (typeof a === 'object' && a !== null) return isWithin(a, b);
  return a === b;
}
