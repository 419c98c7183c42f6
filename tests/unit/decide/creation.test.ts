/**
 * Creation: attempts, deadlines, auto-repair, and what it never does.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ClusterView, Decision } from '../../../src/decide/cluster-view.ts';
import { clusterKey, decideCluster } from '../../../src/decide/creation.ts';
import { DEFAULT_SERVER_CONFIG } from '../../../src/model/server-config.ts';
import type { ClusterStatus } from '../../../src/model/cluster.ts';
import type { STEPS } from '../../../src/model/attempt.ts';
import { atStep, cluster, dataCenter, kinds, node, readyNode, reservations, seenFor, statusOf, T0, view } from './fixtures.ts';

const LATE_MS = 600_000;

function ready(status: ClusterStatus): { status: string; reason: string; message: string } {
  const condition = status.conditions?.find((one) => one.type === 'Ready');
  assert.ok(condition !== undefined, 'no Ready condition');
  return condition;
}

/** The view after its deadline has passed: everything timed has been seen for that long. */
function late(change: Parameters<typeof view>[0]): ClusterView {
  const first = decideCluster(view(change));
  return view({ ...change, afterMs: LATE_MS, seen: seenFor(first.watching, LATE_MS, LATE_MS) });
}

const failed = (more: ClusterStatus = {}, number = 1): ClusterStatus => ({
  attempt: number,
  attempts: [
    {
      number,
      startedAt: new Date(T0).toISOString(),
      endedAt: new Date(T0).toISOString(),
      generation: 1,
      step: 'PrimaryReady',
      outcome: 'Failed',
      message: 'no',
      steps: [],
    },
  ],
  ...more,
});

