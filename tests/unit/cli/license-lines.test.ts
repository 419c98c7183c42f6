/** Which changes of a license a person who watches `outrigger up` reads. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { licenseTeller } from '../../../src/cli/up/license-lines.ts';
import type { Cluster } from '../../../src/model/cluster.ts';

function cluster(license?: object): Cluster {
  return {
    metadata: { name: 'harbor', namespace: 'demo' },
    spec: {},
    status: license === undefined ? {} : { license },
  } as unknown as Cluster;
}

const active = (lastSync: string): Cluster => cluster({ state: 'Active', severity: 'Success', message: 'It is active.', lastSync });
const grace = (daysLeft: number): Cluster =>
  cluster({ state: 'SyncGrace', severity: 'Warning', message: `${daysLeft} days left.`, daysLeft, lastSync: '2026-12-01T10:00:00Z' });

test('a state and each warning once; days pass without a word', () => {
  const teller = licenseTeller(false);
  teller.know(cluster());
  assert.equal(teller.tell(cluster(), 0), undefined);
  assert.equal(
    teller.tell(active('2026-12-01T10:00:00Z'), 5_000),
    'demo/harbor has a license: Active, synced on 2026-12-01. It is active.',
  );
  assert.equal(teller.tell(active('2026-12-02T10:00:00Z'), 10_000), undefined);
  const said = Array.from({ length: 25 }, (_, day) => teller.tell(grace(25 - day), 20_000 + day * 5_000)).flatMap(
    (line) => /(\d+) days left/.exec(line ?? '')?.[1] ?? [],
  );
  assert.deepEqual(said, ['25', '14', '7', '3', '1']);
});

test('I1: with short days a short line at most every ten seconds; states and warnings at once and in full', () => {
  const teller = licenseTeller(true);
  teller.know(active('2026-12-01T10:00:00Z'));
  assert.equal(teller.tell(active('2026-12-01T10:00:00Z'), 20_000), undefined);
  assert.equal(teller.tell(active('2026-12-02T10:00:00Z'), 22_000), 'demo/harbor license: Active, 2026-12-02');
  assert.equal(teller.tell(active('2026-12-03T10:00:00Z'), 31_900), undefined);
  assert.equal(teller.tell(active('2026-12-06T10:00:00Z'), 32_000), 'demo/harbor license: Active, 2026-12-06');
  assert.match(teller.tell(grace(25), 32_100) ?? '', /has a license: SyncGrace, .* 25 days left\.$/, 'a new state at once');
  assert.equal(teller.tell(grace(21), 42_000), undefined);
  assert.equal(teller.tell(grace(20), 42_100), 'demo/harbor license: SyncGrace, last synced on 2026-12-01, 20 days left');
  assert.match(teller.tell(grace(14), 43_000) ?? '', /14 days left\.$/, 'a warning at once');
});
