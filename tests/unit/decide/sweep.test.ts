/**
 * What lost its owner.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NO_OBSERVATIONS } from '../../../src/decide/observation.ts';
import { decideSweep } from '../../../src/decide/sweep.ts';
import type { SweepView } from '../../../src/decide/sweep.ts';
import type { Site } from '../../../src/model/site.ts';
import { cluster, dataCenter, node, reservations, seenFor, UID } from './fixtures.ts';

function sweep(change: Partial<SweepView> = {}): ReturnType<typeof decideSweep> {
  const base: SweepView = {
    orphanMs: 10_000,
    live: true,
    virtualDataCenters: [dataCenter({ reservations: reservations([0]) })],
    nodes: [node(0)],
    sites: [],
    clusters: [],
    monotonicMs: 1_010_000,
    seen: NO_OBSERVATIONS,
    ...change,
  };
  const keys = decideSweep(base).watching;
  return decideSweep({ ...base, ...(change.seen === undefined ? { seen: seenFor(keys, 10_000, 10_000) } : {}) });
}

const kinds = (decision: ReturnType<typeof decideSweep>): string[] => decision.effects.map((effect) => effect.kind);

describe('sweep', () => {
  it('I2: lets a node without an owner go, then drops its reservation', () => {
    const first = sweep();
    assert.deepEqual(
      first.effects.map((effect) => effect.kind === 'DeleteNode' && effect.license),
      ['OwnerGone'],
    );
    assert.deepEqual(kinds(sweep({ nodes: [node(0, { deleted: true })] })), ['DropNodeFinalizer']);
    assert.deepEqual(kinds(sweep({ nodes: [] })), ['Unreserve']);
  });

  it('I1: touches nothing whose owner is there, and nothing at all on a cached view', () => {
    assert.deepEqual(sweep({ clusters: [cluster()] }).effects, []);
    const cached = sweep({ live: false });
    assert.deepEqual([cached.effects, cached.needsLive], [[], true]);
    // Of the same name, with another uid: that is not its owner.
    assert.deepEqual(kinds(sweep({ clusters: [cluster({ uid: 'other' })] })), ['DeleteNode']);
  });

  it('I4: frees a Site whose cluster is gone, by uid, on a live view only', () => {
    const site: Site = {
      apiVersion: 'outrigger.dev/v1',
      kind: 'Site',
      metadata: { name: 'pier', namespace: 'demo', uid: 's1', resourceVersion: '30', creationTimestamp: '2030-01-01T00:00:00Z' },
      spec: { environment: 'OnPremises', connectionServers: [{ name: 'cs-1', url: 'https://cs-1:1', pin: `sha256:${'a'.repeat(64)}` }] },
      status: {
        cluster: { name: 'harbor', uid: UID },
        pairing: { state: 'Paired', clusterUid: UID, generation: 1, pairedAt: '2030-01-01T00:00:00Z' },
      },
    };
    const alone = { nodes: [], virtualDataCenters: [], sites: [site] };
    const [release] = sweep(alone).effects;
    assert.ok(release?.kind === 'ReleaseSite');
    assert.deepEqual([release.on.uid, release.status['cluster']], ['s1', null]);
    assert.match(
      String((release.status['leftBehind'] as string[])[0]),
      /^cs-1 may still hold .*because cluster harbor is gone and never unplugged/,
    );
    assert.deepEqual(kinds(sweep({ ...alone, clusters: [cluster()] })), []);
    assert.deepEqual(kinds(sweep({ ...alone, clusters: [cluster({ uid: 'other' })] })), ['ReleaseSite']);
    const cached = sweep({ ...alone, live: false });
    assert.deepEqual([cached.effects, cached.needsLive], [[], true]);
  });

  it('I3: waits until it has seen it so for a while', () => {
    const fresh = sweep({ live: false, seen: NO_OBSERVATIONS });
    assert.deepEqual([fresh.needsLive, fresh.requeueAfterMs], [false, 10_000]);
  });
});
