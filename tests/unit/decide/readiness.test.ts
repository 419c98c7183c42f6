/**
 * Readiness: each row of the truth table, from facts; and what holds whatever the facts are.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isUnready, readinessOf } from '../../../src/decide/readiness.ts';
import type { ReadinessFacts } from '../../../src/decide/readiness-facts.ts';
import type { Forecast, FailureRow, Verdict } from '../../../src/decide/readiness-forecast.ts';
import type { ClusterNode } from '../../../src/model/cluster-node.ts';
import type { ClusterStatus } from '../../../src/model/cluster.ts';
import type { Host } from '../../../src/model/host.ts';
import { GROUP_VERSION } from '../../../src/model/resource.ts';
import { cluster, dataCenter, node, readyNode, service, wasAvailable } from './fixtures.ts';

const [PRIMARY, WORKER] = ['harbor-a1-n0', 'harbor-a1-n1'];
const SERVICES = [service('hello', { port: 8080, protocol: 'HTTP' }), service('ticker', { mode: 'Singleton' })];

function host(name: string, more: { bootId?: string; ready?: 'True' | 'False'; nodes?: number; cordoned?: boolean } = {}): Host {
  const condition = { type: 'Ready', reason: 'Heard', message: 'It says so.', lastTransitionTime: '2030-01-01T00:00:00Z' } as const;
  return {
    apiVersion: GROUP_VERSION,
    kind: 'Host',
    metadata: { name, uid: `${name}-uid`, resourceVersion: '3', creationTimestamp: '2030-01-01T00:00:00Z' },
    spec: { capacity: { nodes: 2, cpuMillis: 4000, memoryMiB: 4096 }, drivers: ['process'], cordoned: more.cordoned ?? false },
    status: { nodes: more.nodes ?? 1, bootId: more.bootId ?? `${name}-boot`, conditions: [{ ...condition, status: more.ready ?? 'True' }] },
  };
}

function facts(change: Partial<ReadinessFacts> = {}): ReadinessFacts {
  return {
    cluster: cluster({ status: wasAvailable() }),
    nodes: [readyNode(0, undefined, { host: 'h1' }), readyNode(1, undefined, { host: 'h2' })],
    services: SERVICES,
    unheard: new Set(),
    hosts: [host('h1'), host('h2')],
    virtualDataCenter: dataCenter(),
    control: { directorAnswers: true, extensionServers: 2, database: 'Embedded' },
    ...change,
  };
}

function find(forecasts: readonly Forecast[], row: FailureRow, subject?: string): Forecast {
  const found = forecasts.find((one) => one.row === row && (subject === undefined || one.subject === subject));
  assert.ok(found, `${row} ${subject ?? ''} is forecast`);
  return found;
}

function verdicts(forecasts: readonly Forecast[]): readonly string[] {
  return forecasts.map(({ row, subject, verdict, promised }) => `${row} ${subject} ${verdict}${promised ? '' : '!'}`.replace('  ', ' '));
}

test('a whole cluster on two machines is as the truth table says', () => {
  const forecasts = readinessOf(facts());
  assert.deepEqual(verdicts(forecasts), [
    'instance hello NoEffect',
    'singleton ticker Degraded',
    `agent-crash ${PRIMARY} NoEffect`,
    `agent-hang ${PRIMARY} NoEffect`,
    `agent-crash ${WORKER} NoEffect`,
    `agent-hang ${WORKER} NoEffect`,
    `balancer ${PRIMARY} Degraded`,
    `balancer ${WORKER} Degraded`,
    `worker ${WORKER} Degraded`,
    `primary ${PRIMARY} Outage`,
    `reboot-worker ${WORKER} Degraded`,
    `reboot-primary ${PRIMARY} Outage`,
    'extension-servers NoEffect',
    'director Degraded',
    'database Degraded',
  ]);
  assert.equal(isUnready(forecasts), false);
  assert.match(find(forecasts, 'primary').effect, /hello goes on on harbor-a1-n1, with 0 failed requests there; ticker is down\./);
});

test('one ready instance is an outage, and says which node lacks the other', () => {
  const forecasts = readinessOf(facts({ nodes: [readyNode(0, undefined, { host: 'h1' }), readyNode(1, [], { host: 'h2' })] }));
  const instance = find(forecasts, 'instance', 'hello');
  assert.deepEqual([instance.verdict, instance.promised], ['Outage', false]);
  assert.match(instance.because, /ready on harbor-a1-n0 alone, of 2/);
  assert.match(instance.remedy ?? '', /harbor-a1-n1/);
  assert.deepEqual([find(forecasts, 'primary').verdict, find(forecasts, 'primary').promised], ['Outage', false]);
  assert.equal(find(forecasts, 'worker').verdict, 'Degraded');
  assert.equal(isUnready(forecasts), true);
});

test('an unheard worker is down already, whatever its object says', () => {
  const forecasts = readinessOf(facts({ unheard: new Set([WORKER]) }));
  assert.match(find(forecasts, 'worker').effect, /^It is down already\. hello goes on on harbor-a1-n0/);
  assert.equal(find(forecasts, 'instance', 'hello').verdict, 'Outage');
  assert.equal(find(forecasts, 'agent-crash', WORKER).verdict, 'Degraded');
  assert.match(find(forecasts, 'balancer', PRIMARY).effect, /there is no other node/);
});

test('without own observation the cluster says who is there', () => {
  const status = wasAvailable({ nodes: { [PRIMARY]: { ready: true }, [WORKER]: { ready: false } } });
  const forecasts = readinessOf(facts({ unheard: undefined, cluster: cluster({ status }) }));
  assert.equal(find(forecasts, 'instance', 'hello').verdict, 'Outage');
});

test('two nodes on one machine share its fate: said, and an outage', () => {
  const nodes = [readyNode(0, undefined, { host: 'h1' }), readyNode(1, undefined, { host: 'h1' })];
  const one = readinessOf(facts({ nodes, hosts: [host('h1', { nodes: 2 })], virtualDataCenter: dataCenter({ hosts: ['h1'] }) }));
  assert.deepEqual([find(one, 'machine').verdict, find(one, 'machine').promised], ['Outage', true]);
  assert.match(find(one, 'machine').remedy ?? '', /second machine/);
  assert.match(find(one, 'worker').because, /harbor-a1-n0 stands on the same machine \(h1\)/);
  const two = readinessOf(facts({ nodes }));
  assert.deepEqual([find(two, 'machine').verdict, find(two, 'machine').promised], ['Outage', false], 'h2 has room');
  assert.match(find(two, 'machine').remedy ?? '', /h2 has room/);
});

test('two host daemons of one boot are one machine', () => {
  const forecasts = readinessOf(facts({ hosts: [host('h1', { bootId: 'b' }), host('h2', { bootId: 'b' })] }));
  assert.equal(find(forecasts, 'machine').subject, 'h1 and h2');
  assert.equal(
    readinessOf(facts()).some(({ row }) => row === 'machine'),
    false,
    'nodes on two machines: no such row',
  );
});

test('I5: a primary alone may die as it was asked for', () => {
  const forecasts = readinessOf(facts({ cluster: cluster({ spec: { workers: 0 }, status: wasAvailable() }), nodes: [readyNode(0)] }));
  assert.deepEqual([find(forecasts, 'primary').verdict, find(forecasts, 'primary').promised], ['Outage', true]);
  assert.match(find(forecasts, 'primary').remedy ?? '', /spec\.workers 1/);
  assert.equal(isUnready(forecasts), false);
});

test('failover Witness is not promised what this version does not do', () => {
  const availability = { failover: 'Witness', nodeRestart: 'Medium' } as const;
  const primary = find(readinessOf(facts({ cluster: cluster({ spec: { availability }, status: wasAvailable() }) })), 'primary');
  assert.deepEqual([primary.verdict, primary.promised], ['Outage', false]);
  assert.match(primary.remedy ?? '', /Witness/);
});

test('nobody restarts an agent with nodeRestart Off, or without its host daemon', () => {
  const availability = { failover: 'None', nodeRestart: 'Off' } as const;
  const off = find(readinessOf(facts({ cluster: cluster({ spec: { availability }, status: wasAvailable() }) })), 'agent-crash', WORKER);
  assert.deepEqual([off.verdict, off.promised], ['Degraded', true]);
  const deaf = find(readinessOf(facts({ hosts: [host('h1'), host('h2', { ready: 'False' })] })), 'agent-crash', WORKER);
  assert.deepEqual([deaf.verdict, deaf.promised], ['Degraded', false]);
  assert.match(deaf.remedy ?? '', /outrigger host, on h2/);
});

test('what is never started again is said', () => {
  const pod = { ...service('once').pod, restartPolicy: 'Never' } as const;
  const once = find(readinessOf(facts({ services: [service('ticker', { mode: 'Singleton', pod })] })), 'singleton', 'ticker');
  assert.deepEqual([once.verdict, once.promised], ['Outage', false]);
});

test('room for a replacement is where a host is ready, uncordoned and has it', () => {
  const hosts = [host('h1'), host('h2'), host('h3', { nodes: 0 })];
  const virtualDataCenter = dataCenter({ hosts: ['h1', 'h2', 'h3'] });
  const remedyWith = (third: Host): string =>
    find(readinessOf(facts({ hosts: [...hosts.slice(0, 2), third], virtualDataCenter })), 'worker').remedy ?? '';
  assert.match(remedyWith(host('h3', { nodes: 0 })), /h1 and h3 have room/);
  assert.match(remedyWith(host('h3', { cordoned: true })), /h1 has room/);
  assert.match(remedyWith(host('h3', { nodes: 2 })), /h1 has room/);
  assert.match(remedyWith(host('h3', { ready: 'False' })), /h1 has room/);
});

test('I4: of a silent site nothing is claimed to be so now', () => {
  const condition = {
    type: 'Reachable',
    status: 'False',
    reason: 'Silent',
    message: 'x',
    lastTransitionTime: '2030-01-01T00:00:00Z',
  } as const;
  const forecasts = readinessOf(facts({ unheard: undefined, cluster: cluster({ status: wasAvailable({ conditions: [condition] }) }) }));
  assert.equal(find(forecasts, 'instance').verdict, 'Unknown');
  assert.match(find(forecasts, 'worker').effect, /^As last heard: /);
  assert.equal(find(forecasts, 'director').verdict, 'Degraded', 'what is above the site is known');
  assert.equal(isUnready(forecasts), true);
});

test('the license: as long as it holds nothing is refused', () => {
  const rows = (license: ClusterStatus['license']): Forecast =>
    find(
      readinessOf(
        facts({
          syncGraceDays: 25,
          cluster: cluster({ spec: { site: 's' }, status: wasAvailable(license === undefined ? {} : { license }) }),
        }),
      ),
      'license-sync',
    );
  const active = rows({ state: 'Active', severity: 'Success', message: 'Fine.', daysLeft: 300 });
  assert.deepEqual(
    [active.verdict, active.effect],
    ['NoEffect', 'Nothing is refused. Its license holds for 25 days after the sync that is due next; its contract ends in 300 days.'],
  );
  const grace = rows({ state: 'SyncGrace', severity: 'Warning', message: 'No sync.', daysLeft: 3 });
  assert.deepEqual([grace.verdict, grace.promised], ['Degraded', true]);
  assert.match(grace.effect, /refused in 3 days/);
  const expired = rows({ state: 'Expired', severity: 'Danger', message: 'Over.', refusesNewSessions: true });
  assert.deepEqual([expired.verdict, expired.promised], ['Outage', false]);
});

test('extension servers matter to what only they do', () => {
  const young = find(readinessOf(facts({ cluster: cluster({ status: { attempt: 1 } }) })), 'extension-servers');
  assert.equal(young.verdict, 'Outage');
  const headless = find(readinessOf(facts({ unheard: new Set([PRIMARY]) })), 'extension-servers');
  assert.deepEqual([headless.verdict, headless.promised], ['Degraded', false]);
});

test('a director that is gone is said to be gone, and for how long', () => {
  const director = find(readinessOf(facts({ control: { directorSilentMs: 3 * 3600_000 } })), 'director');
  assert.match(director.because, /^None has been reached for 3 h already/);
});

test('a change under way waits for a node, or not, as the spec says', () => {
  const release = { progress: '1 of 2 nodes run 1.1.0' };
  const because = (whenNodeDown: 'Wait' | 'Proceed', row: FailureRow): string => {
    const upgrade = { readySeconds: 300, whenNodeDown };
    return find(readinessOf(facts({ cluster: cluster({ spec: { upgrade }, status: wasAvailable({ release }) }) })), row).because;
  };
  assert.match(because('Wait', 'worker'), /waits until this node is back/);
  assert.match(because('Proceed', 'worker'), /goes on without this node/);
  assert.match(because('Proceed', 'primary'), /waits until this node is back/);
});

test('nothing is forecast of a cluster that is being deleted, and no service is invented', () => {
  assert.deepEqual(readinessOf(facts({ cluster: cluster({ deleted: true }) })), []);
  const bare = readinessOf(facts({ services: undefined }));
  assert.equal(
    bare.some(({ row }) => row === 'instance' || row === 'singleton'),
    false,
  );
  assert.equal(find(bare, 'worker').verdict, 'Unknown');
});

// ---- whatever the facts are

interface Picture {
  readonly workers: number;
  /** For each node: is it up, and which of the services are ready on it. */
  readonly nodes: readonly { readonly up: boolean; readonly ready: readonly boolean[]; readonly host: 'h1' | 'h2' }[];
}

