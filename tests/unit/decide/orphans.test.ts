/**
 * Orphans: each kind is found, with what to do, and nothing is that has an owner or whose owners were not shown.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findOrphans, judgeOrphans } from '../../../src/decide/orphans.ts';
import type { OrphanKind, OrphanSight } from '../../../src/decide/orphans.ts';
import type { Lease } from '../../../src/model/core-kinds.ts';
import type { Host } from '../../../src/model/host.ts';
import type { Site } from '../../../src/model/site.ts';
import type { UniversalLicense } from '../../../src/model/universal-license.ts';
import { cluster, dataCenter, node, reservations, UID } from './fixtures.ts';

const NODE_UID = '7a0e8d54-4b7c-4c6d-9b51-2f0f5f0c9d11';
const member = { ...node(1, { host: 'h1' }), metadata: { ...node(1).metadata, uid: NODE_UID } };
const meta = (name: string, more: object = {}) => ({
  name,
  namespace: 'demo',
  uid: `${name}-uid`,
  resourceVersion: '1',
  creationTimestamp: '2030-01-01T00:00:00Z',
  ...more,
});
const lease = (name: string, more: object = {}): Lease => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: meta(name, more),
  spec: {},
});
const owned = { ownerReferences: [{ apiVersion: 'outrigger.dev/v1', kind: 'ClusterNode', name: 'x', uid: NODE_UID }] };
const site = { metadata: meta('dock'), spec: {}, status: { cluster: { name: 'harbor', uid: UID } } } as unknown as Site;
const host = {
  metadata: { ...meta('h1'), namespace: undefined },
  spec: {},
  status: { unclaimedNodes: [{ uid: NODE_UID, namespace: 'demo', name: 'harbor-a1-n1', cluster: 'harbor', clusterUid: UID }] },
} as unknown as Host;
const license = {
  metadata: meta('gold'),
  spec: {},
  status: { sites: { dock: { siteUid: 'dock-uid', syncedAt: '' } } },
} as unknown as UniversalLicense;
const bearer = { kind: 'node', uid: NODE_UID, name: 'harbor-a1-n1', incarnation: 1 } as const;
const hostToken = {
  metadata: meta('bootstrap-9876543210'),
  fields: { tokenHash: '', expiresAt: '', bearer: { kind: 'host', name: 'h1' } as const },
};
const token = { metadata: meta('bootstrap-0123456789'), fields: { tokenHash: '', expiresAt: '', bearer } };

const ALL: { readonly [K in keyof OrphanSight]-?: NonNullable<OrphanSight[K]> } = {
  leases: [lease(`node-${NODE_UID}`), lease(`tunnel-${NODE_UID}`, owned), lease('host-h1'), lease('node-someone')],
  tokens: [token, hostToken],
  licenses: [license],
  dataCenters: [dataCenter({ reservations: reservations([0]) })],
  sites: [site],
  hosts: [host],
  nodes: [member],
  clusters: [cluster()],
};
const kinds = (sight: OrphanSight): OrphanKind[] => findOrphans(sight).map(({ kind }) => kind);

describe('orphans', () => {
  it('I1: what has its owner is none', () => {
    assert.deepEqual(findOrphans(ALL), []);
  });

  it('with the cluster gone: its nodes, reservations, machines and plugs', () => {
    assert.deepEqual(kinds({ ...ALL, clusters: [] }), ['Node', 'Reservation', 'Machine', 'Plug']);
    assert.deepEqual(
      kinds({ ...ALL, clusters: [cluster({ uid: 'another' })] }),
      ['Node', 'Reservation', 'Machine', 'Plug'],
      'the name alone is nobody',
    );
  });

  it('with a node gone: its Leases and tokens; with a Site gone: its seats', () => {
    assert.deepEqual(kinds({ ...ALL, nodes: [] }), ['Lease', 'Lease', 'Token']);
    assert.deepEqual(kinds({ ...ALL, sites: [] }), ['Seats']);
  });

  it('I1: of owners that were not shown nothing is concluded', () => {
    assert.deepEqual(kinds({ ...ALL, clusters: undefined, nodes: undefined, sites: undefined }), []);
    assert.deepEqual(kinds({ ...ALL, leases: undefined, tokens: undefined, nodes: [] }), []);
  });

  it('I2: each says who takes it away and what to do; only what nobody takes away is wrong', () => {
    const found = findOrphans({ ...ALL, clusters: [], nodes: [member], sites: [] });
    for (const { where, what, todo } of found) assert.ok(where !== '' && what.endsWith('.') && todo.length > 20, what);
    const findings = judgeOrphans(findOrphans({ ...ALL, clusters: [], sites: [] }));
    const wrong = findings.filter(({ health }) => health === 'Wrong').map(({ area }) => area);
    assert.deepEqual(wrong, ['Hosts', 'Licenses']);
    const held = findings.find(({ area }) => area === 'Nodes');
    assert.match(held?.remedy ?? '', /host h1.*outrigger\.dev\/force-delete=true/);
    const leases = judgeOrphans(findOrphans({ ...ALL, nodes: [] }));
    assert.deepEqual(
      leases.map(({ health }) => health),
      ['Wrong', 'Notice', 'Wrong'],
      'what names its owner goes by itself',
    );
  });
});