describe('creation', () => {
  it('I7: puts its finalizer on the cluster before anything else', () => {
    const decision = decideCluster(view({ live: false, cluster: cluster({ finalizers: ['other'] }) }));
    assert.deepEqual(kinds(decision), ['SetClusterFinalizer']);
    const [effect] = decision.effects;
    assert.ok(effect?.kind === 'SetClusterFinalizer');
    assert.deepEqual(effect.finalizers, ['other', 'outrigger.dev/cluster']);
  });

  it('I1: commits the attempt before it reserves, and reserves before it creates a node', () => {
    const first = decideCluster(view({ live: false }));
    assert.deepEqual(kinds(first), ['PatchClusterStatus', 'Reserve']);
    assert.equal(statusOf(first).attempt, 1);
    const second = decideCluster(
      view({
        live: false,
        cluster: cluster({ status: atStep('Validate') }),
        virtualDataCenter: dataCenter({ reservations: reservations([0, 1]) }),
      }),
    );
    assert.deepEqual(kinds(second), ['PatchClusterStatus', 'CreateNode']);
    assert.equal(statusOf(second).attempts?.[0]?.step, 'CreatePrimary');
  });

  it('goes from step to step by what is there', () => {
    const reserved = dataCenter({ reservations: reservations([0, 1]) });
    const at = (step: (typeof STEPS)[number], nodes: ClusterView['nodes']): Decision =>
      decideCluster(view({ live: false, cluster: cluster({ status: atStep(step) }), virtualDataCenter: reserved, nodes }));
    assert.equal(statusOf(at('CreatePrimary', [node(0)])).attempts?.[0]?.step, 'PrimaryReady');
    const workers = at('PrimaryReady', [readyNode(0)]);
    assert.equal(statusOf(workers).attempts?.[0]?.step, 'CreateWorkers');
    assert.deepEqual(kinds(workers), ['PatchClusterStatus', 'CreateNode']);
    const services = at('CreateWorkers', [readyNode(0), readyNode(1, [])]);
    assert.equal(statusOf(services).attempts?.[0]?.step, 'ServicesReady');
    assert.match(ready(statusOf(services)).message, /hello on harbor-a1-n1 \(not started\)/);
    const done = statusOf(at('ServicesReady', [readyNode(0), readyNode(1)]));
    assert.deepEqual(
      done.attempts?.[0]?.steps?.map((step) => step.name),
      ['ServicesReady', 'PairSite'],
    );
    assert.equal(done.phase, 'Available');
  });

  it('I4: becomes available by one write that also disarms auto-repair, names primary and term and ends the attempt', () => {
    const decision = decideCluster(
      view({ live: false, cluster: cluster({ status: atStep('ServicesReady') }), nodes: [readyNode(0), readyNode(1)] }),
    );
    const status = statusOf(decision);
    assert.equal(status.availableAt, new Date(T0).toISOString());
    assert.equal(status.autoRepair, 'Disarmed');
    assert.equal(status.attempts?.[0]?.outcome, 'Available');
    assert.equal(status.primary, 'harbor-a1-n0');
    assert.equal(status.term, 1);
    assert.equal(ready(status).status, 'True');
    assert.deepEqual(kinds(decision), ['PatchClusterStatus']);
  });

  it('I2: begins the next attempt only on a live view that shows no node of an earlier one, and after its back-off', () => {
    const abandoned = failed({ abandonedAttempt: 1, retryAt: new Date(T0 + 5000).toISOString() });
    const waiting = decideCluster(view({ live: true, cluster: cluster({ status: abandoned }) }));
    assert.equal(statusOf(waiting).attempt, undefined, 'it did not wait for its back-off');
    assert.equal(waiting.requeueAfterMs, 5000);
    const cached = decideCluster(view({ live: false, afterMs: 5000, cluster: cluster({ status: abandoned }) }));
    assert.deepEqual([cached.effects, cached.needsLive], [[], true]);
    const held = decideCluster(
      view({ live: true, afterMs: 5000, cluster: cluster({ status: abandoned }), nodes: [node(0, { host: 'h1', deleted: true })] }),
    );
    assert.equal(statusOf(held).attempt, undefined, 'it began beside a node of an earlier attempt');
    assert.match(ready(statusOf(held)).message, /host h1 has not yet let go of harbor-a1-n0/);
    const next = decideCluster(view({ live: true, afterMs: 5000, cluster: cluster({ status: abandoned }) }));
    assert.equal(statusOf(next).attempt, 2);
    assert.equal(statusOf(next).retryAt, null);
  });

  it('I3: abandons by a write of its own, on a live view only; what was made is destroyed in a later pass', () => {
    const change = { cluster: cluster({ status: atStep('PrimaryReady') }), nodes: [node(0, { host: 'h1' })] };
    const cached = decideCluster({ ...late(change), live: false });
    assert.deepEqual([cached.effects, cached.needsLive], [[], true]);
    const decision = decideCluster(late(change));
    assert.deepEqual(kinds(decision), ['PatchClusterStatus']);
    const status = statusOf(decision);
    assert.equal(status.abandonedAttempt, 1);
    assert.equal(status.attempts?.[0]?.outcome, 'Failed');
    assert.match(
      status.attempts?.[0]?.message ?? '',
      /PrimaryReady did not finish within 600 s: waits for harbor-a1-n0 \(on host h1, machine not reported, agent not joined\)/,
    );
    const after = decideCluster(view({ cluster: cluster({ status: failed({ abandonedAttempt: 1 }) }), nodes: change.nodes }));
    assert.deepEqual(kinds(after), ['PatchClusterStatus', 'DeleteNode']);
  });

  it('I10: a machine that its host calls Failed or Gone costs its node alone, by one higher incarnation, on a live view', () => {
    for (const phase of ['Failed', 'Gone'] as const) {
      const broken = node(0, { host: 'h1', status: { infrastructure: { incarnation: 1, phase, message: 'no disk' } } });
      const change = { cluster: cluster({ status: atStep('PrimaryReady') }), nodes: [broken] };
      const cached = decideCluster(view({ ...change, live: false }));
      assert.deepEqual([cached.effects, cached.needsLive], [[], true]);
      const decision = decideCluster(view(change));
      assert.deepEqual(kinds(decision), ['PatchClusterStatus', 'RaiseIncarnation']);
      assert.equal(statusOf(decision).abandonedAttempt, undefined);
      const record = statusOf(decision).attempts?.[0];
      assert.equal(record?.cause, 'ReplaceNode');
      assert.match(
        record?.log?.at(-1) ?? '',
        /PrimaryReady: .*no disk.*harbor-a1-n0 alone is replaced by its incarnation 2 \(replacement 1 of at most 2/,
      );
      // The write landed, the server died: the next pass raises the incarnation and tells nothing twice.
      const again = decideCluster(
        view({ ...change, afterMs: 5_000, cluster: cluster({ status: { ...atStep('PrimaryReady'), ...statusOf(decision) } }) }),
      );
      assert.deepEqual(kinds(again), ['RaiseIncarnation']);
    }
  });

  it('I10: a third machine at fault, and one that its host lost track of, cost the attempt', () => {
    const third = node(0, {
      incarnation: 3,
      host: 'h1',
      status: { infrastructure: { incarnation: 3, phase: 'Gone', message: 'no disk' } },
    });
    const lost = node(0, { host: 'h1', status: { infrastructure: { incarnation: 1, phase: 'Failed', reason: 'RecordLost' } } });
    const first = node(0, { host: 'h1', status: { infrastructure: { incarnation: 1, phase: 'Gone', message: 'no disk' } } });
    const cases = [
      [third, DEFAULT_SERVER_CONFIG, /no disk; 2 nodes were replaced in this attempt already, all that nodeReplacements .* allows\.$/],
      [lost, DEFAULT_SERVER_CONFIG, /; its host has lost track of it, so it cannot be replaced alone\.$/],
      [
        first,
        { ...DEFAULT_SERVER_CONFIG, nodeReplacements: 0 },
        /; no node is replaced alone \(nodeReplacements of the ServerConfig is 0\)\.$/,
      ],
    ] as const;
    for (const [broken, config, why] of cases) {
      const decision = decideCluster(view({ cluster: cluster({ status: atStep('PrimaryReady') }), nodes: [broken], config }));
      assert.match(statusOf(decision).attempts?.[0]?.log?.find((line) => line.includes('failed')) ?? '', why);
      assert.deepEqual(kinds(decision), ['PatchClusterStatus']);
      assert.equal(statusOf(decision).abandonedAttempt, 1);
      assert.equal(statusOf(decision).attempts?.[0]?.cause, 'NewAttempt');
    }
  });

  it('I10: what the director refuses for the whole of a deadline stands, is told, and goes on by itself', () => {
    const change = {
      cluster: cluster({ status: atStep('CreateWorkers') }),
      virtualDataCenter: dataCenter({ reservations: reservations([0, 1]) }),
      nodes: [readyNode(0)],
      refusal: 'admission says no',
    };
    const stands = decideCluster(late(change));
    assert.deepEqual(kinds(stands), ['PatchClusterStatus', 'CreateNode'], 'it is tried on');
    const record = statusOf(stands).attempts?.[0];
    assert.deepEqual([record?.waitingFor, record?.cause, record?.outcome], ['Director', 'Stop', undefined]);
    assert.match(ready(statusOf(stands)).message, /the director refused: admission says no. It is tried on and goes on by itself/);
    const later = { ...change, cluster: cluster({ status: { ...atStep('CreateWorkers'), ...statusOf(stands) } }) };
    const { refusal: _, ...taken } = later;
    const goesOn = statusOf(decideCluster(late(taken)));
    assert.equal(goesOn.attempts?.[0]?.waitingFor, undefined);
    assert.equal(goesOn.attempts?.[0]?.outcome, undefined, 'its deadline begins anew');
  });

  it('tells the story of an attempt in order, and with repair off lists what is kept', () => {
    const refused = view({
      cluster: cluster({ status: atStep('CreateWorkers') }),
      virtualDataCenter: dataCenter({ reservations: reservations([0, 1]) }),
      nodes: [readyNode(0)],
      refusal: 'admission says no',
    });
    assert.match(
      statusOf(decideCluster(refused)).attempts?.[0]?.log?.join('|') ?? '',
      /the director refused: admission says no; it is tried again/,
    );
    const broken = node(0, { host: 'h1', status: { infrastructure: { incarnation: 1, phase: 'Gone', message: 'no disk' } } });
    const off = cluster({ status: atStep('PrimaryReady'), spec: { autoRepairOnErrors: false } });
    const kept = statusOf(decideCluster(view({ cluster: off, nodes: [broken, node(1)] }))).attempts?.[0];
    assert.deepEqual([kept?.cause, kept?.outcome], ['Stop', 'Failed']);
    assert.deepEqual(kept?.left, [
      'harbor-a1-n0 (on host h1, machine Gone, agent not joined, no disk)',
      'harbor-a1-n1 (not claimed by a host, machine not reported, agent not joined)',
    ]);
    assert.match(kept?.log?.join('|') ?? '', /Attempt 1 failed: .*no disk.*\|.*What was made is kept for inspection/);
    const on = cluster({ status: { ...atStep('PrimaryReady'), attempts: [kept ?? assert.fail()] } });
    const gone = statusOf(decideCluster(view({ cluster: on, nodes: [broken] }))).attempts?.[0];
    assert.equal(gone?.left, undefined);
    assert.match(gone?.log?.at(-1) ?? '', /What was made is removed; another attempt begins after/);
  });

  it('I5: stops after maxAttempts, says so, keeps what was made, and goes on when the spec changes', () => {
    const attempts = [1, 2, 3, 4, 5].map((number) => ({
      number,
      startedAt: new Date(T0).toISOString(),
      generation: 1,
      outcome: 'Failed' as const,
      step: 'PrimaryReady' as const,
      steps: [],
    }));
    const status: ClusterStatus = { attempt: 5, abandonedAttempt: 4, attempts };
    const nodes = [node(0, { attempt: 5, host: 'h1' })];
    const stuck = decideCluster(view({ cluster: cluster({ status }), nodes }));
    assert.deepEqual(kinds(stuck), ['PatchClusterStatus']);
    assert.equal(statusOf(stuck).phase, 'Error');
    assert.equal(ready(statusOf(stuck)).reason, 'AttemptsExhausted');
    const changed = decideCluster(view({ cluster: cluster({ status, generation: 2 }), nodes }));
    assert.equal(statusOf(changed).abandonedAttempt, 5);
  });

  it('I5: with autoRepairOnErrors off nothing is abandoned; switched on it goes on', () => {
    const change = {
      cluster: cluster({ status: atStep('PrimaryReady'), spec: { autoRepairOnErrors: false } }),
      nodes: [node(0, { host: 'h1' })],
    };
    const decision = decideCluster(late(change));
    assert.equal(statusOf(decision).abandonedAttempt, undefined);
    assert.equal(statusOf(decision).phase, 'Error');
    assert.equal(ready(statusOf(decision)).reason, 'RepairDisabled');
    assert.match(ready(statusOf(decision)).message, /autoRepairOnErrors/);
    const on = decideCluster(view({ cluster: cluster({ status: failed() }), nodes: change.nodes }));
    assert.equal(statusOf(on).abandonedAttempt, 1);
  });

  it('I6: a deadline by time stamps alone does not count: the server must have seen the step itself', () => {
    const change = { live: true, cluster: cluster({ status: atStep('PrimaryReady') }), nodes: [node(0, { host: 'h1' })] };
    const fastClock = decideCluster(view({ ...change, nowMs: T0 + 10 * LATE_MS }));
    assert.equal(statusOf(fastClock).abandonedAttempt, undefined);
    const seen = seenFor(fastClock.watching, 10_000, 10_000);
    assert.equal(statusOf(decideCluster(view({ ...change, nowMs: T0 + 10 * LATE_MS, monotonicMs: 1_010_000, seen }))).abandonedAttempt, 1);
    const slowClock = view({
      ...change,
      nowMs: T0 - 10 * LATE_MS,
      monotonicMs: 1_600_000,
      seen: seenFor(fastClock.watching, LATE_MS, LATE_MS),
    });
    assert.equal(statusOf(decideCluster(slowClock)).abandonedAttempt, 1);
  });

  it('I6: a step is timed from when it was read, not from when its write was decided', () => {
    const reserved = dataCenter({ reservations: reservations([0, 1]) });
    const deciding = decideCluster(
      view({ cluster: cluster({ status: atStep('CreatePrimary') }), virtualDataCenter: reserved, nodes: [node(0, { host: 'h1' })] }),
    );
    assert.equal(statusOf(deciding).attempts?.[0]?.step, 'PrimaryReady');
    assert.deepEqual(deciding.watching, []);
    const read = decideCluster(
      view({ cluster: cluster({ status: atStep('PrimaryReady') }), virtualDataCenter: reserved, nodes: [node(0, { host: 'h1' })] }),
    );
    assert.equal(read.watching.length, 1);
  });

  it('I6: no deadline runs while the step waits for input, a host or a person; afterwards it begins anew', () => {
    const cases: [string, Parameters<typeof view>[0], string][] = [
      ['ReleaseNotFound', { release: undefined, cluster: cluster({ status: atStep('Validate') }) }, 'Input'],
      ['VirtualDataCenterNotFound', { virtualDataCenter: undefined, cluster: cluster({ status: atStep('Validate') }) }, 'Input'],
      ['NoHost', { virtualDataCenter: dataCenter({ hosts: [] }), cluster: cluster({ status: atStep('Validate') }) }, 'Input'],
      ['QuotaExceeded', { virtualDataCenter: dataCenter({ quotaNodes: 1 }), cluster: cluster({ status: atStep('Validate') }) }, 'Input'],
      ['NoCapacity', { cluster: cluster({ status: atStep('PrimaryReady') }), nodes: [node(0)] }, 'Host'],
      [
        'WaitingForJoin',
        { cluster: cluster({ status: atStep('PrimaryReady'), spec: { nodes: 'Joined' } }), nodes: [node(0), node(1)] },
        'Join',
      ],
    ];
    for (const [reason, change, waitingFor] of cases) {
      const status = statusOf(decideCluster(late(change)));
      assert.equal(status.abandonedAttempt, undefined, reason);
      assert.equal(ready(status).reason, reason);
      assert.ok(ready(status).message.length > 40, `${reason} says too little: ${ready(status).message}`);
      assert.equal(status.attempts?.[0]?.waitingFor, waitingFor);
      assert.equal(status.errorSet?.[0]?.reason, reason);
    }
    const waited = atStep('PrimaryReady');
    const record = { ...waited.attempts?.[0], waitingFor: 'Host' } as NonNullable<ClusterStatus['attempts']>[number];
    const claimed = view({
      afterMs: LATE_MS,
      cluster: cluster({ status: { ...waited, attempts: [record] } }),
      nodes: [node(0, { host: 'h1' })],
    });
    const status = statusOf(decideCluster(claimed));
    assert.equal(status.abandonedAttempt, undefined);
    assert.equal(status.attempts?.[0]?.stepStartedAt, new Date(T0 + LATE_MS).toISOString());
    assert.equal(status.attempts?.[0]?.waitingFor, undefined);
  });

  it('I8: lets late nodes of abandoned attempts go, during a later attempt and when the last one is kept', () => {
    const nodes = [node(0, { attempt: 1 }), node(0, { attempt: 2, host: 'h1' })];
    for (const status of [atStep('PrimaryReady', 2, { abandonedAttempt: 1 }), failed({ abandonedAttempt: 1 }, 2)]) {
      const decision = decideCluster(view({ cluster: cluster({ status, spec: { autoRepairOnErrors: false } }), nodes }));
      const gone = decision.effects.flatMap((effect) => (effect.kind === 'DeleteNode' ? [effect.on.name] : []));
      assert.deepEqual(gone, ['harbor-a1-n0']);
    }
  });

  it('I9: a cluster whose nodes remember that it was available becomes so again, and nothing of it is shrunk or abandoned', () => {
    const since = '2029-12-24T00:00:00Z';
    const told = (index: number) => {
      const one = readyNode(index);
      const agent = one.status?.agent;
      assert.ok(agent !== undefined);
      return { ...one, status: { ...one.status, agent: { ...agent, availableAt: since } } };
    };
    // The copy is of before the second worker, and its step is long overdue.
    const change = {
      cluster: cluster({ status: atStep('CreateWorkers'), spec: { workers: 0, site: 'pier' } }),
      nodes: [told(0), told(1)],
      virtualDataCenter: dataCenter({ reservations: reservations([0, 1]) }),
    };
    assert.deepEqual(decideCluster(view({ ...change, live: false })), { effects: [], needsLive: true, watching: [] });
    const decision = decideCluster(view({ ...change, afterMs: LATE_MS }));
    assert.deepEqual(kinds(decision), ['PatchClusterStatus']);
    const status = statusOf(decision);
    assert.deepEqual([status.availableAt, status.autoRepair, status.abandonedAttempt], [since, 'Disarmed', undefined]);
    const forgotten = { ...change, nodes: [readyNode(0), readyNode(1)] };
    assert.ok(kinds(decideCluster(view(forgotten))).includes('RetireNode'), 'without that word it is shrunk');
  });

  it('says what a refusal was, and writes nothing when all is said', () => {
    const change = {
      cluster: cluster({ status: atStep('CreatePrimary') }),
      virtualDataCenter: dataCenter({ reservations: reservations([0, 1]) }),
      refusal: 'no reservation',
    };
    const status = statusOf(decideCluster(view(change)));
    assert.match(ready(status).message, /the director refused: no reservation/);
    const said = { ...atStep('CreatePrimary'), ...status };
    assert.deepEqual(kinds(decideCluster(view({ ...change, cluster: cluster({ status: said }) }))), ['CreateNode']);
  });

  it('a cluster waits under its own key', () => {
    assert.equal(clusterKey(cluster()), 'demo/harbor');
  });
});
