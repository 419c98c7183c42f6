/**
 * Workers up and down.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Decision } from '../../../src/decide/cluster-view.ts';
import { decideScale, indexesOf, missingNodes, surplusNodes } from '../../../src/decide/scale.ts';
import { ANNOTATION_ADOPTED_GENERATION } from '../../../src/model/labels.ts';
import { cluster, dataCenter, node, readyNode, reservations, seenFor, view, wasAvailable } from './fixtures.ts';

const kinds = (decision: Decision): string[] => decision.effects.map((effect) => effect.kind);
const of = (workers: number, generation = 1): ReturnType<typeof cluster> =>
  cluster({ status: wasAvailable(), spec: { workers }, generation });
const reserved = (indexes: number[], generation = 1): ReturnType<typeof dataCenter> =>
  dataCenter({ reservations: reservations(indexes, 1, generation) });

describe('scale', () => {
  it('I1: reserves before it creates, and creates only under a reservation made for this creation', () => {
    const first = decideScale(
      view({ live: false, cluster: of(2), nodes: [readyNode(0), readyNode(1)], virtualDataCenter: reserved([0, 1]) }),
    );
    assert.deepEqual(kinds(first), ['Reserve']);
    const then = decideScale(
      view({ live: false, cluster: of(2), nodes: [readyNode(0), readyNode(1)], virtualDataCenter: reserved([0, 1, 2]) }),
    );
    assert.deepEqual(kinds(then), ['CreateNode']);
    // The entry is left from before the spec was changed down and up again: somebody may still be about to drop it.
    const stale = decideScale(
      view({ live: false, cluster: of(2, 3), nodes: [readyNode(0), readyNode(1)], virtualDataCenter: reserved([0, 1, 2]) }),
    );
    assert.deepEqual(kinds(stale), ['Reserve']);
  });

  it('I3: the lowest missing index comes first, the highest surplus goes first, the primary never', () => {
    const up = missingNodes(
      view({ cluster: of(3), nodes: [readyNode(0), readyNode(2)], virtualDataCenter: reserved([0, 1, 2, 3]) }),
      1,
      indexesOf(3),
    );
    assert.deepEqual(up.state === 'Act' && up.effects.map((effect) => effect.kind === 'CreateNode' && effect.node.spec.index), [1, 3]);
    const down = surplusNodes(view({ cluster: of(0), nodes: [readyNode(0), readyNode(1), readyNode(2)] }), 1);
    assert.deepEqual(
      down.effects.map((effect) => effect.kind === 'RetireNode' && effect.on.name),
      ['harbor-a1-n2', 'harbor-a1-n1'],
    );
  });

  it('I2: deletes a node only once retired was read, and it has drained or had its time', () => {
    const nodes = (worker: ReturnType<typeof node>): ReturnType<typeof node>[] => [readyNode(0), worker];
    const retire = decideScale(view({ cluster: of(0), nodes: nodes(readyNode(1)), virtualDataCenter: reserved([0, 1]) }));
    assert.deepEqual(kinds(retire), ['RetireNode']);
    const retired = readyNode(1, ['hello'], { retired: true });
    const draining = decideScale(view({ cluster: of(0), nodes: nodes(retired), virtualDataCenter: reserved([0, 1]) }));
    assert.deepEqual([kinds(draining), draining.requeueAfterMs], [[], 30_000]);
    const late = decideScale(
      view({
        afterMs: 30_000,
        cluster: of(0),
        nodes: nodes(retired),
        seen: seenFor(draining.watching, 30_000, 30_000),
        virtualDataCenter: reserved([0, 1]),
      }),
    );
    assert.deepEqual(kinds(late), ['DeleteNode']);
    const stopped = node(1, { host: 'h1', retired: true, status: { agent: { incarnation: 1, phase: 'Stopped' } } });
    assert.deepEqual(kinds(decideScale(view({ cluster: of(0), nodes: nodes(stopped), virtualDataCenter: reserved([0, 1]) }))), [
      'DeleteNode',
    ]);
    const cached = decideScale(view({ live: false, cluster: of(0), nodes: nodes(stopped), virtualDataCenter: reserved([0, 1]) }));
    assert.deepEqual([cached.effects, cached.needsLive], [[], true]);
  });

  it('I6: a node that a person took back is no surplus under the spec that it was taken back under', () => {
    const annotations = { [ANNOTATION_ADOPTED_GENERATION]: '2' };
    const nodes = [readyNode(0), readyNode(1), node(2, { host: 'h1', annotations })];
    const seen = (generation: number) => view({ live: true, cluster: of(1, generation), nodes, virtualDataCenter: reserved([0, 1, 2], 2) });
    assert.deepEqual(kinds(decideScale(seen(2))), []);
    assert.deepEqual(kinds(decideScale(seen(3))), ['RetireNode'], 'a later spec that does not ask for it lets it go');
  });

  it('I4: an index whose node is leaving is not created anew before it is gone', () => {
    const leaving = readyNode(1, ['hello'], { retired: true });
    const decision = decideScale(view({ cluster: of(1, 3), nodes: [readyNode(0), leaving], virtualDataCenter: reserved([0, 1]) }));
    assert.deepEqual(kinds(decision), []);
    assert.deepEqual(missingNodes(view({ cluster: of(1), nodes: [readyNode(0), leaving] }), 1, [1]).state, 'Leaving');
  });

  it('I4: a worker that a person deleted before any host held it goes, so that a new one can follow', () => {
    const deleted = node(1, { deleted: true });
    const decision = decideScale(view({ cluster: of(1), nodes: [readyNode(0), deleted], virtualDataCenter: reserved([0, 1]) }));
    assert.deepEqual(kinds(decision), ['DropNodeFinalizer']);
  });

  it('I5: drops a reservation only when its node is gone', () => {
    const held = decideScale(
      view({
        cluster: of(0, 2),
        nodes: [readyNode(0), node(1, { host: 'h1', retired: true, deleted: true })],
        virtualDataCenter: reserved([0, 1]),
      }),
    );
    assert.deepEqual(kinds(held), []);
    const gone = decideScale(view({ cluster: of(0, 2), nodes: [readyNode(0)], virtualDataCenter: reserved([0, 1]) }));
    assert.deepEqual(kinds(gone), ['Unreserve']);
    const cached = decideScale(view({ live: false, cluster: of(0, 2), nodes: [readyNode(0)], virtualDataCenter: reserved([0, 1]) }));
    assert.deepEqual([cached.effects, cached.needsLive], [[], true]);
  });

  it('acts only on what was available and is not being deleted', () => {
    for (const at of [cluster({ spec: { workers: 2 } }), cluster({ status: wasAvailable(), deleted: true, spec: { workers: 2 } })]) {
      assert.deepEqual(decideScale(view({ cluster: at, nodes: [readyNode(0)] })).effects, []);
    }
  });

  it('says when the quota or the data center stands against it', () => {
    const full = missingNodes(
      view({ cluster: of(1), nodes: [readyNode(0)], virtualDataCenter: dataCenter({ quotaNodes: 1, reservations: reservations([0]) }) }),
      1,
      [1],
    );
    assert.match(full.state === 'Exceeded' ? full.message : '', /1 of 1 nodes reserved and 1 more are needed; raise spec.quota.nodes/);
    assert.equal(missingNodes(view({ cluster: of(1), virtualDataCenter: undefined }), 1, [1]).state, 'NoDataCenter');
  });
});
