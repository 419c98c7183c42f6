/**
 * Which clusters a change of a VirtualDataCenter concerns: as few as will do, and never too few.
 */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { capacityWatch } from '../../../src/extension/capacity.ts';
import type { Cluster } from '../../../src/model/cluster.ts';
import type { VirtualDataCenter } from '../../../src/model/virtual-data-center.ts';
import { cluster, dataCenter } from '../decide/fixtures.ts';

function named(name: string, phase: 'Available' | 'Pending'): Cluster {
  const base = cluster();
  return { ...base, metadata: { ...base.metadata, name }, status: { phase } };
}

function reserving(nodes: number, more: Partial<VirtualDataCenter['metadata']> = {}): VirtualDataCenter {
  const base = dataCenter();
  return { ...base, metadata: { ...base.metadata, ...more }, status: { reserved: { nodes, cpuMillis: nodes, memoryMiB: nodes } } };
}

const ALL = [named('served', 'Available'), named('waiting', 'Pending')];
let told: (vdc: VirtualDataCenter, gone?: boolean) => string[];

beforeEach(() => {
  const watch = capacityWatch({ of: (key) => (key === 'demo/lab' ? ALL : []) });
  told = (vdc, gone = false) => watch(vdc, gone).map(({ metadata }) => metadata.name);
  told(reserving(2));
});

test('I1: what a person wrote concerns all clusters: a first sight, a new spec, a deletion, another object of that name, its end', () => {
  assert.deepEqual(told(reserving(2, { generation: 2 })), ['served', 'waiting']);
  assert.deepEqual(told(reserving(2, { generation: 2, deletionTimestamp: '2030-01-01T00:00:00Z' })), ['served', 'waiting']);
  assert.deepEqual(told(reserving(2, { generation: 2, uid: 'v2-uid' })), ['served', 'waiting']);
  assert.deepEqual(told(reserving(2, { generation: 2, uid: 'v2-uid' }), true), ['served', 'waiting']);
  assert.deepEqual(told(reserving(9)), ['served', 'waiting']);
});

test('I2: capacity that came free concerns those that may wait for it', () => {
  assert.deepEqual(told(reserving(1)), ['waiting']);
});

test('I3: a reservation that was added concerns nobody', () => {
  assert.deepEqual(told(reserving(4)), []);
  assert.deepEqual(told(reserving(4)), []);
});
