/**
 * A director that was restored from an older copy is not obeyed until a person has spoken.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decideManager } from '../../../src/decide/manager.ts';
import { memoryOfPlan, specAge } from '../../../src/decide/spec-age.ts';
import type { SpecMemory } from '../../../src/decide/spec-age.ts';
import type { Cluster } from '../../../src/model/cluster.ts';
import { conditionOf } from '../../../src/model/condition.ts';
import type { Condition } from '../../../src/model/condition.ts';
import { ANNOTATION_ACCEPT_GENERATION } from '../../../src/model/labels.ts';
import { cluster, dataCenter, node, readyNode, reservations, view, wasAvailable } from './fixtures.ts';

function remembered(of: Cluster): SpecMemory {
  const age = specAge(undefined, of, true);
  assert.ok(age.state === 'Current');
  return age.remember;
}

const two = cluster({ generation: 3, spec: { workers: 2 }, status: wasAvailable() });
const one = cluster({ generation: 2, spec: { workers: 1 }, status: wasAvailable() });

describe('the age of a spec', () => {
  it('I1: a lower generation is not obeyed, and the sentence names both generations and the ways out', () => {
    const age = specAge(remembered(two), one, true);
    assert.equal(age.state, 'Older');
    assert.match(
      age.state === 'Older' ? age.why : '',
      /shows generation 2 .* carries out generation 3.*count from generation 4 on.*outrigger cluster accept harbor -n demo/s,
    );
  });

  it('I1: the same generation with another content is not obeyed either; the next one is', () => {
    const forked = cluster({ generation: 3, spec: { workers: 0 } });
    assert.equal(specAge(remembered(two), forked, true).state, 'Older');
    assert.equal(specAge(remembered(two), cluster({ generation: 4, spec: { workers: 0 } }), true).state, 'Current');
  });

  it('I1: of the plan that another member gave only the generation is known', () => {
    const known = memoryOfPlan({ clusterUid: two.metadata.uid, generation: 3 });
    assert.equal(specAge(known, two, true).state, 'Current');
    assert.equal(specAge(known, one, true).state, 'Older');
    assert.equal(memoryOfPlan(undefined), undefined);
  });

  it('I2: what a person accepts is obeyed and remembered, this very generation and no other', () => {
    const accepted = (text: string): Cluster =>
      cluster({ generation: 2, spec: { workers: 1 }, annotations: { [ANNOTATION_ACCEPT_GENERATION]: text } });
    const age = specAge(remembered(two), accepted('2'), true);
    assert.deepEqual(age, { state: 'Current', remember: { ...remembered(one), generation: 2 } });
    assert.equal(specAge(remembered(two), accepted('1'), true).state, 'Older');
    assert.equal(specAge(remembered(two), accepted('3'), true).state, 'Older');
  });

  it('I2: the same content is obeyed whatever its number; a copy that lags lets nothing be forgotten', () => {
    const same = cluster({ generation: 1, spec: { workers: 2 }, status: wasAvailable() });
    assert.deepEqual(specAge(remembered(two), same, true), { state: 'Current', remember: remembered(same) });
    assert.deepEqual(specAge(remembered(two), same, false), { state: 'Current', remember: remembered(two) });
  });

  it('remembers since when the cluster is available, also where a director does not know it', () => {
    const { availableAt } = remembered(two);
    assert.ok(availableAt !== undefined);
    const forgotten = specAge(remembered(two), cluster({ generation: 4 }), true);
    assert.equal(forgotten.state === 'Current' && forgotten.remember.availableAt, availableAt);
    const other = specAge(remembered(two), cluster({ generation: 4, uid: 'other' }), true);
    assert.equal(other.state === 'Current' && other.remember.availableAt, undefined);
  });

  it('I3: of another Cluster of the same name nothing was remembered', () => {
    assert.equal(specAge(remembered(two), cluster({ generation: 1, spec: { workers: 0 }, uid: 'other' }), true).state, 'Current');
  });

  it('I1: whatever was obeyed, no lower generation with another content is, unless it is accepted', () => {
    const shown = fc.record({ generation: fc.integer({ min: 1, max: 9 }), workers: fc.integer({ min: 0, max: 3 }) });
    fc.assert(
      fc.property(fc.array(shown, { minLength: 1, maxLength: 12 }), (shows) => {
        let known: SpecMemory | undefined;
        let highest = 0;
        let workers: number | undefined;
        for (const { generation, workers: asked } of shows) {
          const age = specAge(known, cluster({ generation, spec: { workers: asked } }), false);
          const isObeyed = age.state === 'Current';
          assert.equal(isObeyed, workers === undefined || generation > highest || asked === workers);
          if (age.state === 'Older') continue;
          known = age.remember;
          workers = asked;
          highest = Math.max(highest, generation);
        }
      }),
    );
  });
});

describe('manager: a spec that is older than the one carried out', () => {
  const nodes = [readyNode(0), readyNode(1), readyNode(2)];
  const manager = { node: 'harbor-a1-n0', term: 1, spec: remembered(two) };
  const seen = view({ cluster: one, nodes, virtualDataCenter: dataCenter({ reservations: reservations([0, 1, 2]) }) });

  it('I5: nobody is retired for it; the condition says what to do', () => {
    assert.ok(decideManager({ ...seen, live: true }, { node: manager.node, term: 1 }).effects.some((one) => one.kind === 'RetireNode'));
    const decision = decideManager({ ...seen, live: true }, manager);
    assert.deepEqual([...new Set(decision.effects.map((effect) => effect.kind))], ['PatchClusterStatus']);
    const [patch] = decision.effects;
    const conditions = patch?.kind === 'PatchClusterStatus' ? (patch.status['conditions'] as unknown as Condition[]) : [];
    const progressing = conditionOf(conditions, 'Progressing');
    assert.equal(progressing?.status, 'False');
    assert.equal(progressing?.reason, 'SpecOlder');
    assert.equal(conditionOf(conditions, 'Ready')?.status, 'True', 'it runs on');
  });

  it('I5: a copy says nothing of it, it asks', () => {
    assert.deepEqual(decideManager({ ...seen, live: false }, manager), { effects: [], needsLive: true, watching: [] });
  });

  it('I5: a worker that is proven dead is replaced all the same', () => {
    const dead = view({
      cluster: one,
      nodes: [readyNode(0), node(1, { host: 'h1', status: { infrastructure: { incarnation: 1, phase: 'Gone' } } })],
      virtualDataCenter: dataCenter({}),
    });
    const decision = decideManager({ ...dead, live: true }, manager);
    assert.ok(decision.effects.some((effect) => effect.kind === 'RaiseIncarnation'));
  });
});