const NAMES = ['hello', 'other', 'ticker'];
const ALL = [service('hello', { port: 8080 }), service('other'), service('ticker', { mode: 'Singleton' })];

const picture: fc.Arbitrary<Picture> = fc.integer({ min: 0, max: 3 }).chain((workers) =>
  fc.record({
    workers: fc.constant(workers),
    nodes: fc.array(
      fc.record({
        up: fc.boolean(),
        ready: fc.array(fc.boolean(), { minLength: NAMES.length, maxLength: NAMES.length }),
        host: fc.constantFrom('h1' as const, 'h2' as const),
      }),
      { minLength: workers + 1, maxLength: workers + 1 },
    ),
  }),
);

function factsOf({ workers, nodes }: Picture): ReadinessFacts {
  return facts({
    cluster: cluster({ spec: { workers }, status: wasAvailable() }),
    services: ALL,
    nodes: nodes.map(({ up, ready, host: where }, index): ClusterNode => {
      const running = NAMES.filter((name, at) => ready[at] === true && (name !== 'ticker' || index === 0));
      return up ? readyNode(index, running, { host: where }) : node(index, { host: where });
    }),
  });
}

const RANK: Record<Verdict, number> = { NoEffect: 0, Degraded: 1, Outage: 2, Unknown: 2 };

