/** Clusters, nodes and a screen as values, for tests of what `outrigger cluster` says. */
import type { Screen } from '../../src/cli/screen.ts';
import type { Cluster, ClusterStatus } from '../../src/model/cluster.ts';
import type { ClusterNode } from '../../src/model/cluster-node.ts';
import type { ClusterRelease } from '../../src/model/cluster-release.ts';
import type { Condition, ConditionReason, ConditionType } from '../../src/model/condition.ts';
import type { Clock } from '../../src/ports/clock.ts';

/** demo/pier, of generation 1, made at the beginning of 2030. */
export function cluster(status: ClusterStatus | undefined, spec: Partial<Cluster['spec']> = {}): Cluster {
  return {
    apiVersion: 'outrigger.dev/v1',
    kind: 'Cluster',
    metadata: { name: 'pier', namespace: 'demo', uid: 'u', resourceVersion: '1', generation: 1, creationTimestamp: '2030-01-01T00:00:00Z' },
    spec: {
      virtualDataCenter: 'main',
      release: '1.0.0',
      workers: 1,
      nodes: 'Provisioned',
      autoRepairOnErrors: true,
      services: [],
      ...spec,
    },
    ...(status === undefined ? {} : { status }),
  } as unknown as Cluster;
}

export function node(name: string, index: number, services: readonly string[] = []): ClusterNode {
  const running = Object.fromEntries(services.map((service) => [service, { phase: 'Ready', ready: true }]));
  return {
    metadata: { name, namespace: 'demo' },
    spec: { index, incarnation: 1, role: index === 0 ? 'Primary' : 'Worker' },
    status: { agent: { incarnation: 1, services: running } },
  } as unknown as ClusterNode;
}

export function release(version: string, upgradesFrom: readonly string[] = []): ClusterRelease {
  return { metadata: { name: version }, spec: { version, upgradesFrom, services: [] } } as unknown as ClusterRelease;
}

export function condition(type: ConditionType, status: 'True' | 'False', reason: ConditionReason, observedGeneration: number): Condition {
  return { type, status, reason, message: `${type} says ${reason}.`, lastTransitionTime: '2030-01-01T00:00:00Z', observedGeneration };
}

/** Sleeping moves it on. */
export function hurriedClock(): Clock {
  let nowMs = 0;
  return { nowMs: () => nowMs, monotonicMs: () => nowMs, sleep: (ms) => Promise.resolve(void (nowMs += ms)) };
}

export function memoryScreen(): { readonly screen: Screen; readonly lines: string[] } {
  const lines: string[] = [];
  return {
    lines,
    screen: { interactive: false, line: (text) => void lines.push(text), status: () => undefined, paint: (_, text) => text },
  };
}
