/**
 * The plan of a node: which services it must run, as which pods, at which addresses.
 *
 * Made from the cluster's spec and its release, kept in the node store, so that the node starts its services again without a director.
 *
 * I1: a Singleton is in the plan only of a node that may run singletons; a Replicated service in that of every node that is not retired.
 * I2: a service of the cluster replaces the release's one of the same name, but never one of Outrigger's own (`framework`): those come from the
 *     release alone, because they are given the node's folder and identity.
 * I3: the hash of a pod changes exactly when its template, its addresses or its ports change; neither the term nor other services change it.
 * I4: a service keeps its slot (its pod address) for as long as it stays in the plan.
 * I5: two pods of a node never listen on the same address and port: a service that finds no free place is refused with a sentence.
 */

import { shortHash } from '../base/canonical.ts';
import type { ClusterSpec } from '../model/cluster.ts';
import type { ClusterRelease } from '../model/cluster-release.ts';
import type { FrameworkService, PublishedService } from '../model/framework.ts';
import { LIMITS } from '../model/limits.ts';
import type { PodSpec, Service } from '../model/pod.ts';
import type { Desired } from './service-machine.ts';
import { probePlansOf } from './service-probe.ts';

export interface PlanInput {
  readonly cluster: { readonly name: string; readonly namespace: string };
  /** Of the spec that `content` was made from. */
  readonly generation: number;
  /** What the node runs (src/decide/cluster-plan.ts): the release's name, all services, and the hash of both. */
  readonly content: { readonly hash: string; readonly release: string; readonly services: readonly Service[] };
  readonly node: {
    readonly name: string;
    readonly uid: string;
    readonly incarnation: number;
    readonly role: 'Primary' | 'Worker';
    /** Where the balancer listens. */
    readonly address: string;
    readonly podAddresses: readonly string[];
    readonly retired: boolean;
  };
  readonly term: number;
  readonly maySingletons: boolean;
  /** Slots of the plan before. */
  readonly slots: Readonly<Record<string, number>>;
}

/** One service as this node runs it. */
export type PlannedService = {
  readonly name: string;
  readonly mode: 'Replicated' | 'Singleton';
  readonly protocol: 'TCP' | 'HTTP';
  /** Where the pod listens; absent: the service names no port. */
  readonly address?: string;
  readonly podAddress: string;
  /** Set for Outrigger's own: its pod gets the node's folder. */
  readonly framework?: FrameworkService;
  readonly pod: PodSpec;
  readonly env: Readonly<Record<string, string>>;
  readonly desired: Desired;
};

/** A port on which every node listens and forwards to a ready instance anywhere. */
export type BalancedPort = PublishedService;

/** What the node store keeps as `plan`. */
export type NodePlan = {
  readonly generation: number;
  readonly release: string;
  /** Hash of the content (src/decide/cluster-plan.ts); absent: made before there were cluster plans. */
  readonly content?: string;
  readonly services: readonly PlannedService[];
  /** On the node's own address. Of Replicated services with a port, whether or not one runs here. */
  readonly balanced: readonly BalancedPort[];
  readonly slots: Readonly<Record<string, number>>;
  readonly refused: readonly { readonly name: string; readonly message: string }[];
};

