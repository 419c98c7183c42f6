/**
 * What framework services are told of their node.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memberId } from '../../../src/decide/authority.ts';
import { frameworkConfigOf, withRunningTime } from '../../../src/decide/framework-config.ts';
import type { FrameworkInput } from '../../../src/decide/framework-config.ts';
import type { FrameworkConfig } from '../../../src/model/framework.ts';
import type { ClusterNode } from '../../../src/model/cluster-node.ts';
import { node, readyNode } from './fixtures.ts';

const self = { name: 'harbor-a1-n0', uid: 'harbor-a1-n0-uid', incarnation: 1, address: '10.0.0.1' };
const membership = { term: 3, primary: memberId(self.uid, 1), k: 0, voters: [memberId(self.uid, 1)], incarnation: 1 };

function config(change: Partial<FrameworkInput> = {}): FrameworkConfig {
  return frameworkConfigOf({
    cluster: { namespace: 'demo', name: 'harbor', uid: 'c1-uid' },
    node: self,
    directors: ['https://b:1', 'https://a:1'],
    membership,
    plan: undefined,
    nodes: undefined,
    site: undefined,
    license: undefined,
    joined: undefined,
    previous: undefined,
    ...change,
  });
}

function worker(incarnation = 1, address: string | undefined = '10.0.0.2'): ClusterNode {
  const made = readyNode(1, ['hello'], { incarnation });
  const agent = { ...made.status?.agent, incarnation, phase: 'Ready' as const, ...(address === undefined ? {} : { address }) };
  return { ...made, status: { ...made.status, agent } };
}

const members = (made: FrameworkConfig): unknown[] => made.members.map((one) => [one.name, one.incarnation, one.address, one.role]);
const ALONE = ['harbor-a1-n0', 1, '10.0.0.1', 'Primary'];

test('a node that never heard of anybody knows itself, its term and its directors', () => {
  const made = config();
  assert.deepEqual(members(made), [ALONE]);
  assert.deepEqual([made.primary, made.term, made.directors], ['harbor-a1-n0', 3, ['https://a:1', 'https://b:1']]);
});

test('I1: a member stays while nothing is heard, and goes when it is seen to be gone, retired or another life', () => {
  const both = config({ nodes: [node(0), worker()] });
  assert.deepEqual(members(both), [ALONE, ['harbor-a1-n1', 1, '10.0.0.2', 'Worker']]);
  const later = (nodes: readonly ClusterNode[] | undefined): unknown[] => members(config({ nodes, previous: both }));
  assert.deepEqual(later(undefined), members(both), 'nothing heard');
  assert.deepEqual(later([node(0), node(1)]), members(both), 'heard of, its report is not there yet');
  assert.deepEqual(later([node(0)]), [ALONE], 'gone');
  assert.deepEqual(later([node(0), node(1, { retired: true })]), [ALONE]);
  assert.deepEqual(later([node(0), node(1, { deleted: true })]), [ALONE]);
  assert.deepEqual(later([node(0), node(1, { incarnation: 2 })]), [ALONE], 'a new life has not said yet where it is');
  assert.deepEqual(later([node(0), worker(2, '10.0.0.9')]), [ALONE, ['harbor-a1-n1', 2, '10.0.0.9', 'Worker']]);
});

test('a revocation is told of every member, this node among them, and stays while nothing is heard', () => {
  const revoked = '2030-01-01T00:00:00Z';
  const [own, other] = [node(0), worker()];
  const nodes = [
    { ...own, spec: { ...own.spec, revokedBefore: revoked } },
    { ...other, spec: { ...other.spec, revokedBefore: revoked } },
  ];
  const made = config({
    nodes: nodes.map((one) => ({
      ...one,
      status: { ...one.status, agent: { incarnation: 1, phase: 'Ready' as const, address: '10.0.0.9' } },
    })),
  });
  assert.deepEqual(
    made.members.map((one) => one.revokedBefore),
    [revoked, revoked],
  );
  assert.deepEqual(
    config({ previous: made }).members.map((one) => one.revokedBefore),
    [revoked, revoked],
  );
});

test('who is primary follows the membership; while that is unknown, what was told before', () => {
  const both = config({ nodes: [node(0), worker()] });
  const moved = config({ nodes: [node(0), worker()], membership: { ...membership, term: 4, primary: memberId('harbor-a1-n1-uid', 1) } });
  assert.deepEqual([moved.primary, moved.term, moved.members[0]?.role], ['harbor-a1-n1', 4, 'Worker']);
  const unknown = config({ membership: undefined, previous: both });
  assert.deepEqual([unknown.primary, unknown.term], ['harbor-a1-n0', 3]);
});

test('running time is counted up to now, and nothing else changes', () => {
  const joined = { notBeforeMs: 5, since: { ranMs: 100, bootId: 'b', bootMs: 10 } };
  const counted = withRunningTime(config({ joined }), { bootId: 'b', bootMs: 60 });
  assert.deepEqual(counted.joined, { notBeforeMs: 5, since: { ranMs: 150, bootId: 'b', bootMs: 60 } });
  assert.deepEqual({ ...counted, joined }, config({ joined }));
});

test('I2: the order in which nodes and directors are heard of changes not one character', () => {
  const one = config({ nodes: [node(0), worker()], directors: ['https://a:1', 'https://b:1'] });
  const other = config({ nodes: [worker(), node(0)], directors: ['https://b:1', 'https://a:1'] });
  assert.equal(JSON.stringify(other), JSON.stringify(one));
  assert.equal(JSON.stringify(config({ nodes: undefined, previous: one })), JSON.stringify(one), 'nothing heard since');
});

test('I3: who is told to be where nobody can be is no member, also when it was told so before', () => {
  const alone = config({ nodes: [node(0)] });
  for (const bad of ['::::', '', 'a b', '10.0.0.2:80']) {
    assert.deepEqual(members(config({ nodes: [node(0), worker(1, bad)] })), [ALONE], bad);
    const remembered = { name: 'harbor-a1-n1', uid: 'harbor-a1-n1-uid', incarnation: 1, address: bad, role: 'Worker' as const };
    const previous = { ...alone, members: [...alone.members, remembered, null as never] };
    assert.deepEqual(members(config({ previous })), [ALONE]);
    assert.deepEqual(members(config({ nodes: [node(0), node(1)], previous })), [ALONE]);
  }
  const before = config({ nodes: [node(0), worker()] });
  assert.deepEqual(members(config({ nodes: [node(0), worker(1, '::::')], previous: before })), members(before), 'it stays where it was');
});
