/**
 * What the manager says of wishes that it cannot carry out.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decideManager } from '../../../src/decide/manager.ts';
import type { Decision } from '../../../src/decide/cluster-view.ts';
import type { Condition } from '../../../src/model/condition.ts';
import { cluster, dataCenter, readyNode, reservations, view, wasAvailable } from './fixtures.ts';

const manager = { node: 'harbor-a1-n0', term: 1 };
const nodes = [readyNode(0), readyNode(1)];
const reserved = dataCenter({ reservations: reservations([0, 1]) });

function conditionIn(decision: Decision, type: string): Condition | undefined {
  const patch = decision.effects.find((effect) => effect.kind === 'PatchClusterStatus');
  assert.ok(patch?.kind === 'PatchClusterStatus', 'a status is written');
  const conditions = patch.status['conditions'] as unknown as Condition[] | undefined;
  return conditions?.find((one) => one.type === type);
}

describe('manager: wishes that cannot be carried out', () => {
  it('I4: an unknown release is looked up live, then named, with what to do', () => {
    const asked = cluster({ status: wasAvailable(), spec: { release: '9.9.9' }, generation: 2 });
    const copy = { ...view({ cluster: asked, nodes, virtualDataCenter: reserved, release: undefined }), live: false };
    const cached = decideManager(copy, manager);
    assert.equal(cached.needsLive, true);
    assert.deepEqual(cached.effects, []);
    const live = decideManager({ ...copy, live: true }, manager);
    const progressing = conditionIn(live, 'Progressing');
    assert.equal(progressing?.reason, 'ReleaseNotFound');
    assert.match(progressing?.message ?? '', /no ClusterRelease 9\.9\.9; publish it, or set spec\.release/);
    assert.equal(conditionIn(live, 'Ready')?.status, 'True', 'it runs on');
  });

  it('I4: more workers than the quota has room for are refused in a condition that names the quota', () => {
    const asked = cluster({ status: wasAvailable(), spec: { workers: 3 }, generation: 2 });
    const full = dataCenter({ reservations: reservations([0, 1]), quotaNodes: 2 });
    const live = decideManager({ ...view({ cluster: asked, nodes, virtualDataCenter: full }), live: true }, manager);
    assert.equal(conditionIn(live, 'QuotaReserved')?.status, 'False');
    assert.match(conditionIn(live, 'Progressing')?.message ?? '', /raise spec\.quota\.nodes/);
    assert.ok(!live.effects.some((effect) => effect.kind === 'Reserve' || effect.kind === 'CreateNode'));
  });

  it("I4: a director's refusal is passed on", () => {
    const asked = { ...view({ cluster: cluster({ status: wasAvailable() }), nodes, virtualDataCenter: reserved }), live: true };
    const decision = decideManager({ ...asked, refusal: 'spec.x: Invalid value' }, manager);
    assert.match(conditionIn(decision, 'Progressing')?.message ?? '', /The director refused: spec\.x: Invalid value/);
  });
});
