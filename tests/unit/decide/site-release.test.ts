/**
 * Letting go of a Site for a cluster whose agents cannot.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decideCluster } from '../../../src/decide/creation.ts';
import { decideDeletion } from '../../../src/decide/deletion.ts';
import { isForced } from '../../../src/decide/site-release.ts';
import { ANNOTATION_FORCE_UNPLUG } from '../../../src/model/labels.ts';
import type { Site, SiteStatus } from '../../../src/model/site.ts';
import { cluster, readyNode, UID, view, wasAvailable } from './fixtures.ts';

const NOW = '2030-01-01T00:00:00.000Z';
const PLUG = { name: 'harbor', uid: UID };
const PIN = `sha256:${'a'.repeat(64)}`;

function site(
  status?: SiteStatus,
  more: { generation?: number; annotations?: Record<string, string>; deleted?: boolean; name?: string } = {},
): Site {
  return {
    apiVersion: 'outrigger.dev/v1',
    kind: 'Site',
    metadata: {
      name: more.name ?? 'pier',
      namespace: 'demo',
      uid: 's1',
      resourceVersion: '30',
      generation: more.generation ?? 1,
      creationTimestamp: NOW,
      ...(more.annotations === undefined ? {} : { annotations: more.annotations }),
      ...(more.deleted === true ? { deletionTimestamp: NOW } : {}),
    },
    spec: {
      environment: 'OnPremises',
      connectionServers: [
        { name: 'cs-1', url: 'https://cs-1:9443', pin: PIN },
        { name: 'new', url: 'https://new:9443' },
      ],
    },
    ...(status === undefined ? {} : { status }),
  };
}

const paired = (more: Partial<NonNullable<SiteStatus['pairing']>> = {}): SiteStatus => ({
  cluster: PLUG,
  pairing: { state: 'Paired', clusterUid: UID, generation: 1, pairedAt: NOW, checkedAt: NOW, ...more },
});

describe('letting go', () => {
  const plugged = site(paired());

  it('I1 I2: a cluster that goes frees its Site, by uid, after its nodes and before its finalizer, with what stays', () => {
    const gone = cluster({ deleted: true });
    const kinds = (change: Parameters<typeof view>[0]): string[] => decideDeletion(view(change)).effects.map((effect) => effect.kind);
    assert.ok(!kinds({ cluster: gone, nodes: [readyNode(0)], plugged: [plugged] }).includes('ReleaseSite'));
    const decision = decideDeletion(view({ cluster: gone, plugged: [plugged] }));
    const release = decision.effects.find((effect) => effect.kind === 'ReleaseSite');
    assert.ok(release?.kind === 'ReleaseSite');
    assert.deepEqual([release.on.uid, release.status['cluster'], release.status['pairing']], ['s1', null, null]);
    assert.match(
      String((release.status['leftBehind'] as string[])[0]),
      /^cs-1 may still hold .*because cluster harbor was deleted while it was plugged in/,
    );
    assert.ok(!decision.effects.some((effect) => effect.kind === 'DropClusterFinalizer'));
    const other = site({ ...paired(), cluster: { name: 'other', uid: 'u2' } });
    assert.ok(!kinds({ cluster: gone, plugged: [other] }).includes('ReleaseSite'));
    assert.ok(!kinds({ cluster: gone, plugged: [plugged], refusal: 'no' }).includes('ReleaseSite'), 'a deletion always ends');
  });

  it('I1: a person frees the Site of a living cluster that names it no more, and only of the one that is meant', () => {
    const kinds = (of: Site, spec: { site?: string } = {}, live = true): string[] =>
      decideCluster(
        view({ live, cluster: cluster({ spec, status: wasAvailable() }), nodes: [readyNode(0), readyNode(1)], plugged: [of] }),
      ).effects.map((effect) => effect.kind);
    const forced = site(paired(), { annotations: { [ANNOTATION_FORCE_UNPLUG]: UID } });
    assert.ok(kinds(forced).includes('ReleaseSite'));
    assert.ok(!kinds(forced, { site: 'pier' }).includes('ReleaseSite'), 'its spec names it');
    assert.ok(!kinds(plugged).includes('ReleaseSite'), 'nobody asked');
    assert.ok(!kinds(site(paired(), { annotations: { [ANNOTATION_FORCE_UNPLUG]: 'another' } })).includes('ReleaseSite'));
    assert.deepEqual(kinds(forced, {}, false), [], 'never on a copy');
  });
});

it('an annotation that says false forces nothing', () => {
  assert.deepEqual([undefined, {}, { 'outrigger.dev/force-delete': 'false' }, { 'outrigger.dev/force-delete': 'true' }].map(isForced), [
    false,
    false,
    false,
    true,
  ]);
});
