/**
 * Drills: who carries one out, every reason to refuse one, what is promised, and what measurements make of it.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { askedPath, controlDrillOf, decideSiteDrill, serviceOf } from '../../../src/decide/drill.ts';
import type { DrillService, DrillView, SiteDrill } from '../../../src/decide/drill.ts';
import { drillVerdict } from '../../../src/decide/drill-verdict.ts';
import type { DrillMeasured } from '../../../src/decide/drill-verdict.ts';
import type { ClusterNode } from '../../../src/model/cluster-node.ts';
import type { Cluster, ClusterStatus } from '../../../src/model/cluster.ts';
import type { Drill, DrillSpec, DrillStatus } from '../../../src/model/drill.ts';
import { LIMITS } from '../../../src/model/limits.ts';
import { GROUP_VERSION } from '../../../src/model/resource.ts';
import { cluster, readyNode, service, wasAvailable } from './fixtures.ts';

const [PRIMARY, WORKER, SECOND] = ['harbor-a1-n0', 'harbor-a1-n1', 'harbor-a1-n2'];
const HELLO: DrillService = { name: 'hello', port: 8080, protocol: 'HTTP', path: '/healthz' };
const OURS: DrillService = { name: 'cloud-proxy', port: 7452, protocol: 'TCP', framework: 'cloud-proxy', path: '/' };

function drill(spec: Partial<DrillSpec> = {}, status?: DrillStatus, name = 'once', at = '2030-01-01T00:00:00Z'): Drill {
  return {
    apiVersion: GROUP_VERSION,
    kind: 'Drill',
    metadata: { name, namespace: 'demo', uid: `${name}-uid`, resourceVersion: '7', creationTimestamp: at },
    spec: {
      target: 'Instance',
      cluster: 'harbor',
      seconds: 20,
      connectionsPerSecond: 200,
      keepAliveClients: 8,
      acceptOutage: false,
      ...spec,
    },
    ...(status === undefined ? {} : { status }),
  };
}

const SERVICES = { ticker: { mode: 'Singleton', desired: 1, ready: 1 }, hello: { mode: 'Replicated', desired: 2, ready: 2 } } as const;

type Said = NonNullable<ClusterStatus['conditions']>[number];

function said(type: Said['type'], status: Said['status'], message = 'It is so.'): Said {
  return { type, status, reason: 'Available', message, lastTransitionTime: '2030-01-01T00:00:00Z' };
}

function available(more: ClusterStatus = {}, spec: Partial<Cluster['spec']> = {}): Cluster {
  const conditions = [said('Ready', 'True'), said('Redundant', 'True'), said('Progressing', 'False')];
  return cluster({ spec, status: wasAvailable({ phase: 'Available', conditions, services: SERVICES, ...more }) });
}

function look(spec: Partial<DrillSpec> = {}, change: Partial<DrillView> = {}): SiteDrill | undefined {
  return decideSiteDrill({
    drill: drill(spec),
    ageMs: 0,
    cluster: available(),
    nodes: [readyNode(0), readyNode(1)],
    unheard: new Set(),
    drills: [],
    services: [OURS, HELLO],
    ...change,
  });
}

function refused(spec: Partial<DrillSpec>, why: RegExp, change: Partial<DrillView> = {}): void {
  const decision = look(spec, change);
  assert.ok(decision?.do === 'refuse', `it is refused because ${why.source}`);
  assert.match(decision.why, why);
}

function runs(spec: Partial<DrillSpec>, change: Partial<DrillView> = {}): SiteDrill & { readonly do: 'run' } {
  const decision = look(spec, change);
  assert.ok(decision?.do === 'run', decision?.do === 'refuse' ? decision.why : 'nobody would carry it out');
  return decision;
}

const thin = (): Cluster => available({ conditions: [said('Ready', 'True'), said('Redundant', 'False', 'There is one node.')] });

describe('who and what', () => {
  test('I3: a worker dies, and the primary carries it out; of the primary a worker does', () => {
    for (const target of ['Instance', 'Agent', 'Balancer', 'Node'] as const) {
      const decision = runs({ target });
      assert.deepEqual([decision.node.metadata.name, decision.executor], [WORKER, PRIMARY], target);
    }
    assert.deepEqual(runs({ target: 'Agent', node: PRIMARY }).executor, WORKER);
  });

  test('I3: of three nodes the first that lives is the executor, whatever the order in which they are listed', () => {
    const nodes = [readyNode(2), readyNode(1), readyNode(0)];
    assert.equal(runs({ target: 'Agent', node: PRIMARY }, { nodes }).executor, WORKER);
    assert.equal(runs({ target: 'Agent', node: PRIMARY }, { nodes, unheard: new Set([WORKER]) }).executor, SECOND);
    assert.equal(runs({ target: 'Agent' }, { nodes, unheard: new Set([WORKER]) }).node.metadata.name, SECOND);
  });

  test('the service: the one that is named, else the first of HTTP that is not our own', () => {
    assert.equal(runs({}).service, HELLO);
    assert.equal(serviceOf([OURS], undefined), OURS);
    assert.equal(serviceOf([OURS, { ...HELLO, protocol: 'TCP' }], undefined)?.name, 'hello');
    refused({ service: 'nobody' }, /No balanced service is called nobody; there are cloud-proxy, hello/);
    refused({}, /No service of the cluster is balanced/, { services: [] });
  });

  test('a load asks for the path by which the pod says that it is ready', () => {
    const { pod } = service('web');
    assert.equal(askedPath(pod), '/');
    const timing = { initialDelaySeconds: 0, periodSeconds: 1, timeoutSeconds: 1, successThreshold: 1, failureThreshold: 3 };
    const [container] = pod.containers;
    assert.ok(container);
    const probed = { ...container, readinessProbe: { httpGet: { path: '/ready', port: 80 }, ...timing } };
    assert.equal(askedPath({ ...pod, containers: [probed] }), '/ready');
  });

  test('a worker that is alone with itself carries out what it survives', () => {
    const decision = runs({ target: 'Agent' }, { nodes: [readyNode(0)], cluster: thin() });
    assert.deepEqual([decision.node.metadata.name, decision.executor], [PRIMARY, PRIMARY]);
  });
});

describe('I1: refusals', () => {
  test('a cluster that is not Available, or is being changed', () => {
    refused({}, /harbor is Degraded: n1 is not ready\. A drill needs it Available/, {
      cluster: available({ phase: 'Degraded', conditions: [said('Ready', 'False', 'n1 is not ready.')] }),
    });
    refused({}, /is Deleting/, { cluster: cluster({ deleted: true, status: wasAvailable({ phase: 'Available' }) }) });
    const upgrading = [said('Ready', 'True'), said('Redundant', 'True'), said('Progressing', 'True', 'n1 takes 1.0.1.')];
    refused({}, /is being changed: n1 takes 1\.0\.1\./, { cluster: available({ conditions: upgrading }) });
  });

  test('one that is not redundant, unless an outage is accepted; an agent dies unnoticed anyway', () => {
    for (const target of ['Instance', 'Balancer', 'Node'] as const)
      refused({ target }, /not redundant: There is one node.*acceptOutage/, { cluster: thin() });
    runs({ target: 'Agent' }, { cluster: thin() });
    const alone = runs({ acceptOutage: true }, { cluster: thin(), nodes: [readyNode(0)] });
    assert.deepEqual(alone.promise, { detectedMs: 1500, recoveredMs: 1000 }, 'nothing is promised of the requests');
  });

  test('a node that is not ready, not heard, or not there', () => {
    refused({ node: 'elsewhere' }, /no node elsewhere/);
    refused({ node: WORKER }, /harbor-a1-n1 is not ready now/, { unheard: new Set([WORKER]) });
  });

  test('nobody would start it again: nodeRestart Off', () => {
    const off = available({}, { availability: { failover: 'None', nodeRestart: 'Off' } });
    for (const target of ['Agent', 'Node'] as const) refused({ target }, /is Off: nobody would start harbor-a1-n1 again/, { cluster: off });
    runs({ target: 'Instance' }, { cluster: off });
  });

  test('the primary takes the singletons with it', () => {
    refused(
      { target: 'Node', node: PRIMARY },
      /^It would be an outage: .*ticker is down.*Say --accept-outage \(spec\.acceptOutage: true\)/,
    );
    const decision = runs({ target: 'Node', node: PRIMARY, acceptOutage: true });
    assert.deepEqual([decision.executor, decision.promise], [WORKER, { detectedMs: 1500, failedRequests: 0 }]);
  });

  test('no instance to kill; none elsewhere to serve', () => {
    refused({}, /no ready instance of hello on harbor-a1-n1/, { nodes: [readyNode(0), readyNode(1, [])] });
    refused({ target: 'Node' }, /No other node has a ready instance of hello/, { nodes: [readyNode(0, ['ticker']), readyNode(1)] });
  });

  test('I2: another drill that runs, or was there before; and one that comes too late', () => {
    const running = drill({}, { phase: 'Running' }, 'other', '2030-01-01T00:00:09Z');
    refused({}, /Drill other is under way/, { drills: [drill(), running] });
    const older = drill({}, undefined, 'older', '2029-12-31T23:59:59Z');
    refused({}, /Drill older is under way/, { drills: [older, drill()] });
    runs({}, { drills: [drill(), drill({}, undefined, 'younger', '2030-01-01T00:00:09Z'), drill({}, { phase: 'Broken' }, 'done')] });
    refused({}, /16 min ago/, { ageMs: LIMITS.drillStaleMs + 60_000 });
  });

  test('I2: of any two that are open, exactly one goes before the other', () => {
    const times = fc.constantFrom('2030-01-01T00:00:00Z', '2030-01-01T00:00:01Z');
    fc.assert(
      fc.property(times, times, (a, b) => {
        const pair = [drill({}, undefined, 'a', a), drill({}, undefined, 'b', b)] as const;
        const goes = pair.map((one) => look({}, { drill: one, drills: [...pair] })?.do);
        assert.deepEqual(new Set(goes), new Set(['refuse', 'run']));
      }),
    );
  });
});

describe('I4: what is promised', () => {
  test('at a site', () => {
    assert.deepEqual(runs({}).promise, { detectedMs: 1500, recoveredMs: 1000, failedRequests: 0 });
    assert.deepEqual(runs({ target: 'Agent' }).promise, { failedRequests: 0 });
    assert.deepEqual(runs({ target: 'Balancer' }).promise, { failedRequests: 0 });
    assert.deepEqual(runs({ target: 'Node' }).promise, { detectedMs: 1500, failedRequests: 0 });
    assert.match(runs({ target: 'Node' }).expected, /^All of harbor-a1-n1 is killed: .*within 1\.5 s.*hello goes on on harbor-a1-n0/);
  });

  test('of the control plane', () => {
    assert.deepEqual(controlDrillOf('ExtensionServer', 2, 'harbor').promise, { recoveredMs: 5000, failedRequests: 0 });
    assert.deepEqual(controlDrillOf('ExtensionServer', 1, undefined).promise, {});
    assert.deepEqual(controlDrillOf('Director', 2, undefined).promise, { lostWrites: 0 });
    assert.deepEqual(controlDrillOf('Database', 2, 'harbor').promise, { lostWrites: 0, failedRequests: 0 });
  });
});

describe('verdicts', () => {
  const promise = { detectedMs: 1500, recoveredMs: 1000, failedRequests: 0, lostWrites: 0 };
  const load = { total: 900, failed: 0, errorWindowMs: 0, reasons: 'no answer yet' };
  const good: DrillMeasured = { killed: [], detectedMs: 180.4, recoveredMs: 770, waitedMs: 800, lostWrites: 0, load };

  test('everything kept', () => {
    const ended = drillVerdict(promise, good);
    assert.equal(ended.phase, 'Passed');
    assert.deepEqual([ended.detectedMs, ended.recoveredMs, ended.errorWindowMs, ended.requests], [180, 770, 0, { total: 900, failed: 0 }]);
  });

  test('I1: each promise by itself breaks it, and the sentence says which', () => {
    const without = ({ detectedMs: _1, recoveredMs: _2, lostWrites: _3, load: _4, ...rest }: DrillMeasured): DrillMeasured => rest;
    const broken: readonly [DrillMeasured, RegExp][] = [
      [{ ...good, detectedMs: 1501 }, /Detected after 1\.50 s instead of at most 1\.5 s/],
      [{ ...good, recoveredMs: 1001 }, /Recovered after 1\.00 s instead of at most 1 s/],
      [{ ...good, load: { ...load, failed: 3, errorWindowMs: 40, reasons: '3 × reset' } }, /3 of 900, for 0\.04 s: 3 × reset instead of 0/],
      [{ ...good, lostWrites: 1 }, /writes lost 1 instead of 0/],
      [{ ...good, load: { ...load, total: 0 } }, /Failed requests 0 of 0/],
      [without(good), /not within 0\.80 s/],
      [without(good), /not counted/],
      [without(good), /not known/],
    ];
    for (const [measured, why] of broken) {
      const ended = drillVerdict(promise, measured);
      assert.equal(ended.phase, 'Broken');
      assert.match(ended.message ?? '', why);
    }
  });

  test('I1: what is not promised breaks nothing, but must come back', () => {
    assert.equal(drillVerdict({}, { ...good, recoveredMs: 60_000, detectedMs: 9_000 }).phase, 'Passed');
    assert.equal(drillVerdict({}, { killed: [], waitedMs: 120_000 }).phase, 'Broken');
  });

  test('I2: back before anybody could notice', () => {
    const { detectedMs: _, ...unnoticed } = good;
    assert.equal(drillVerdict(promise, unnoticed).phase, 'Passed');
    assert.match(drillVerdict(promise, { ...unnoticed, recoveredMs: 1_600 }).message ?? '', /Detected after never/);
  });
});

test('nobody to carry it out is nobody', () => {
  const nobody: readonly ClusterNode[] = [];
  assert.equal(look({}, { nodes: nobody }), undefined);
});
