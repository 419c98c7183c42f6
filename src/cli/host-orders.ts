/**
 * `outrigger host list`, `cordon`, `uncordon` and `confirm-dead`, and what people say of single nodes: `node restart`, `node confirm-dead`.
 *
 * I1: a host is confirmed dead by the boot that is meant, never by its name alone; one whose Lease is seen to be renewed is refused.
 */

import { confirmedBoot, hostDeathEffects } from '../decide/host-death.ts';
import { isForJoined } from '../decide/node-facts.ts';
import { requestOf } from '../decide/request.ts';
import { CLUSTER_NODES, HOSTS } from '../model/addresses.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import { conditionOf } from '../model/condition.ts';
import { LEASES } from '../model/core-kinds.ts';
import type { ResourceAddress } from '../model/core-kinds.ts';
import { Fault } from '../model/fault.ts';
import type { Host } from '../model/host.ts';
import type { JsonObject } from '../model/json.ts';
import { machineHolding, tokenCommand } from '../model/joined-machine.ts';
import { ANNOTATION_CONFIRM_DEAD, ANNOTATION_HOST_DEAD, ANNOTATION_RESTART } from '../model/labels.ts';
import type { Answer, EntityApi } from '../ports/api.ts';
import type { Clock } from '../ports/clock.ts';
import { renderTable } from './table.ts';

const SYSTEM_NAMESPACE = 'outrigger-system';
/** A Lease is renewed within its period and a tenth; and a little for the way. */
const LEASE_JITTER = 1.1;
const LEASE_SLACK_MS = 5_000;
const LOOK_MS = 500;

/** The object, or a `Fault` that says what was wanted. */
export function taken<T>(answer: Answer<T>, what: string): T {
  if (answer.ok) return answer.value;
  throw new Fault(answer.reason === 'NotFound' ? 'UsageWrong' : 'DirectorRefused', `${what}: ${answer.message}`);
}

export async function listAll<T>(api: EntityApi, address: ResourceAddress<T>, signal: AbortSignal): Promise<readonly T[]> {
  return taken(await api.list(address, {}, signal), `${address.plural} cannot be listed`).items;
}

export interface HostRow {
  readonly name: string;
  readonly ready: string;
  readonly cordoned: boolean;
  readonly nodes: number;
  readonly capacity: number;
  readonly bootId: string;
  readonly message: string;
}

export async function hostRows(api: EntityApi, signal: AbortSignal): Promise<readonly HostRow[]> {
  const [hosts, nodes] = [await listAll(api, HOSTS, signal), await listAll(api, CLUSTER_NODES, signal)];
  return hosts.map((host) => {
    const ready = conditionOf(host.status?.conditions, 'Ready');
    const isDead = confirmedBoot(host) !== undefined && confirmedBoot(host) === host.status?.bootId;
    return {
      name: host.metadata.name,
      ready: isDead ? 'Dead' : (ready?.status ?? 'Unknown'),
      cordoned: host.spec.cordoned,
      nodes: nodes.filter((node) => node.spec.host === host.metadata.name).length,
      capacity: host.spec.capacity.nodes,
      bootId: host.status?.bootId ?? '',
      message: isDead ? 'a person confirmed it dead in its last boot' : (ready?.message ?? 'its daemon never reported'),
    };
  });
}

export function renderHosts(rows: readonly HostRow[]): string {
  return renderTable(
    ['NAME', 'READY', 'CORDONED', 'NODES', 'MESSAGE'],
    rows.map((row) => [row.name, row.ready, row.cordoned ? 'yes' : 'no', `${row.nodes}/${row.capacity}`, row.message]),
  );
}

/** The sentence to show. */
export async function cordonHost(api: EntityApi, name: string, cordoned: boolean, signal: AbortSignal): Promise<string> {
  await markHost(api, name, cordoned, signal);
  return cordoned
    ? `${name} takes no more nodes; those that it has go on. Empty it with: outrigger host drain ${name}\n`
    : `${name} takes nodes again.\n`;
}

/** Throws `Fault` UsageWrong, with the hosts that there are, when there is none of that name. */
export async function markHost(api: EntityApi, name: string, cordoned: boolean, signal: AbortSignal): Promise<void> {
  const answer = await api.mergePatch(HOSTS, '', name, { spec: { cordoned } }, signal);
  if (answer.ok || answer.reason !== 'NotFound') return void taken(answer, `Host ${name} was not changed`);
  const names = (await listAll(api, HOSTS, signal)).map(({ metadata }) => metadata.name);
  const there = names.length === 0 ? 'There is none at all' : `There ${names.length === 1 ? 'is' : 'are'} ${names.join(', ')}`;
  throw new Fault('UsageWrong', `There is no host ${name}. ${there}.`);
}

export interface ConfirmDeps {
  readonly api: EntityApi;
  readonly clock: Clock;
  readonly write: (text: string) => void;
  /** Asks the person; undefined: there is nobody to ask. */
  readonly ask: ((question: string, signal: AbortSignal) => Promise<string>) | undefined;
}

export interface ConfirmOrder {
  readonly name: string;
  /** Not asked for the name. */
  readonly yes: boolean;
  /** Without looking at its Lease. */
  readonly force: boolean;
}