/** The services of a cluster: the release's, with the cluster's own besides or instead; sorted by name. */
export function servicesOf(spec: Pick<ClusterSpec, 'services'>, release: ClusterRelease): Service[] {
  const byName = new Map<string, Service>();
  for (const service of release.spec.services) byName.set(service.name, service);
  for (const service of spec.services) if (trespassOf(service, release) === undefined) byName.set(service.name, service);
  return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Why a service of a cluster may not stand beside those of its release; undefined when it may. The schema refuses most of it already. */
export function trespassOf(service: Service, release: ClusterRelease): string | undefined {
  if (service.framework !== undefined)
    return `service ${service.name} says framework: ${service.framework}, which only a service of a ClusterRelease may say; take it out`;
  const own = release.spec.services.find((one) => one.name === service.name && one.framework !== undefined);
  return own === undefined ? undefined : `service ${service.name} has the name of one of Outrigger's own services; give it another`;
}

/** How many instances of `service` a cluster of `workers` workers wants. */
export function desiredInstances(service: Service, workers: number): number {
  return service.mode === 'Singleton' ? 1 : workers + 1;
}

/** Why two services cannot stand side by side in one cluster; undefined when they can. */
export function conflictOf(services: readonly Service[]): string | undefined {
  const taken = new Map<number, string>();
  for (const service of services) {
    if (service.mode !== 'Replicated' || service.port === undefined) continue;
    const other = taken.get(service.port);
    if (other !== undefined) return `services ${other} and ${service.name} both want port ${service.port}; give one of them another`;
    taken.set(service.port, service.name);
  }
  return undefined;
}

export function planOf(input: PlanInput): NodePlan {
  const { content } = input;
  const all = content.services;
  const wanted = input.node.retired ? [] : all.filter((service) => service.mode === 'Replicated' || input.maySingletons);
  const { slots, refused } = assignSlots(wanted, input.slots, input.node.podAddresses.length);
  const placed = wanted.filter((service) => slots[service.name] !== undefined);
  return {
    generation: input.generation,
    release: content.release,
    content: content.hash,
    services: placed.map((service) => plannedService(input, service, input.node.podAddresses[slots[service.name] ?? 0] ?? '')),
    balanced: all.flatMap((service) =>
      service.mode === 'Replicated' && service.port !== undefined
        ? [{ name: service.name, port: service.port, protocol: service.protocol, ...balancingOf(service), ...frameworkOf(service) }]
        : [],
    ),
    slots,
    refused,
  };
}

/** What of a service makes its pod another one, wherever it runs. */
export function templateOf(service: Service): object {
  return { pod: service.pod, port: portOf(service) ?? null, mode: service.mode, ...frameworkOf(service) };
}

function plannedService(input: PlanInput, service: Service, podAddress: string): PlannedService {
  const port = portOf(service);
  return {
    name: service.name,
    mode: service.mode,
    protocol: service.protocol,
    ...(port === undefined ? {} : { address: `${podAddress}:${port}` }),
    podAddress,
    ...frameworkOf(service),
    pod: service.pod,
    env: environmentOf(input, service, podAddress),
    desired: {
      hash: shortHash({ ...templateOf(service), podAddress }),
      restartPolicy: service.pod.restartPolicy,
      graceMs: service.pod.terminationGracePeriodSeconds * 1000,
      drainMs: service.mode === 'Replicated' && service.port !== undefined ? LIMITS.podDrainMs : 0,
      probes: service.pod.containers.flatMap(probePlansOf),
    },
  };
}

function environmentOf(input: PlanInput, service: Service, podAddress: string): Record<string, string> {
  const port = portOf(service);
  return {
    POD_IP: podAddress,
    POD_NAME: `${input.node.name}-${service.name}`,
    SERVICE_NAME: service.name,
    NODE_NAME: input.node.name,
    NODE_IP: input.node.address,
    CLUSTER_NAME: input.cluster.name,
    CLUSTER_NAMESPACE: input.cluster.namespace,
    ...(port === undefined ? {} : { PORT: String(port) }),
    // A singleton may fence itself at its own resource by the term that it was started in.
    ...(service.mode === 'Singleton' ? { OUTRIGGER_TERM: String(input.term) } : {}),
  };
}

/** No part of a pod's hash: whoever changes how a service is balanced starts nothing again. */
function balancingOf({ proxyProtocol, maxConnections }: Service): Pick<BalancedPort, 'proxyProtocol' | 'maxConnections'> {
  return { ...(proxyProtocol === true ? { proxyProtocol } : {}), ...(maxConnections === undefined ? {} : { maxConnections }) };
}

function frameworkOf({ framework }: Service): { readonly framework?: FrameworkService } {
  return framework === undefined ? {} : { framework };
}

function portOf(service: Service): number | undefined {
  return service.targetPort ?? service.port;
}

/** Old slots first, then the lowest address at which the port is free. */
function assignSlots(
  services: readonly Service[],
  old: Readonly<Record<string, number>>,
  addresses: number,
): { slots: Record<string, number>; refused: { name: string; message: string }[] } {
  const slots: Record<string, number> = {};
  const refused: { name: string; message: string }[] = [];
  const used: Set<string>[] = Array.from({ length: addresses }, () => new Set<string>());
  const fits = (service: Service, slot: number): boolean => slot < addresses && used[slot]?.has(placeOf(service)) === false;
  const take = (service: Service, slot: number): void => {
    slots[service.name] = slot;
    used[slot]?.add(placeOf(service));
  };
  for (const service of services) {
    const slot = old[service.name];
    if (slot !== undefined && fits(service, slot)) take(service, slot);
  }
  for (const service of services.filter((one) => slots[one.name] === undefined)) {
    const free = used.findIndex((places) => places.size === 0);
    const slot = free >= 0 ? free : used.findIndex((_, index) => fits(service, index));
    if (slot >= 0) take(service, slot);
    else
      refused.push({
        name: service.name,
        message: `no pod address of this node has port ${portOf(service) ?? '-'} free; use another targetPort`,
      });
  }
  return { slots, refused };
}

function placeOf(service: Service): string {
  return String(portOf(service) ?? `none-${service.name}`);
}
