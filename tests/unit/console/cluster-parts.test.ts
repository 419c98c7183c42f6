/**
 * Parts of a cluster's page: releases to choose from, and how many extension servers live as a browser sees it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countOf, releaseChoices } from '../../../console/src/cluster/release/releases.ts';
import { lookAtServers, NO_SIGHT } from '../../../console/src/watch/server-sight.ts';
import { gravest } from '../../../console/src/watch/live-set.ts';
import type { Contact, LiveSet } from '../../../console/src/watch/live-set.ts';
import type { ClusterRelease } from '../../../src/model/cluster-release.ts';
import type { Cluster } from '../../../src/model/cluster.ts';
import type { Lease } from '../../../src/model/core-kinds.ts';

function release(version: string, upgradesFrom: readonly string[] = []): ClusterRelease {
  return {
    metadata: { name: version },
    spec: { version, services: [], upgradesFrom, notes: `Notes of ${version}.` },
  } as unknown as ClusterRelease;
}

test('I1: the newest release first, and what cannot be chosen says why', () => {
  const cluster = {
    spec: { release: '1.0.0' },
    status: { availableAt: '2026-01-01T00:00:00Z', release: { current: '1.0.0' } },
  } as unknown as Cluster;
  const choices = releaseChoices(cluster, [release('1.0.0'), release('1.10.0'), release('1.2.0', ['1.0.0'])]);
  assert.deepEqual(
    choices.map(({ name, isRunning }) => [name, isRunning]),
    [
      ['1.10.0', false],
      ['1.2.0', false],
      ['1.0.0', true],
    ],
  );
  assert.match(choices[0]?.whyNot ?? '', /^There is no way from release 1\.0\.0 to 1\.10\.0/);
  assert.equal(choices[1]?.whyNot, undefined);
  assert.equal(choices[2]?.whyNot, 'It is asked for already.');
  const taken = { ...cluster, status: { ...cluster.status, release: { current: '0.9.0', rolledBack: { release: '1.0.0' } } } } as Cluster;
  assert.match(releaseChoices(taken, [release('1.0.0')])[0]?.whyNot ?? '', /was taken back\. To try it again/);
  const young = { ...cluster, status: {} } as Cluster;
  assert.equal(releaseChoices(young, [release('1.10.0')])[0]?.whyNot, undefined);
});

test('progress is counted where it counts', () => {
  assert.deepEqual(countOf('1 of 2 nodes run 1.0.1'), { done: 1, all: 2 });
  assert.equal(countOf('waits'), undefined);
  assert.equal(countOf(undefined), undefined);
});

function leases(contact: Contact, ...revisions: readonly number[]): LiveSet<Lease> {
  const all = revisions.map((revision, index): readonly [string, Lease] => {
    const metadata = { name: `extension-${index}`, uid: `${index}`, resourceVersion: String(revision), creationTimestamp: '' };
    return [`/${index}`, { apiVersion: 'v1', kind: 'Lease', metadata, spec: { holderIdentity: `${index}`, leaseDurationSeconds: 3 } }];
  });
  return { objects: new Map(all), contact, complete: true };
}

test('I1: a server lives when its Lease is seen to change; what was not looked at proves nothing', () => {
  const live = { state: 'live' } as const;
  let sight = lookAtServers(NO_SIGHT, leases(live, 1, 1), 0);
  assert.equal(sight.count, undefined);
  sight = lookAtServers(sight, leases(live, 2, 1), 1_000);
  assert.equal(sight.count, undefined);
  sight = lookAtServers(sight, leases(live, 3, 1), 2_900);
  sight = lookAtServers(sight, leases(live, 4, 1), 3_100);
  assert.equal(sight.count, 1);
  // A tab that slept: both may have renewed all the while.
  sight = lookAtServers(sight, leases(live, 4, 1), 60_000);
  assert.equal(sight.count, undefined);
  assert.equal(lookAtServers(sight, leases({ state: 'lost', sinceMs: 1, why: '' }, 4), 60_100).count, undefined);
});

test('of several contacts the one that was lost first is told', () => {
  const lost = (sinceMs: number): Contact => ({ state: 'lost', sinceMs, why: '' });
  assert.deepEqual(gravest([{ state: 'live' }, lost(7), lost(3)]), lost(3));
  assert.deepEqual(gravest([{ state: 'live' }, { state: 'loading' }]), { state: 'loading' });
  assert.equal(gravest([{ state: 'live' }, { state: 'refused', code: 403, why: '' }]).state, 'live');
});
