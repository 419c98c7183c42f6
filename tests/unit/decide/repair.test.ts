/**
 * After Available: replacement on proof alone.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Decision } from '../../../src/decide/cluster-view.ts';
import { decideCluster } from '../../../src/decide/creation.ts';
import { decideAfterAvailable } from '../../../src/decide/repair.ts';
import { primaryOf } from '../../../src/decide/repair-owner.ts';
import type { ClusterStatus } from '../../../src/model/cluster.ts';
import { cluster, dataCenter, node, readyNode, reservations, view, wasAvailable } from './fixtures.ts';

const kinds = (decision: Decision): string[] => decision.effects.map((effect) => effect.kind).filter((kind) => kind !== 'RecordEvent');
const available = cluster({ status: wasAvailable() });
const gone = { infrastructure: { incarnation: 1, phase: 'Gone' as const } };

describe('repair', () => {
  it('I2: silence, failure and a machine that exited prove nothing', () => {
    for (const phase of ['Exited', 'Failed', 'Running'] as const) {
      const mute = node(0, { host: 'h1', status: { infrastructure: { incarnation: 1, phase } } });
      const decision = decideAfterAvailable(view({ cluster: available, nodes: [mute, readyNode(1)], afterMs: 10 ** 9 }));
      assert.ok(!kinds(decision).includes('RaiseIncarnation'), phase);
    }
  });

  it('I2: word about an older incarnation proves nothing about this one', () => {
    const replaced = node(0, { host: 'h1', incarnation: 2, status: gone, annotations: { 'outrigger.dev/confirm-dead': '1' } });
    assert.ok(!kinds(decideAfterAvailable(view({ cluster: available, nodes: [replaced] }))).includes('RaiseIncarnation'));
  });

  it('I2: a lost primary is replaced by one write, on the word of its host or of a person', () => {
    const proofs = [node(0, { host: 'h1', status: gone }), node(0, { host: 'h1', annotations: { 'outrigger.dev/confirm-dead': '1' } })];
    for (const primary of proofs) {
      const decision = decideCluster(view({ cluster: available, nodes: [primary, readyNode(1)] }));
      const raised = decision.effects.filter((effect) => effect.kind === 'RaiseIncarnation');
      assert.deepEqual(
        raised.map((effect) => [effect.on.name, effect.on.resourceVersion, effect.incarnation]),
        [['harbor-a1-n0', '20', 2]],
      );
    }
  });

  it('I1: a primary that a person retired or deleted goes, so that a new one can follow', () => {
    const stopped = { agent: { incarnation: 1, phase: 'Stopped' as const } };
    const retired = node(0, { host: 'h1', retired: true, status: stopped });
    assert.deepEqual(kinds(decideCluster(view({ cluster: available, nodes: [retired, readyNode(1)] }))), ['DeleteNode']);
    const cached = decideCluster(view({ live: false, cluster: available, nodes: [retired, readyNode(1)] }));
    assert.deepEqual([cached.effects, cached.needsLive], [[], true]);
    const unclaimed = node(0, { deleted: true });
    const dropped = kinds(decideCluster(view({ cluster: available, nodes: [unclaimed, readyNode(1)] })));
    assert.ok(dropped.includes('DropNodeFinalizer'), dropped.join());
    const held = node(0, { host: 'h1', deleted: true });
    const waits = kinds(decideCluster(view({ cluster: available, nodes: [held, readyNode(1)] })));
    assert.ok(!waits.includes('DropNodeFinalizer') && !waits.includes('CreateNode'), waits.join());
  });

  it('I1: destroys nothing but late nodes of attempts abandoned before', () => {
    const status = wasAvailable({ attempt: 2, abandonedAttempt: 1, primary: 'harbor-a2-n0' });
    const nodes = [node(0, { attempt: 1 }), readyNode(0, ['hello'], { attempt: 2 }), node(1, { attempt: 2, status: gone, host: 'h1' })];
    const decision = decideCluster(view({ cluster: cluster({ status }), nodes }));
    assert.deepEqual(
      decision.effects.flatMap((effect) => (effect.kind === 'DeleteNode' ? [effect.on.name] : [])),
      ['harbor-a1-n0'],
    );
    const cached = decideCluster(view({ live: false, cluster: cluster({ status }), nodes }));
    assert.deepEqual([cached.effects, cached.needsLive], [[], true]);
  });

  it('I3: writes the status only while the primary cannot', () => {
    const heard = decideAfterAvailable(view({ cluster: available, nodes: [readyNode(0), node(1, { host: 'h2', status: gone })] }));
    assert.deepEqual(heard.effects, []);
    const lost = decideAfterAvailable(view({ cluster: available, nodes: [node(0, { incarnation: 2, status: gone }), readyNode(1)] }));
    const patch = lost.effects.find((effect) => effect.kind === 'PatchClusterStatus');
    assert.equal(patch?.kind === 'PatchClusterStatus' && (patch.status as ClusterStatus).phase, 'Error');
  });

  it('I3: speaks for a silent primary while another member is heard', () => {
    const nodes = [readyNode(0), readyNode(1)];
    const leases = new Map([
      ['harbor-a1-n0-uid', '7'],
      ['harbor-a1-n1-uid', '9'],
    ]);
    const seen = new Map([
      ['lease/harbor-a1-n0-uid', 0],
      ['lease/harbor-a1-n0-uid/7', 0],
      ['lease/harbor-a1-n1-uid', 0],
      ['lease/harbor-a1-n1-uid/9', 990_000],
    ]);
    const decision = decideAfterAvailable(view({ cluster: available, nodes, leases, seen }));
    const patch = decision.effects.find((effect) => effect.kind === 'PatchClusterStatus');
    assert.equal(patch?.kind === 'PatchClusterStatus' && (patch.status as ClusterStatus).phase, 'Error');
    assert.deepEqual(kinds(decision), ['PatchClusterStatus'], 'silence replaces nothing');
  });

  it('I4: a site of which nothing is heard is not reachable, and nothing else; it is again when it is heard', () => {
    const nodes = [readyNode(0), readyNode(1)];
    const leases = new Map(nodes.map((one) => [one.metadata.uid, '7']));
    const old = new Map(
      nodes.flatMap((one) => [`lease/${one.metadata.uid}`, `lease/${one.metadata.uid}/7`].map((key) => [key, 0] as const)),
    );
    const cut = decideAfterAvailable(view({ cluster: available, nodes, leases, seen: old }));
    const patch = cut.effects[0];
    assert.ok(patch?.kind === 'PatchClusterStatus' && cut.effects.length === 1);
    const status = patch.status as ClusterStatus;
    assert.deepEqual(
      status.conditions?.map((one) => `${one.type} ${one.status} ${one.reason}`),
      ['Reachable False Silent'],
    );
    assert.ok(!('nodes' in status) && (status.phase ?? 'Available') === 'Available');
    const silent = cluster({ status: { ...wasAvailable(), ...status } });
    assert.deepEqual(kinds(decideAfterAvailable(view({ cluster: silent, nodes, leases, seen: old }))), [], 'it is said once');
    assert.deepEqual(
      kinds(decideAfterAvailable(view({ cluster: silent, nodes, leases, seen: new Map() }))),
      [],
      'a fresh observer knows nothing yet',
    );
    const heard = new Map([...old, [`lease/${nodes[1]?.metadata.uid}/8`, 999_000] as const]);
    const back = decideAfterAvailable(
      view({ cluster: silent, nodes, leases: new Map([...leases, ['harbor-a1-n1-uid', '8']]), seen: heard }),
    );
    assert.match(JSON.stringify(back.effects), /"Reachable","status":"True"/);
  });

  it('makes a primary anew whose object a person deleted, on a live view', () => {
    const change = { cluster: available, nodes: [readyNode(1)], virtualDataCenter: dataCenter({ reservations: reservations([0, 1]) }) };
    const cached = decideCluster(view({ ...change, live: false }));
    assert.deepEqual([cached.effects, cached.needsLive], [[], true]);
    assert.ok(kinds(decideCluster(view(change))).includes('CreateNode'));
  });

  it('knows the primary by the status, else by birth', () => {
    assert.equal(
      primaryOf(view({ cluster: cluster({ status: wasAvailable({ primary: 'harbor-a1-n1' }) }), nodes: [node(0), node(1)] }))?.spec.index,
      1,
    );
    assert.equal(
      primaryOf(view({ cluster: cluster({ status: wasAvailable({ primary: 'other' }) }), nodes: [node(0), node(1)] }))?.spec.index,
      0,
    );
  });
});
