/**
 * What the console's pages are made of: addresses, views of the fleet, the drawing and the story of a cluster.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { drawnNodes } from '../../../console/src/cluster/drawn-node.ts';
import { storyOf, wordsOf } from '../../../console/src/cluster/story.ts';
import { fleetRow } from '../../../console/src/fleet/fleet-row.ts';
import { PLAIN_VIEW, readView, rowsOf, SORTS, writeView } from '../../../console/src/fleet/fleet-view.ts';
import type { FleetView } from '../../../console/src/fleet/fleet-view.ts';
import { addressOf, placeOf, PLAIN_PAGES } from '../../../console/src/shell/place.ts';
import type { ClusterNode } from '../../../src/model/cluster-node.ts';
import { PHASES } from '../../../src/model/cluster.ts';
import type { Cluster } from '../../../src/model/cluster.ts';

const AT = '2026-01-01T00:00:00Z';

function cluster(name: string, status: object = {}, spec: object = {}): Cluster {
  return {
    apiVersion: 'outrigger.dev/v1',
    kind: 'Cluster',
    metadata: { name, namespace: 'demo', uid: name, resourceVersion: '1', creationTimestamp: AT },
    spec: { virtualDataCenter: 'main', release: '1.0.0', workers: 1, ...spec },
    status,
  } as unknown as Cluster;
}

describe('addresses', () => {
  test('I1: a page is found by its address, whatever its names are', () => {
    const name = fc.string({ minLength: 1 }).filter((text) => text.isWellFormed());
    fc.assert(
      fc.property(name, name, (namespace, called) => {
        for (const page of ['cluster', 'site', 'license', 'capacity'] as const) {
          const place = { page, namespace, name: called };
          assert.deepEqual(placeOf(addressOf(place)), place);
        }
        assert.deepEqual(placeOf(addressOf({ page: 'host', name: called })), { page: 'host', name: called });
      }),
    );
  });

  test('I1: a page of which there is one is found by its address', () => {
    for (const page of ['fleet', ...PLAIN_PAGES] as const) assert.deepEqual(placeOf(addressOf({ page })), { page });
  });

  test('I1: every other address is the fleet', () => {
    for (const path of [
      '/console/',
      '/console/clusters/',
      '/console/clusters/a',
      '/console/clusters/a/b/c',
      '/console/clusters/%ff/b',
      '/',
      '',
    ])
      assert.deepEqual(placeOf(path), { page: 'fleet' });
  });
});

const views: fc.Arbitrary<FleetView> = fc.record(
  {
    search: fc.string(),
    organization: fc.string(),
    phase: fc.constantFrom(undefined, ...PHASES),
    needy: fc.boolean(),
    sort: fc.constantFrom(...SORTS),
    descending: fc.boolean(),
  },
  { noNullPrototype: true },
);

describe('the fleet', () => {
  test('I1: a view is read back from its address; anything else is the plain one', () => {
    fc.assert(fc.property(views, (view) => assert.deepEqual(readView(`?${writeView(view)}`), view)));
    assert.deepEqual(readView('?phase=Wrong&sort=7&x'), PLAIN_VIEW);
    assert.equal(writeView(PLAIN_VIEW), '');
  });

  test('I2: the same lines in the same order, however they came', () => {
    const rows = Array.from({ length: 30 }, (_, index) => fleetRow(cluster(`c${index}`, { phase: PHASES[index % 4] })));
    fc.assert(
      fc.property(fc.shuffledSubarray(rows, { minLength: 30 }), views, (shuffled, view) =>
        assert.deepEqual(rowsOf(shuffled, view), rowsOf(rows, view)),
      ),
    );
  });

  test('what is broken stands first, and words find names, sites and releases', () => {
    const rows = [
      cluster('fine', { phase: 'Available' }, { site: 'rotterdam' }),
      cluster('broken', { phase: 'Error' }),
      cluster('thin', { phase: 'Degraded' }),
    ].map(fleetRow);
    assert.deepEqual(
      rowsOf(rows, PLAIN_VIEW).map(({ name }) => name),
      ['broken', 'thin', 'fine'],
    );
    assert.deepEqual(
      rowsOf(rows, { ...PLAIN_VIEW, search: 'ROTTER 1.0' }).map(({ name }) => name),
      ['fine'],
    );
    assert.equal(rowsOf(rows, { ...PLAIN_VIEW, needy: true }).length, 2);
  });

  test('10,000 lines are searched and sorted far within a blink', () => {
    const rows = Array.from({ length: 10_000 }, (_, index) => fleetRow(cluster(`c${index}`, { phase: PHASES[index % 6] })));
    const begun = performance.now();
    assert.equal(rowsOf(rows, { ...PLAIN_VIEW, search: 'demo', sort: 'phase' }).length, 10_000);
    const tookMs = performance.now() - begun;
    console.log(`measured: 10,000 lines in ${tookMs.toFixed(1)} ms`);
    assert.ok(tookMs < 1_000, `${tookMs} ms`);
  });

  test('a line says release and nodes as they are and as they shall be', () => {
    const row = fleetRow(
      cluster('a', { release: { current: '1.0.0' }, nodes: { n0: { ready: true }, n1: { ready: false } } }, { release: '1.1.0' }),
    );
    assert.deepEqual([row.release, row.nodesReady, row.nodesWanted, row.phase], ['1.0.0 → 1.1.0', 1, 2, 'Pending']);
  });
});

function node(name: string, incarnation: number, agent?: object): ClusterNode {
  return {
    metadata: { name, namespace: 'demo' },
    spec: { cluster: 'a', role: 'Worker', incarnation, host: 'local' },
    status: { agent },
  } as unknown as ClusterNode;
}

describe('the drawing', () => {
  test('the primary stands first, with what the agent says', () => {
    const agent = { incarnation: 1, phase: 'Ready', tunnel: 'https://d:7443', services: { web: { phase: 'Running', ready: true } } };
    const of = cluster('a', {
      primary: 'a-n1',
      term: 2,
      nodes: { 'a-n1': { ready: true, address: '10.0.0.2' } },
      services: { web: { mode: 'Singleton' } },
    });
    const [first, second] = drawnNodes(of, [node('a-n0', 1), node('a-n1', 1, agent)]);
    assert.deepEqual(
      [first?.name, first?.role, first?.isReady, first?.tunnel, first?.address],
      ['a-n1', 'Primary', true, 'd:7443', '10.0.0.2'],
    );
    assert.deepEqual(
      first?.services.map(({ name, isSingleton }) => [name, isSingleton]),
      [['web', true]],
    );
    assert.deepEqual([second?.state, second?.isReady, second?.isComing, second?.tunnel], ['Waits for a host', false, true, undefined]);
  });

  test('I1: what an older incarnation said is not said of this one', () => {
    const old = { incarnation: 1, phase: 'Ready', tunnel: 'https://d:7443', services: { web: { phase: 'Running', ready: true } } };
    const [drawn] = drawnNodes(cluster('a'), [node('a-n0', 2, old)]);
    assert.deepEqual([drawn?.isReady, drawn?.tunnel, drawn?.services], [false, undefined, []]);
  });

  test('what an agent said last is not held for now when its cluster hears it no more', () => {
    const agent = { incarnation: 1, phase: 'Ready', tunnel: 'https://d:7443', services: { web: { phase: 'Running', ready: true } } };
    const seen = (ready: boolean) => drawnNodes(cluster('a', { nodes: { 'a-n0': { ready } } }), [node('a-n0', 1, agent)])[0];
    assert.deepEqual([seen(true)?.isHeard, seen(true)?.state], [true, 'Ready']);
    assert.deepEqual([seen(false)?.isHeard, seen(false)?.state, seen(false)?.isReady], [false, 'Not heard', false]);
  });

  test('nodes of other clusters are not drawn', () => {
    assert.equal(drawnNodes(cluster('b'), [node('a-n0', 1)]).length, 0);
  });
});

describe('the story', () => {
  const status = {
    attempts: [
      {
        number: 1,
        startedAt: '2026-01-01T00:00:01Z',
        endedAt: '2026-01-01T00:00:05Z',
        outcome: 'Failed',
        message: 'No host.',
        log: ['asked'],
        left: ['n0'],
        steps: [],
      },
      { number: 2, startedAt: '2026-01-01T00:00:06Z', endedAt: '2026-01-01T00:00:09Z', outcome: 'Available', log: [], steps: [] },
    ],
    eventSet: [{ time: '2026-01-01T00:01:00Z', reason: 'NodeLost', message: 'It went.' }],
    errorSet: [{ time: '2026-01-01T00:01:00Z', reason: 'NodeLost', message: 'It went.' }],
  };

  test('I1: the newest first, with all that was done', () => {
    const story = storyOf(cluster('a', status));
    assert.deepEqual(
      story.map(({ title }) => title),
      ['Node lost', 'Attempt 2 made it available', 'Attempt 2 began', 'Attempt 1 failed', 'Attempt 1 began', 'Ordered'],
    );
    const failed = story.find(({ title }) => title === 'Attempt 1 failed');
    assert.deepEqual([failed?.kind, failed?.text, failed?.more], ['bad', 'No host.', ['asked', 'n0']]);
  });

  test('I2: the same sentence at the same moment is told once, as what is wrong', () => {
    const told = storyOf(cluster('a', status)).filter(({ text }) => text === 'It went.');
    assert.deepEqual(
      told.map(({ kind }) => kind),
      ['bad'],
    );
  });

  test('reasons are read as words', () => {
    assert.equal(wordsOf('NodeNotReady'), 'Node not ready');
  });
});
