/**
 * The balancer's table: for each balanced service, where its instances are.
 *
 * Made from what the cluster's nodes report; one's own instances are known better than any report, so they come in apart.
 *
 * I1: a report of an older incarnation than the node's, or of a node that is gone, is not used.
 * I2: an instance that is not ready is listed only as draining (it finishes what it has) and gets nothing new.
 * I3: when nothing ready is known, the last known endpoints stay: a wrong address costs a connect failure, an empty table costs everything.
 * I4: the same input gives the same table, in the same order.
 * I5: of a node that is remembered, and that says nothing of its instances yet, what was told last stays.
 * I6: an instance on loopback of a node whose own address is not serves its own machine alone, and is not listed anywhere else.
 */

import type { ClusterNode } from '../model/cluster-node.ts';
import { isHostPort } from '../model/network-address.ts';
import type { BalancedPort } from './plan.ts';

export type Endpoint = {
  /** Name of the node that it is on. */
  readonly node: string;
  /** `ip:port` of the pod. */
  readonly address: string;
  /** True: gets nothing new, finishes what it has. */
  readonly draining: boolean;
};

export type BalancedService = BalancedPort & { readonly endpoints: readonly Endpoint[] };

/** What the node store keeps as `endpoints`, and what a balancer is told. */
export type EndpointTable = { readonly services: readonly BalancedService[] };

/** An instance on this node. */
export interface OwnInstance {
  readonly address?: string;
  readonly ready: boolean;
  readonly stopping: boolean;
}

const LOOPBACK = '127.';

export interface EndpointsInput {
  readonly balanced: readonly BalancedPort[];
  readonly self: { readonly name: string; readonly services: Readonly<Record<string, OwnInstance>> };
  /** The cluster's nodes as last known; undefined: never heard of any (then the table before is all there is). */
  readonly nodes: readonly ClusterNode[] | undefined;
  readonly previous: EndpointTable | undefined;
}

export function endpointsOf(input: EndpointsInput): EndpointTable {
  const services = [...input.balanced].sort((a, b) => (a.name < b.name ? -1 : 1));
  return { services: services.map((service) => ({ ...service, endpoints: endpointsOfService(input, service.name) })) };
}

function endpointsOfService(input: EndpointsInput, service: string): readonly Endpoint[] {
  const before = input.previous?.services.find((one) => one.name === service)?.endpoints.filter(({ address }) => isHostPort(address)) ?? [];
  const others =
    input.nodes === undefined
      ? before.filter((one) => one.node !== input.self.name)
      : input.nodes.filter((node) => node.metadata.name !== input.self.name).flatMap((node) => reported(node, service, before));
  const known = sorted([...own(input, service), ...others]);
  if (known.some((one) => !one.draining)) return known;
  const left = new Set(known.map((one) => one.address));
  const remembered = before
    .filter((one) => !left.has(one.address) && mayStillBe(input, one.node))
    .map((one) => ({ ...one, draining: false }));
  return sorted([...known, ...remembered]);
}

function own(input: EndpointsInput, service: string): Endpoint[] {
  const instance = input.self.services[service];
  if (instance?.address === undefined || (!instance.ready && !instance.stopping)) return [];
  return [{ node: input.self.name, address: instance.address, draining: !instance.ready }];
}

function reported(node: ClusterNode, service: string, before: readonly Endpoint[]): Endpoint[] {
  if (isGone(node)) return [];
  const agent = node.status?.agent;
  if (agent === undefined || agent.incarnation < node.spec.incarnation) return [];
  if (agent.services === undefined) return before.filter((one) => one.node === node.metadata.name);
  const instance = agent.services[service];
  if (!isHostPort(instance?.address) || isBehindLoopback(instance.address, agent.address)) return [];
  const stopping = instance.phase === 'Stopping';
  if (!instance.ready && !stopping) return [];
  return [{ node: node.metadata.name, address: instance.address, draining: stopping || node.spec.retired === true }];
}

/** A joined machine whose pods have no address of their own (docs/reference/joined.md). */
function isBehindLoopback(instance: string, node: string | undefined): boolean {
  return instance.startsWith(LOOPBACK) && node?.startsWith(LOOPBACK) === false;
}

/** Proven gone: its machine is, or a later life has begun elsewhere. */
function isGone(node: ClusterNode): boolean {
  const machine = node.status?.infrastructure;
  return machine !== undefined && machine.incarnation >= node.spec.incarnation && machine.phase === 'Gone';
}

/** A node that this one still knows, or never could ask about. */
function mayStillBe(input: EndpointsInput, name: string): boolean {
  if (input.nodes === undefined || name === input.self.name) return true;
  const node = input.nodes.find((one) => one.metadata.name === name);
  return node !== undefined && !isGone(node) && (node.status?.agent?.incarnation ?? node.spec.incarnation) >= node.spec.incarnation;
}

function sorted(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  return [...endpoints].sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
}
