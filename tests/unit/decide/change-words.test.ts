/**
 * What the manager says of a change of what runs.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ChangeView } from '../../../src/decide/change-words.ts';
import type { Effect } from '../../../src/decide/effect.ts';
import { decideManager } from '../../../src/decide/manager.ts';
import type { Condition } from '../../../src/model/condition.ts';
import type { ClusterStatus } from '../../../src/model/cluster.ts';
import { cluster, dataCenter, release, reservations, view, wasAvailable } from './fixtures.ts';
import { contentOfVersion, Site } from './change-site.ts';

const ONE = contentOfVersion('1.0.0');
const TWO = contentOfVersion('1.0.1', ['1.0.0']);
const reserved = dataCenter({ reservations: reservations([0, 1]) });

/** What is written when a cluster with `before` in its status has come as far as `site`. */
function said(site: Site, before: ClusterStatus['release']): { status: ClusterStatus; progressing: Condition; events: string[] } {
  const { last, plan } = site;
  assert.ok(last !== undefined && plan !== undefined);
  const change: ChangeView = { plan, standing: last.standing };
  const status: ClusterStatus = { ...wasAvailable(), ...(before === undefined ? {} : { release: before }) };
  const asked = cluster({ status, spec: { release: '1.0.1' }, generation: site.generation });
  const nodes = site.nodes.map((one) => one.word);
  const made = release();
  const seen = view({
    cluster: asked,
    nodes,
    virtualDataCenter: reserved,
    release: { ...made, metadata: { ...made.metadata, name: '1.0.1' } },
  });
  const { effects } = decideManager({ ...seen, live: true }, { node: 'harbor-a1-n0', term: 1, change });
  const patch = effects.find((effect): effect is Extract<Effect, { kind: 'PatchClusterStatus' }> => effect.kind === 'PatchClusterStatus');
  const written = (patch?.status ?? {}) as unknown as ClusterStatus;
  const progressing = written.conditions?.find((one) => one.type === 'Progressing');
  assert.ok(progressing !== undefined);
  const events = effects.flatMap((effect) => (effect.kind === 'RecordEvent' ? [`${effect.reason}: ${effect.message}`] : []));
  return { status: written, progressing, events };
}

function upgrade(): Site {
  const site = new Site(1, ONE);
  site.run(3);
  site.ask(TWO);
  return site;
}

const STEADY = { current: '1.0.0', target: '1.0.0' };

describe('what is said of a change of what runs', () => {
  it('I1: while it is under way: from where to where, how far, and whose turn it is', () => {
    const site = upgrade();
    site.broken.add(TWO.hash);
    site.run(5);
    const { status, progressing, events } = said(site, STEADY);
    assert.deepEqual([status.release?.target, status.release?.progress], ['1.0.1', '0 of 2 nodes run 1.0.1'], 'its turn is not over');
    assert.equal(status.release?.current, undefined, 'it stays 1.0.0');
    assert.deepEqual([progressing.status, progressing.reason], ['True', 'Upgrading']);
    assert.match(
      progressing.message,
      /^Upgrading from 1\.0\.0 to 1\.0\.1; 0 of 2 nodes run 1\.0\.1; harbor-a1-n1 has its turn: hello is BackOff: exited with 1\.$/,
    );
    assert.deepEqual(events, ['UpgradeStarted: Upgrading from 1.0.0 to 1.0.1.']);
    assert.deepEqual(said(site, { ...STEADY, target: '1.0.1', progress: '0 of 2 nodes run 1.0.1' }).events, []);
  });

  it('a step down is a way back', () => {
    const site = new Site(1, TWO);
    site.run(3);
    site.ask(ONE);
    site.run(3);
    assert.match(said(site, STEADY).progressing.message, /^Going back from 1\.0\.1 to 1\.0\.0; /);
  });

  it('I2: what was rolled back is said with node, service and what to do, for as long as the spec asks for it', () => {
    const site = upgrade();
    site.broken.add(TWO.hash);
    site.run(100);
    const { status, progressing, events } = said(site, { ...STEADY, progress: '1 of 2 nodes run 1.0.1' });
    assert.equal(status.release?.rolledBack?.release, '1.0.1');
    assert.equal(progressing.reason, 'RolledBack');
    assert.match(
      progressing.message,
      /harbor-a1-n1 was not ready with it within 60 s \(hello is BackOff: exited with 1\); 1\.0\.0 runs on/,
    );
    assert.match(
      progressing.message,
      /not tried again while the spec asks for the same; mend it, ask for what runs now, or, to try it again, set spec\.release to .*\.$/,
    );
    assert.equal(status.errorSet?.[0]?.reason, 'RolledBack');
    assert.match(events.join(), /^UpgradeRolledBack: 1\.0\.1 did not come up: .*; the cluster goes back to 1\.0\.0\.$/);
  });

  it('when it is done: the new release is current, once said', () => {
    const site = upgrade();
    site.run(30);
    const { status, events } = said(site, { ...STEADY, progress: '1 of 2 nodes run 1.0.1' });
    assert.equal(status.release?.current, '1.0.1');
    assert.deepEqual(events, ['UpgradeDone: Every node runs 1.0.1.']);
    assert.deepEqual(said(site, STEADY).events, events, 'also when nobody saw it under way: there was no director');
    assert.deepEqual(said(site, { current: '1.0.1', target: '1.0.1' }).events, []);
  });

  it('a change that waits for a node that is down says what to do', () => {
    const site = upgrade();
    site.nodes[1]!.isHeard = false;
    site.run(5);
    const { status, progressing } = said(site, STEADY);
    assert.deepEqual([progressing.status, progressing.reason, status.errorSet?.[0]?.reason], ['False', 'UpgradeWaits', 'UpgradeWaits']);
    assert.match(progressing.message, /harbor-a1-n1 is not heard, .* set spec\.upgrade\.whenNodeDown to Proceed\.$/);
  });
});
