/**
 * What readiness is judged from, and how services, nodes and machines stand by it.
 *
 * I1: an instance counts as ready only where its node is up: its agent says Ready in its present life, no host says that it is gone, and it is heard.
 * I2: more that is known to be ready never makes a standing worse.
 */

import type { Cluster } from '../model/cluster.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import { conditionOf } from '../model/condition.ts';
import type { Host } from '../model/host.ts';
import type { Service } from '../model/pod.ts';
import type { VirtualDataCenter } from '../model/virtual-data-center.ts';
import { agentOf, isLeaving, isReady } from './node-facts.ts';
import { desiredInstances } from './plan.ts';

export interface ReadinessFacts {
  readonly cluster: Cluster;
  /** Its members as last seen; those of other attempts are left out. */
  readonly nodes: readonly ClusterNode[];
  /** Of spec and release, as they run; undefined: not known, then what status.services says of them must do. */
  readonly services: readonly Service[] | undefined;
  /** Names of members that are not heard, by own observation. Undefined: nobody observes here; then what status.nodes says holds. */
  readonly unheard: ReadonlySet<string> | undefined;
  /** Undefined: this asker cannot see them. */
  readonly hosts?: readonly Host[] | undefined;
  readonly virtualDataCenter?: VirtualDataCenter | undefined;
  /** How long the site's license holds without a sync that succeeds; undefined: not known. */
  readonly syncGraceDays?: number | undefined;
  /** What is known of the parts above the site; undefined: nothing. */
  readonly control?: ControlFacts | undefined;
}

export interface ControlFacts {
  /** Whether a director answered just now. */
  readonly directorAnswers?: boolean | undefined;
  /** How long no director has been reached; undefined: one answers, or it is not known. */
  readonly directorSilentMs?: number | undefined;
  /** Extension servers whose Leases are fresh. */
  readonly extensionServers?: number | undefined;
  /** Embedded: it came with `outrigger up`, which starts it again. Undefined: not known. */
  readonly database?: 'Embedded' | 'Server' | undefined;
}

export interface ServiceStanding {
  readonly name: string;
  readonly mode: 'Replicated' | 'Singleton';
  /** Whether every node's balancer listens for it; undefined: not known. */
  readonly balanced: boolean | undefined;
  /** Whether an instance that ended is started again; undefined: not known. */
  readonly restarted: boolean | undefined;
  readonly desired: number;
  /** Names of nodes that are up and on which an instance is ready, sorted. */
  readonly on: readonly string[];
  /** Nodes on which it keeps dying or was given up. */
  readonly failing: readonly string[];
}

/** Members of the present attempt that are not on their way out, by index. */
export function membersOf({ cluster, nodes }: ReadinessFacts): readonly ClusterNode[] {
  const attempt = cluster.status?.attempt;
  return nodes
    .filter((node) => !isLeaving(node) && (attempt === undefined || node.spec.attempt === attempt))
    .toSorted((a, b) => a.spec.index - b.spec.index);
}

export function isUp(facts: ReadinessFacts, node: ClusterNode): boolean {
  return isReady(node) && isHeard(facts, node);
}

export function isHeard({ cluster, unheard }: ReadinessFacts, { metadata }: ClusterNode): boolean {
  if (unheard !== undefined) return !unheard.has(metadata.name);
  return cluster.status?.availableAt === undefined || cluster.status.nodes?.[metadata.name]?.ready !== false;
}

/** The whole site is silent: what is known of it is what was heard last. Never so for who observes by himself. */
export function isSiteSilent({ cluster, unheard }: ReadinessFacts): boolean {
  return unheard === undefined && conditionOf(cluster.status?.conditions, 'Reachable')?.status === 'False';
}

/** The node that is primary now; until that is recorded, the one that was born so. */
export function primaryOf(facts: ReadinessFacts): ClusterNode | undefined {
  const members = membersOf(facts);
  return members.find((node) => node.metadata.name === facts.cluster.status?.primary) ?? members.find((node) => node.spec.index === 0);
}

export function standingsOf(facts: ReadinessFacts): readonly ServiceStanding[] {
  const up = membersOf(facts).filter((node) => isUp(facts, node));
  const { workers } = facts.cluster.spec;
  if (facts.services !== undefined)
    return facts.services.map((service) => ({
      name: service.name,
      mode: service.mode,
      balanced: service.mode === 'Replicated' && service.port !== undefined,
      restarted: service.pod.restartPolicy !== 'Never',
      desired: desiredInstances(service, workers),
      ...instancesOf(up, service.name),
    }));
  return Object.entries(facts.cluster.status?.services ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { mode = 'Replicated', desired }]) => ({
      name,
      mode,
      balanced: mode === 'Singleton' ? false : undefined,
      restarted: undefined,
      desired: desired ?? (mode === 'Singleton' ? 1 : workers + 1),
      ...instancesOf(up, name),
    }));
}

function instancesOf(up: readonly ClusterNode[], service: string): Pick<ServiceStanding, 'on' | 'failing'> {
  const instances = up.flatMap((node) => {
    const instance = agentOf(node)?.services?.[service];
    return instance === undefined ? [] : [{ name: node.metadata.name, ...instance }];
  });
  const named = (all: typeof instances): string[] => all.map(({ name }) => name).toSorted();
  return {
    on: named(instances.filter(({ ready }) => ready)),
    failing: named(instances.filter(({ ready, phase }) => !ready && (phase === 'BackOff' || phase === 'Failed'))),
  };
}

/** The machine that a node runs on, for people and for comparison: two host daemons of one boot are one machine. Undefined: no host holds it. */
export function machineNameOf({ hosts }: ReadinessFacts, node: ClusterNode): string | undefined {
  const name = node.spec.host;
  if (name === undefined) return undefined;
  const boot = hosts?.find((host) => host.metadata.name === name)?.status?.bootId;
  if (boot === undefined || boot === '') return name;
  const same = (hosts ?? []).filter((host) => host.status?.bootId === boot).map((host) => host.metadata.name);
  return same.toSorted().join(' and ');
}

/** Hosts that could take one more node of this cluster now, other than those of `machine`. Undefined: this asker cannot see hosts. */
export function roomElsewhere(facts: ReadinessFacts, machine: string | undefined): readonly string[] | undefined {
  const { hosts, virtualDataCenter, cluster } = facts;
  if (hosts === undefined || virtualDataCenter === undefined) return undefined;
  const taken = new Set(machine?.split(' and '));
  const { cpuMillis = 0, memoryMiB = 0 } = cluster.spec.resources ?? {};
  return hosts
    .filter(({ metadata, spec, status }) => {
      if (taken.has(metadata.name) || !virtualDataCenter.spec.hosts.includes(metadata.name)) return false;
      if (spec.cordoned || metadata.deletionTimestamp !== undefined) return false;
      if (conditionOf(status?.conditions, 'Ready')?.status !== 'True') return false;
      const free = spec.capacity.nodes - (status?.nodes ?? 0);
      const freeCpu = spec.capacity.cpuMillis - (status?.used?.cpuMillis ?? 0);
      const freeMemory = spec.capacity.memoryMiB - (status?.used?.memoryMiB ?? 0);
      return free >= 1 && freeCpu >= cpuMillis && freeMemory >= memoryMiB;
    })
    .map(({ metadata }) => metadata.name);
}

/** `a`, `a and b`, `a, b and c`. */
export function together(names: readonly string[]): string {
  if (names.length < 2) return names[0] ?? '';
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;
}