/** Throws `Fault` DirectorRefused while the host lives, UsageWrong when nobody confirms. */
export async function confirmHostDead(deps: ConfirmDeps, order: ConfirmOrder, signal: AbortSignal): Promise<void> {
  const { api } = deps;
  const { name } = order;
  const host = taken(await api.get<Host>(HOSTS, '', name, signal), `Host ${name} cannot be confirmed dead`);
  const bootId = host.status?.bootId;
  if (bootId === undefined) throw new Fault('DirectorRefused', `Host ${name} never reported, so there is no boot of it to confirm dead.`);
  if (!order.force) await refuseWhileAlive(deps, name, signal);
  if (!order.yes) await askForName(deps, name, signal);
  const metadata = { uid: host.metadata.uid, annotations: { [ANNOTATION_HOST_DEAD]: bootId } };
  const marked = taken(await api.mergePatch<Host>(HOSTS, '', name, { metadata }, signal), `Host ${name} was not confirmed dead`);
  deps.write(`Host ${name} is confirmed dead in its boot ${bootId}.\n`);
  const nodes = (await listAll(api, CLUSTER_NODES, signal)).filter((node) => node.spec.host === name);
  // Extension servers do the same by themselves; managers replace their workers also where none lives.
  for (const effect of hostDeathEffects([marked], nodes)) {
    if (effect.kind !== 'ConfirmNodeDead') continue;
    const request = requestOf(effect);
    if (request.verb !== 'mergePatch') continue;
    const answer = await api.mergePatch(request.address, request.namespace, request.name, request.patch, signal);
    const lost = 'it changed meanwhile; an extension server looks at it again';
    deps.write(`${effect.on.namespace}/${effect.on.name}: ${answer.ok ? 'is replaced by a higher incarnation' : lost}\n`);
  }
}

async function refuseWhileAlive({ api, clock, write }: ConfirmDeps, name: string, signal: AbortSignal): Promise<void> {
  const revision = async (): Promise<readonly [string | undefined, number]> => {
    const lease = await api.get(LEASES, SYSTEM_NAMESPACE, `host-${name}`, signal);
    if (!lease.ok && lease.reason !== 'NotFound')
      throw new Fault('DirectorRefused', `The Lease of ${name} cannot be read: ${lease.message}`);
    return lease.ok ? [lease.value.metadata.resourceVersion, lease.value.spec.leaseDurationSeconds ?? 0] : [undefined, 0];
  };
  const [before, seconds] = await revision();
  const watchMs = (seconds * 1000 * LEASE_JITTER) / 3 + LEASE_SLACK_MS;
  write(`Watches for ${Math.round(watchMs / 1000)} s whether ${name} still renews its Lease (--force: does not) …\n`);
  for (const endMs = clock.monotonicMs() + watchMs; clock.monotonicMs() < endMs;) {
    await clock.sleep(LOOK_MS, signal);
    if ((await revision())[0] === before) continue;
    const message = `Host ${name} renews its Lease: its daemon lives, and its nodes would run twice. To empty a living host: outrigger host drain ${name}`;
    throw new Fault('DirectorRefused', message);
  }
}

async function askForName({ ask }: ConfirmDeps, name: string, signal: AbortSignal): Promise<void> {
  const question = `Its nodes are started elsewhere, and run twice if the machine of ${name} is not off. Type its name to confirm: `;
  const answer = ask === undefined ? undefined : await ask(question, signal);
  if (answer?.trim() === name) return;
  const why = answer === undefined ? 'There is nobody to ask; give --yes' : `"${answer.trim()}" is not ${name}`;
  throw new Fault('UsageWrong', `${why}. Nothing was changed.`);
}

export interface NodeOrder {
  readonly namespace: string;
  readonly name: string;
}

/** Has the host start the node anew with a fresh budget. `request`: a value that was never given before. */
export async function restartNode(api: EntityApi, { namespace, name }: NodeOrder, request: string, signal: AbortSignal): Promise<string> {
  const node = taken(await api.get<ClusterNode>(CLUSTER_NODES, namespace, name, signal), `${namespace}/${name} is not started anew`);
  if (isForJoined(node))
    throw new Fault(
      'DirectorRefused',
      `${namespace}/${name} is a joined machine, and no host starts its agent: on ${machineHolding(node.spec.host) ?? 'its machine'} run systemctl restart outrigger-agent.`,
    );
  const metadata = { annotations: { [ANNOTATION_RESTART]: request } };
  const answer = await api.mergePatch<ClusterNode>(CLUSTER_NODES, namespace, name, { metadata }, signal);
  const { host } = taken(answer, `${namespace}/${name} is not started anew`).spec;
  return `${host === undefined ? 'The host that claims it' : `Host ${host}`} starts the agent of ${namespace}/${name} anew, with a fresh budget; its services go on meanwhile.\n`;
}

/** A person vouches that the machine of this life of a node is off. */
export async function confirmNodeDead(api: EntityApi, { namespace, name }: NodeOrder, signal: AbortSignal): Promise<string> {
  const node = taken(await api.get<ClusterNode>(CLUSTER_NODES, namespace, name, signal), `${namespace}/${name} cannot be confirmed dead`);
  const { incarnation } = node.spec;
  const { uid, resourceVersion } = node.metadata;
  const patch: JsonObject = { metadata: { uid, resourceVersion, annotations: { [ANNOTATION_CONFIRM_DEAD]: String(incarnation) } } };
  taken(await api.mergePatch<ClusterNode>(CLUSTER_NODES, namespace, name, patch, signal), `${namespace}/${name} was not confirmed dead`);
  const next = isForJoined(node)
    ? ` A machine joins as that one with a new token, once ${name} shows incarnation ${incarnation + 1}: ${tokenCommand(namespace, name)}.`
    : '';
  return `Incarnation ${incarnation} of ${namespace}/${name} is confirmed dead; a higher one takes its place.${next} Should the old one live, it stops as soon as it hears of that.\n`;
}
