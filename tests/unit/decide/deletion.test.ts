/**
 * Deletion: from every phase, always forward, the finalizer last.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decideDeletion } from '../../../src/decide/deletion.ts';
import { licensed } from '../../../src/decide/license.ts';
import type { Decision } from '../../../src/decide/cluster-view.ts';
import { FINALIZER_CLUSTER } from '../../../src/model/labels.ts';
import { atStep, cluster, dataCenter, node, readyNode, reservations, seenFor, view, wasAvailable } from './fixtures.ts';

const kinds = (decision: Decision): string[] => decision.effects.map((effect) => effect.kind).filter((kind) => kind !== 'RecordEvent');
const deleting = (status = wasAvailable(), annotations: Record<string, string> = {}): ReturnType<typeof cluster> =>
  cluster({ deleted: true, status, annotations, finalizers: ['theirs', FINALIZER_CLUSTER] });

describe('deletion', () => {
  it('I3: deletes the nodes of every attempt, in every phase', () => {
    for (const status of [undefined, atStep('PrimaryReady', 2, { abandonedAttempt: 1 }), wasAvailable({ attempt: 2 })]) {
      const decision = decideDeletion(
        view({ cluster: deleting(status), nodes: [node(0, { attempt: 1 }), readyNode(0, [], { attempt: 2 }), node(1, { attempt: 2 })] }),
      );
      assert.deepEqual(
        decision.effects.flatMap((effect) => (effect.kind === 'DeleteNode' ? [`${effect.on.name} ${effect.license}`] : [])),
        ['harbor-a1-n0 OwnerDeleted', 'harbor-a2-n0 OwnerDeleted', 'harbor-a2-n1 OwnerDeleted'],
      );
    }
  });

  it('I1: drops the finalizer only when a live view shows no node and no reservation', () => {
    const at = (live: boolean, nodes: ReturnType<typeof node>[], indexes: number[]): Decision =>
      licensed(
        { live },
        decideDeletion(view({ live, cluster: deleting(), nodes, virtualDataCenter: dataCenter({ reservations: reservations(indexes) }) })),
      );
    assert.deepEqual(kinds(at(true, [node(0, { host: 'h1', deleted: true })], [0])), ['PatchClusterStatus']);
    assert.deepEqual([at(false, [], []).effects, at(false, [], []).needsLive], [[], true]);
    assert.deepEqual(kinds(at(true, [], [0, 1])), ['PatchClusterStatus', 'Unreserve']);
    const last = at(true, [], []);
    assert.deepEqual(kinds(last), ['DropClusterFinalizer']);
    assert.deepEqual(last.effects[0]?.kind === 'DropClusterFinalizer' && last.effects[0].finalizers, ['theirs']);
  });

  it('I1: a data center that is gone holds no reservation', () => {
    assert.deepEqual(kinds(decideDeletion(view({ cluster: deleting(), virtualDataCenter: undefined }))), ['DropClusterFinalizer']);
  });

  it('I2: lets unclaimed nodes go, waits for a host by name, and skips it when forced', () => {
    const unclaimed = decideDeletion(view({ cluster: deleting(), nodes: [node(0, { deleted: true })] }));
    assert.deepEqual(kinds(unclaimed), ['PatchClusterStatus', 'DropNodeFinalizer']);
    const nodes = [node(0, { deleted: true, host: 'h1' })];
    const waiting = decideDeletion(view({ cluster: deleting(), nodes }));
    assert.match(JSON.stringify(waiting.effects), /host h1 has not yet let go of harbor-a1-n0.*force-delete/);
    for (const word of ['no', 'False', '0', 'True', '', 'false']) {
      const slip = { cluster: deleting(wasAvailable(), { 'outrigger.dev/force-delete': word }), nodes };
      const seenLong = seenFor(decideDeletion(view(slip)).watching, 600_000, 600_000);
      const effects = decideDeletion(view({ ...slip, afterMs: 600_000, seen: seenLong })).effects.map(({ kind }) => kind);
      assert.ok(!effects.includes('DropNodeFinalizer'), `${JSON.stringify(word)} forced it`);
    }
    const forced = { cluster: deleting(wasAvailable(), { 'outrigger.dev/force-delete': 'true' }), nodes };
    const first = decideDeletion(view(forced));
    assert.deepEqual([kinds(first), first.requeueAfterMs], [['PatchClusterStatus'], 30_000]);
    const then = decideDeletion(view({ ...forced, afterMs: 30_000, seen: seenFor(first.watching, 30_000, 30_000) }));
    assert.deepEqual(kinds(then), ['PatchClusterStatus', 'DropNodeFinalizer']);
    assert.match(JSON.stringify(then.effects), /NodeLeft.*given up by force: host h1/);
  });

  it('I5: a finalizer of others on the Cluster is not dropped, and named once nothing else is left', () => {
    const held = cluster({ deleted: true, status: wasAvailable(), finalizers: ['example.com/theirs'] });
    const decision = decideDeletion(view({ cluster: held }));
    assert.deepEqual(kinds(decision), ['PatchClusterStatus']);
    assert.match(
      JSON.stringify(decision.effects),
      /Nothing of it is left but the finalizer example\.com\/theirs, which is not of Outrigger.*kubectl -n demo patch cluster harbor/,
    );
    const collected = cluster({ deleted: true, finalizers: ['foregroundDeletion'] });
    assert.deepEqual(decideDeletion(view({ cluster: collected })).effects, [], 'the garbage collector is no stranger');
  });

  it('has nothing to do once its finalizer is gone', () => {
    assert.deepEqual(decideDeletion(view({ cluster: cluster({ deleted: true, finalizers: [] }), nodes: [node(0)] })).effects, []);
  });
});
