/** Drills in the console: what is asked for, what would be refused, what is promised. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drillObject, judgeDrill, promiseText, rehearsalOf, specOf, wishOf } from '../../../console/src/cluster/drills/drill-wish.ts';
import type { DrillSeen, DrillWish } from '../../../console/src/cluster/drills/drill-wish.ts';
import type { FailureRow } from '../../../src/decide/readiness-forecast.ts';
import type { ClusterRelease } from '../../../src/model/cluster-release.ts';
import type { Drill } from '../../../src/model/drill.ts';
import { cluster, readyNode, service, wasAvailable } from '../decide/fixtures.ts';

const WISH: DrillWish = { target: 'Director', node: '', service: '', seconds: 20, acceptOutage: true };
const HARBOR = cluster({ status: { ...wasAvailable(), phase: 'Available' } });
const RELEASE = {
  metadata: { name: '1.0.0' },
  spec: { version: '1.0.0', services: [service('hello', { port: 8080 })] },
} as unknown as ClusterRelease;
const SEEN: DrillSeen = { cluster: HARBOR, nodes: [readyNode(0), readyNode(1)], drills: [], release: RELEASE, extensionServers: 2 };

test('I1: what would be refused says why; what would not says what should happen, and what is promised', () => {
  const director = judgeDrill(WISH, SEEN);
  assert.ok(director.whyNot === undefined && director.expected.startsWith('The director dies'), director.whyNot);
  assert.equal(promiseText(director.promise), 'Promised: at most 0 failed requests; at most 0 acknowledged writes lost.');
  assert.match(judgeDrill({ ...WISH, target: 'Node', node: 'nobody' }, SEEN).whyNot ?? '', /There is no node nobody/);
  assert.match(judgeDrill({ ...WISH, target: 'Node' }, { ...SEEN, release: undefined }).whyNot ?? '', /release/);
  const open = { ...drillObject('1', WISH, HARBOR), metadata: { name: 'older', uid: 'o', creationTimestamp: '2026' } } as unknown as Drill;
  assert.match(judgeDrill(WISH, { ...SEEN, drills: [open] }).whyNot ?? '', /Drill older is under way/);
  const unwell = cluster({ status: { ...wasAvailable(), phase: 'Degraded' } });
  assert.match(judgeDrill(WISH, { ...SEEN, cluster: unwell }).whyNot ?? '', /A drill needs it Available/);
});

test('I2: a drill goes with its cluster, and asks for no more than its kind knows', () => {
  const { metadata, spec } = drillObject('abc', { ...WISH, target: 'ExtensionServer' }, HARBOR);
  assert.equal(metadata.name, `${HARBOR.metadata.name}-extension-server-abc`);
  assert.deepEqual(
    metadata.ownerReferences?.map(({ uid }) => uid),
    [HARBOR.metadata.uid],
  );
  assert.deepEqual([spec.acceptOutage, spec.node, spec.service], [false, undefined, undefined]);
  assert.deepEqual(specOf({ ...WISH, target: 'Node', node: 'n1', service: 'hello' }, 'harbor'), {
    target: 'Node',
    cluster: 'harbor',
    node: 'n1',
    service: 'hello',
    seconds: 20,
    acceptOutage: true,
    connectionsPerSecond: 200,
    keepAliveClients: 8,
  });
});

test('I3: what a row of the truth table offers to rehearse is read back as that wish', () => {
  const wish = (row: FailureRow, subject: string) => wishOf(`?tab=drills&${rehearsalOf({ row, subject })?.toString() ?? 'none'}`);
  assert.deepEqual(wish('primary', 'harbor-a1-n0'), {
    target: 'Node',
    node: 'harbor-a1-n0',
    service: '',
    seconds: 20,
    acceptOutage: false,
  });
  assert.deepEqual([wish('instance', 'hello').target, wish('instance', 'hello').service], ['Instance', 'hello']);
  assert.deepEqual([wish('director', '').target, wish('director', '').node], ['Director', '']);
  assert.equal(rehearsalOf({ row: 'license-sync', subject: 'harbor' }), undefined);
  assert.equal(wishOf('?target=Moon').target, 'Instance');
});
