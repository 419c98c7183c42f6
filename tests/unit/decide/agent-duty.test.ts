/**
 * What an agent concludes about its own node.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentReport, fateOf, membershipAfter, runnable } from '../../../src/decide/agent-duty.ts';
import type { ReportInput, Self } from '../../../src/decide/agent-duty.ts';
import { memberId } from '../../../src/decide/authority.ts';
import { contentOf } from '../../../src/decide/cluster-plan.ts';
import { planOf } from '../../../src/decide/plan.ts';
import type { NodePlan } from '../../../src/decide/plan.ts';
import { cluster, node, release } from './fixtures.ts';

const primary: Self = { name: 'harbor-a1-n0', uid: 'harbor-a1-n0-uid', incarnation: 1, role: 'Primary' };
const worker: Self = { name: 'harbor-a1-n1', uid: 'harbor-a1-n1-uid', incarnation: 1, role: 'Worker' };

function plan(maySingletons = true): NodePlan {
  return planOf({
    cluster: { name: 'harbor', namespace: 'demo' },
    generation: 1,
    content: contentOf(cluster().spec, release()),
    node: { ...primary, address: '10.0.0.1', podAddresses: ['10.0.0.2', '10.0.0.3'], retired: false },
    term: 1,
    maySingletons,
    slots: {},
  });
}

test('I1: a higher incarnation, retired and a deletion end a life; nothing else does', () => {
  assert.equal(fateOf(undefined, primary, undefined), undefined, 'absence');
  assert.equal(fateOf(undefined, primary, node(0)), undefined);
  assert.equal(fateOf(undefined, primary, node(1, { retired: true })), undefined, 'another node');
  assert.equal(
    fateOf(undefined, { ...primary, incarnation: 2 }, node(0, { incarnation: 1, retired: true })),
    undefined,
    'a view of an older life',
  );
  assert.equal(fateOf(undefined, primary, node(0, { incarnation: 2 }))?.state, 'Superseded');
  assert.equal(fateOf(undefined, primary, node(0, { retired: true }))?.state, 'Retired');
  assert.equal(fateOf(undefined, primary, node(0, { deleted: true }))?.state, 'Deleted');
});

test('I1: what has ended never begins again', () => {
  const fate = fateOf(undefined, primary, node(0, { retired: true }));
  assert.equal(fateOf(fate, primary, node(0)), fate);
  assert.equal(fateOf(fate, primary, undefined), fate);
});

test('I2: born once the cluster was seen, above the recorded term; a worker once its nodes were', () => {
  assert.equal(membershipAfter(undefined, primary, undefined, undefined), undefined);
  assert.equal(membershipAfter(undefined, worker, cluster(), undefined), undefined);
  const self = memberId(primary.uid, 1);
  assert.deepEqual(membershipAfter(undefined, primary, cluster({ status: { term: 4 } }), undefined), {
    term: 5,
    primary: self,
    k: 0,
    voters: [self],
    incarnation: 1,
  });
  const born = membershipAfter(undefined, worker, cluster(), [node(0), node(1)]);
  assert.deepEqual(born, { term: 0, primary: '', k: 0, voters: [], incarnation: 1 });
});

test('I2: a worker learns of its primary, and the term never falls', () => {
  const nodes = [node(0), node(1)];
  const born = membershipAfter(undefined, worker, cluster(), nodes);
  const told = membershipAfter(born, worker, cluster({ status: { primary: 'harbor-a1-n0', term: 0 } }), nodes);
  assert.deepEqual([told?.term, told?.primary], [0, memberId(primary.uid, 1)]);
  const risen = membershipAfter(told, worker, cluster({ status: { primary: 'harbor-a1-n0', term: 3 } }), nodes);
  assert.equal(risen?.term, 3);
  assert.equal(membershipAfter(risen, worker, cluster({ status: { primary: 'harbor-a1-n0', term: 2 } }), nodes)?.term, 3);
  assert.equal(membershipAfter(risen, worker, undefined, undefined), risen, 'without a director it stays');
});

test('I2: a primary that meets a higher term of another follows it; a membership of another life is not used', () => {
  const nodes = [node(0), node(1)];
  const born = membershipAfter(undefined, primary, cluster(), nodes);
  const followed = membershipAfter(born, primary, cluster({ status: { primary: 'harbor-a1-n1', term: 9 } }), nodes);
  assert.deepEqual([followed?.term, followed?.primary], [9, memberId(worker.uid, 1)]);
  assert.deepEqual(
    runnable(plan(), followed, primary, undefined).map((one) => one.name),
    ['hello'],
    'and has no singletons any more',
  );
  const next = membershipAfter(born, { ...primary, incarnation: 2 }, cluster({ status: { term: 1 } }), nodes);
  assert.deepEqual([next?.term, next?.primary], [2, memberId(primary.uid, 2)]);
});

test('singletons run only by a membership, and nothing runs once the life is over', () => {
  const born = membershipAfter(undefined, primary, cluster(), undefined);
  const names = (services: readonly { name: string }[]) => services.map((one) => one.name);
  assert.deepEqual(names(runnable(plan(), born, primary, undefined)), ['hello', 'ticker']);
  assert.deepEqual(names(runnable(plan(), undefined, primary, undefined)), ['hello']);
  assert.deepEqual(names(runnable(plan(), born, primary, { state: 'Retired', why: '' })), []);
  assert.deepEqual(names(runnable(undefined, born, primary, undefined)), []);
});

function input(more: Partial<ReportInput> = {}): ReportInput {
  return {
    self: primary,
    version: '1',
    address: '10.0.0.1',
    fate: undefined,
    idle: false,
    plan: plan(),
    clusterPlan: { term: 1, number: 4 },
    wanted: plan().services,
    instances: new Map([
      ['hello', { report: { phase: 'Running', ready: true, restarts: 0 }, address: '10.0.0.2:8080' }],
      ['ticker', { report: { phase: 'BackOff', ready: false, restarts: 3, message: 'exited with 1' }, address: undefined }],
    ]),
    lastSaid: undefined,
    balancer: { running: true, downMs: 0 },
    tunnel: undefined,
    problems: [],
    ...more,
  };
}

test('the tunnel is reported while the service that holds it runs', () => {
  const tunnel = 'https://director:7443';
  const client = (phase: 'Running' | 'BackOff'): ReportInput['instances'] =>
    new Map([['connector-client', { report: { phase, ready: true, restarts: 0 }, address: undefined }]]);
  const wanted = plan()
    .services.map((one) => ({ ...one, name: 'connector-client' }))
    .slice(0, 1);
  assert.equal(agentReport(input({ tunnel, wanted, instances: client('Running') })).tunnel, tunnel);
  assert.equal(agentReport(input({ tunnel, wanted, instances: client('BackOff') })).tunnel, undefined);
  assert.equal(agentReport(input({ tunnel })).tunnel, undefined);
});

test('I3: the node is ready though a service is not; each service speaks for itself', () => {
  const report = agentReport(input());
  assert.equal(report.phase, 'Ready');
  assert.deepEqual(report.services, {
    hello: { phase: 'Running', ready: true, address: '10.0.0.2:8080', restarts: 0 },
    ticker: { phase: 'BackOff', ready: false, restarts: 3, message: 'exited with 1' },
  });
  assert.deepEqual([report.release, report.observedGeneration, report.balancer, report.message], ['1.0.0', 1, 'Running', undefined]);
});

test('I3: without a plan it has joined; a plan that cannot be carried out, or a balancer that stays away, makes it not ready', () => {
  assert.equal(agentReport(input({ plan: undefined, wanted: [] })).phase, 'Joined');
  const refused = { ...plan(), refused: [{ name: 'third', message: 'no pod address is free' }] };
  const report = agentReport(input({ plan: refused }));
  assert.deepEqual([report.phase, report.message, report.services?.['third']?.phase], ['NotReady', 'no pod address is free', 'Failed']);
  const away = (downMs: number, phase: 'Ready' | 'NotReady' | 'Joined') =>
    agentReport(input({ balancer: { running: false, downMs, message: 'gone' }, lastSaid: { incarnation: 1, phase } }));
  assert.equal(away(4_000, 'Ready').phase, 'Ready');
  assert.equal(away(5_000, 'Ready').phase, 'NotReady');
  assert.equal(away(0, 'NotReady').phase, 'NotReady');
  assert.equal(away(5_000, 'Joined').phase, 'Joined', 'it comes up for the first time');
  assert.deepEqual([away(5_000, 'Ready').balancer, away(5_000, 'Ready').message], ['Stopped', 'gone']);
});

test('a life that is over is stopping until nothing lives, and says why', () => {
  const fate = { state: 'Retired', why: 'it was retired' } as const;
  assert.deepEqual([agentReport(input({ fate })).phase, agentReport(input({ fate })).message], ['Stopping', 'it was retired']);
  assert.equal(agentReport(input({ fate, idle: true, wanted: [], instances: new Map() })).phase, 'Stopped');
});

test('what is not known yet in this life of the agent is said as it was said last, by this incarnation and of the same pods', () => {
  const said = { phase: 'Running', ready: true, address: '10.0.0.2:8080', restarts: 2 } as const;
  const content = plan().content ?? '';
  const last = (incarnation: number, of = content) => ({
    incarnation,
    phase: 'Ready' as const,
    content: of,
    services: { hello: said, gone: said },
  });
  const report = agentReport(input({ instances: new Map(), lastSaid: last(1) }));
  assert.deepEqual(report.services, { hello: said });
  assert.deepEqual(agentReport(input({ instances: new Map(), lastSaid: last(2) })).services, {});
  assert.deepEqual(agentReport(input({ instances: new Map(), lastSaid: last(1, 'other') })).services, {}, 'its pods are replaced');
  assert.deepEqual([report.plan, report.content], ['1.4', content]);
});
