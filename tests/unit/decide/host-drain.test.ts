/**
 * Emptying a host: who goes next, and what is waited for.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { drainStep } from '../../../src/decide/host-drain.ts';
import type { DrainView } from '../../../src/decide/host-drain.ts';
import type { ClusterNode } from '../../../src/model/cluster-node.ts';
import type { Cluster } from '../../../src/model/cluster.ts';
import type { Host } from '../../../src/model/host.ts';
import { ANNOTATION_HOST_DEAD } from '../../../src/model/labels.ts';
import type { VirtualDataCenter } from '../../../src/model/virtual-data-center.ts';

const META = { namespace: 'demo', resourceVersion: '5', creationTimestamp: '2026-01-01T00:00:00Z' };

function host(name: string, over: { cordoned?: boolean; nodes?: number; dead?: boolean; boot?: string } = {}): Host {
  const { cordoned = false, nodes = 4, dead = false, boot = 'b' } = over;
  const annotations = dead ? { [ANNOTATION_HOST_DEAD]: boot } : {};
  const spec = { capacity: { nodes, cpuMillis: 9000, memoryMiB: 9000 }, drivers: ['process'], cordoned };
  return { metadata: { name, uid: name, annotations }, spec, status: boot === '' ? {} : { bootId: boot } } as unknown as Host;
}

function node(cluster: string, index: number, on: string, over: { uid?: string; phase?: string; retired?: boolean } = {}): ClusterNode {
  const { uid = `${cluster}${index}`, phase = 'Ready', retired } = over;
  const name = `${cluster}-a1-n${index}`;
  const role = index === 0 ? 'Primary' : 'Worker';
  const spec = { cluster, virtualDataCenter: 'main', index, role, incarnation: 1, host: on, resources: { cpuMillis: 500, memoryMiB: 256 } };
  const status = { role, agent: { incarnation: 1, phase }, infrastructure: { incarnation: 1, phase: 'Running' } };
  return {
    metadata: { ...META, name, uid },
    spec: { ...spec, ...(retired === undefined ? {} : { retired }) },
    status,
  } as unknown as ClusterNode;
}

function cluster(name: string, isRedundant = true, workers = 1): Cluster {
  const conditions = [{ type: 'Redundant', status: isRedundant ? 'True' : 'False', message: 'so it is' }];
  return { metadata: { ...META, name }, spec: { workers }, status: { conditions } } as unknown as Cluster;
}

const VDC = { metadata: { ...META, name: 'main' }, spec: { hosts: ['h1', 'h2'] } } as unknown as VirtualDataCenter;
const PAIR = [node('harbor', 0, 'h1'), node('harbor', 1, 'h1')];

function view(over: Partial<DrainView>): DrainView {
  const hosts = [host('h1', { cordoned: true }), host('h2')];
  const base = { host: 'h1', hosts, virtualDataCenters: [VDC], clusters: [cluster('harbor')], nodes: PAIR };
  return { ...base, includePrimaries: false, retired: [], ...over };
}

const names = (nodes: readonly ClusterNode[]): string[] => nodes.map((one) => one.metadata.name);

describe('emptying a host', () => {
  test('I1 I3: the worker goes, the primary is named and stays', () => {
    const step = drainStep(view({}));
    assert.deepEqual([names(step.retire), names(step.primaries), step.waits, step.stuck], [['harbor-a1-n1'], ['harbor-a1-n0'], [], []]);
  });

  test('I1: one at a time for each cluster; another cluster does not wait for it', () => {
    const nodes = [...PAIR, node('pier', 1, 'h1'), node('pier', 2, 'h1')];
    const step = drainStep(view({ nodes, clusters: [cluster('harbor'), cluster('pier', true, 2)] }));
    assert.deepEqual(names(step.retire), ['harbor-a1-n1', 'pier-a1-n1']);
    const leaving = [node('pier', 1, 'h1', { retired: true }), node('pier', 2, 'h1')];
    const next = drainStep(view({ nodes: leaving, clusters: [cluster('pier')] }));
    assert.deepEqual(next.retire, []);
    assert.match(next.waits.join(), /waits for pier-a1-n1/);
  });

  test('I1: not while the cluster is not redundant, and not before the replacement of the one before is ready', () => {
    const alone = drainStep(view({ clusters: [cluster('harbor', false)] }));
    assert.deepEqual(alone.retire, []);
    assert.match(alone.waits.join(), /demo\/harbor is not redundant now.*so it is/);
    const retired = [{ namespace: 'demo', name: 'harbor-a1-n1', uid: 'harbor1' }];
    const gone = drainStep(view({ nodes: [PAIR[0]!], retired }));
    assert.deepEqual(gone.waits, ['waits for a new harbor-a1-n1']);
    const made = drainStep(view({ nodes: [PAIR[0]!, node('harbor', 1, 'h2', { uid: 'new', phase: 'Joined' })], retired }));
    assert.match(made.waits.join(), /waits for harbor-a1-n1/);
    const ready = drainStep(view({ nodes: [PAIR[0]!, node('harbor', 1, 'h2', { uid: 'new' })], retired }));
    assert.deepEqual([ready.retire, ready.waits, names(ready.primaries)], [[], [], ['harbor-a1-n0']]);
  });

  test('I2: not without room on another living host of the data center', () => {
    const elsewhere: readonly Host[] = [
      host('h2', { cordoned: true }),
      host('h2', { nodes: 0 }),
      host('h2', { dead: true }),
      host('h2', { boot: '' }),
    ];
    for (const other of elsewhere) {
      const step = drainStep(view({ hosts: [host('h1'), other] }));
      assert.deepEqual(step.retire, []);
      assert.match(step.stuck.join(), /harbor-a1-n1 stays: none of h2 has room/);
    }
    const none = drainStep(view({ virtualDataCenters: [{ ...VDC, spec: { ...VDC.spec, hosts: ['h1'] } }] }));
    assert.match(none.stuck.join(), /no other host serves/);
  });

  test('I3: primaries go when they were asked for, after the workers', () => {
    assert.deepEqual(names(drainStep(view({ includePrimaries: true })).retire), ['harbor-a1-n1']);
    const last = drainStep(view({ includePrimaries: true, nodes: [node('harbor', 0, 'h1'), node('harbor', 1, 'h2')] }));
    assert.deepEqual([names(last.retire), last.primaries], [['harbor-a1-n0'], []]);
    const single = drainStep(view({ includePrimaries: true, nodes: [node('harbor', 0, 'h1')], clusters: [cluster('harbor', false, 0)] }));
    assert.deepEqual(names(single.retire), ['harbor-a1-n0']);
  });

  test('nothing there: nothing to do', () => {
    assert.deepEqual(drainStep(view({ nodes: [node('harbor', 0, 'h2')] })), { retire: [], waits: [], stuck: [], primaries: [] });
  });
});