test('I2: a service with one ready instance is an outage when its node dies, and never without effect when it dies itself', () => {
  fc.assert(
    fc.property(picture, (drawn) => {
      const given = factsOf(drawn);
      const forecasts = readinessOf(given);
      for (const [at, name] of NAMES.entries()) {
        const on = drawn.nodes.flatMap(({ up, ready }, index) =>
          up && ready[at] === true && (name !== 'ticker' || index === 0) ? [index] : [],
        );
        if (on.length > 1) continue;
        const own = forecasts.find(({ row, subject }) => (row === 'instance' || row === 'singleton') && subject === name);
        assert.notEqual(own?.verdict, 'NoEffect', `${name} on ${on.join()}`);
        for (const index of on) {
          const death = forecasts.find(({ row, subject }) => (row === 'worker' || row === 'primary') && subject.endsWith(`n${index}`));
          assert.equal(death?.verdict, 'Outage', `${name} on ${on.join()}`);
        }
      }
    }),
  );
});

test('I3: more that is ready never makes a forecast worse', () => {
  fc.assert(
    fc.property(picture, fc.nat(), fc.nat(), (drawn, which, what) => {
      const index = which % drawn.nodes.length;
      const more = drawn.nodes.map((one, at) =>
        at === index ? { ...one, up: one.up || what % 4 === 3, ready: one.ready.map((was, i) => was || i === what % 4) } : one,
      );
      const [before, after] = [readinessOf(factsOf(drawn)), readinessOf(factsOf({ ...drawn, nodes: more }))];
      for (const now of after) {
        const was = before.find(({ row, subject }) => row === now.row && subject === now.subject);
        if (was === undefined) continue;
        const said = `${now.failure}: ${was.verdict} → ${now.verdict}`;
        assert.ok(RANK[now.verdict] <= RANK[was.verdict], said);
        assert.ok(now.promised || !was.promised, `${said}, promised no more`);
      }
    }),
  );
});

test('I1: each forecast is of something that is there, once, with whole sentences', () => {
  fc.assert(
    fc.property(picture, (drawn) => {
      const given = factsOf(drawn);
      const forecasts = readinessOf(given);
      const keys = forecasts.map(({ row, subject }) => `${row} ${subject}`);
      assert.equal(new Set(keys).size, keys.length);
      const names = new Set(['', 'h1', 'h2', ...NAMES, ...given.nodes.map(({ metadata }) => metadata.name)]);
      for (const { subject, effect, because, remedy } of forecasts) {
        assert.ok(names.has(subject), subject);
        for (const text of [effect, because, remedy ?? 'Nothing.']) assert.match(text, /^[A-Z\d].*[.)]$|^[a-z].*[.)]$/, text);
        assert.doesNotMatch(`${effect} ${because}`, /undefined|NaN| {2}|\.\./);
      }
    }),
  );
});
