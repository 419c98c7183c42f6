/**
 * What a host that a person confirmed dead proves.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { claimsOf } from '../../../src/decide/host-claim.ts';
import { diedWithHosts, hostDeathEffects } from '../../../src/decide/host-death.ts';
import { deathOf } from '../../../src/decide/node-facts.ts';
import { requestOf } from '../../../src/decide/request.ts';
import type { ClusterNode } from '../../../src/model/cluster-node.ts';
import type { Host } from '../../../src/model/host.ts';
import { ANNOTATION_CONFIRM_DEAD, ANNOTATION_HOST_DEAD, FINALIZER_NODE } from '../../../src/model/labels.ts';

const META = { resourceVersion: '5', creationTimestamp: '2026-01-01T00:00:00Z' };

function host(name: string, boot: string, confirmed?: string): Host {
  const annotations = confirmed === undefined ? {} : { annotations: { [ANNOTATION_HOST_DEAD]: confirmed } };
  const spec = { capacity: { nodes: 4, cpuMillis: 2000, memoryMiB: 2048 }, drivers: ['process' as const], cordoned: false };
  return {
    apiVersion: 'outrigger.dev/v1',
    kind: 'Host',
    metadata: { ...META, name, uid: `uid-${name}`, ...annotations },
    spec,
    status: { bootId: boot },
  };
}

function node(
  over: { host?: string; bootId?: string; incarnation?: number; said?: number; annotations?: Record<string, string> } = {},
): ClusterNode {
  const { incarnation = 2, said = incarnation, bootId, annotations = {} } = over;
  const infrastructure = bootId === undefined ? {} : { infrastructure: { incarnation: said, phase: 'Running', bootId } };
  return {
    apiVersion: 'outrigger.dev/v1',
    kind: 'ClusterNode',
    metadata: { ...META, name: 'n0', namespace: 'demo', uid: 'uid-n0', finalizers: [FINALIZER_NODE], annotations },
    spec: {
      cluster: 'harbor',
      clusterUid: 'c',
      virtualDataCenter: 'main',
      attempt: 1,
      index: 0,
      role: 'Primary',
      incarnation,
      resources: { cpuMillis: 500, memoryMiB: 256 },
      ...('host' in over ? {} : { host: 'h1' }),
      ...(over.host === undefined ? {} : { host: over.host }),
    },
    status: infrastructure,
  } as ClusterNode;
}

describe('a host that is confirmed dead', () => {
  const dead = [host('h1', 'b1', 'b1')];

  test('I1: a node of which it spoke in that boot is dead; by one guarded write that says what a person would say', () => {
    const one = node({ bootId: 'b1' });
    const [effect, event] = hostDeathEffects(dead, [one]);
    assert.ok(effect?.kind === 'ConfirmNodeDead');
    const request = requestOf(effect);
    assert.ok(request.verb === 'mergePatch');
    assert.deepEqual(request.patch['metadata'], { annotations: { [ANNOTATION_CONFIRM_DEAD]: '2' }, uid: 'uid-n0', resourceVersion: '5' });
    assert.ok(event?.kind === 'RecordEvent' && event.reason === 'HostConfirmedDead');
    const told = node({ bootId: 'b1', annotations: { [ANNOTATION_CONFIRM_DEAD]: '2' } });
    assert.notEqual(deathOf(told), undefined);
    assert.deepEqual(diedWithHosts(dead, [told]), [], 'said once');
  });

  test('I1: not of another boot, another host, an older life, or a host that nobody confirmed', () => {
    assert.deepEqual(diedWithHosts(dead, [node({ bootId: 'b0' })]), []);
    assert.deepEqual(diedWithHosts(dead, [node({ bootId: 'b1', host: 'h2' })]), []);
    assert.deepEqual(diedWithHosts([host('h1', 'b1')], [node({ bootId: 'b1' })]), []);
    assert.deepEqual(diedWithHosts([host('h1', 'b1', '')], [node({ bootId: 'b1' })]), []);
    assert.deepEqual(diedWithHosts([], [node({ bootId: 'b1' })]), []);
    const afterReboot = [host('h1', 'b2', 'b1')];
    assert.deepEqual(diedWithHosts(afterReboot, [node({ bootId: 'b2' })]), [], 'it came back and runs again');
    assert.equal(diedWithHosts(afterReboot, [node({ bootId: 'b1' })]).length, 1, 'what it said in the dead boot stays dead');
  });

  test('I2: claimed and never begun: over, while no other boot of the host is known', () => {
    assert.equal(diedWithHosts(dead, [node()]).length, 1);
    assert.equal(diedWithHosts(dead, [node({ bootId: 'b1', said: 1 })]).length, 1, 'what it said of an older life counts for nothing');
    assert.deepEqual(diedWithHosts([host('h1', 'b2', 'b1')], [node()]), []);
  });

  test('I3, and I8 of host-claim.ts: in that boot it claims nothing; after another one it does', () => {
    const free = { ...node(), spec: { ...node().spec } };
    delete (free.spec as { host?: string }).host;
    const vdc = {
      apiVersion: 'outrigger.dev/v1',
      kind: 'VirtualDataCenter',
      metadata: { ...META, name: 'main', namespace: 'demo', uid: 'v' },
      spec: { quota: { nodes: 4, cpuMillis: 4000, memoryMiB: 4096 }, hosts: ['h1'], nodeDriver: 'process' as const },
    };
    const view = { host: host('h1', 'b1', 'b1'), virtualDataCenters: [vdc], nodes: [free], held: [], freeSlots: 9 };
    assert.deepEqual(claimsOf({ ...view, bootId: 'b1' }), []);
    assert.equal(claimsOf({ ...view, bootId: 'b2' }).length, 1);
  });
});
