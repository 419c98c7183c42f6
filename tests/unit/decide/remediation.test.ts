/**
 * Replacement on proof: the vouch of a manager, the short circuit of maxUnhealthy, and mass silence.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ClusterView, Decision } from '../../../src/decide/cluster-view.ts';
import { decideCluster } from '../../../src/decide/creation.ts';
import { decideManager } from '../../../src/decide/manager.ts';
import { decideRemediation } from '../../../src/decide/remediation.ts';
import type { MassSilence } from '../../../src/decide/mass-silence.ts';
import type { Illness } from '../../../src/decide/node-health.ts';
import { requestOf } from '../../../src/decide/request.ts';
import type { Condition } from '../../../src/model/condition.ts';
import type { ClusterNode } from '../../../src/model/cluster-node.ts';
import type { ClusterStatus } from '../../../src/model/cluster.ts';
import { cluster, dataCenter, node, readyNode, reservations, view, wasAvailable } from './fixtures.ts';

const GONE = { infrastructure: { incarnation: 1, phase: 'Gone' as const } };
const dead = (index: number): ClusterNode => node(index, { host: 'h2', status: GONE });
const CALM: MassSilence = { active: false, near: false, settled: true, silentSites: 0, sites: 10 };
const MASS: MassSilence = { active: true, near: true, settled: true, silentSites: 5, sites: 10 };

function site(
  nodes: readonly ClusterNode[],
  status: Partial<ClusterStatus> = {},
  more: Partial<ClusterView> = {},
  percent = 100,
): ClusterView {
  const whole = cluster({
    status: wasAvailable(status),
    spec: { workers: nodes.length - 1, nodeHealthCheck: { maxUnhealthyPercent: percent } },
  });
  const reserved = dataCenter({ reservations: reservations(nodes.map(({ spec }) => spec.index)) });
  return view({ cluster: whole, nodes, virtualDataCenter: reserved, ...more });
}

const managed = (of: ClusterView, overdue: Readonly<Record<string, Illness>> = {}, term = 1): Decision =>
  decideManager(of, { node: 'harbor-a1-n0', term, overdue: new Map(Object.entries(overdue)) });

const doings = (decision: Decision): string[] =>
  decision.effects.flatMap((effect) =>
    effect.kind === 'VouchNodeDead' || effect.kind === 'RaiseIncarnation' ? [`${effect.kind} ${effect.on.name}`] : [],
  );

function said(decision: Decision): Condition | undefined {
  const patch = decision.effects.find((effect) => effect.kind === 'PatchClusterStatus');
  const conditions = patch?.kind === 'PatchClusterStatus' ? (patch.status['conditions'] as unknown as Condition[] | undefined) : undefined;
  return conditions?.find(({ type }) => type === 'RemediationAllowed');
}

/** The status of `of` after the decision's write. */
function written(of: ClusterView, decision: Decision): ClusterView {
  const patch = decision.effects.find((effect) => effect.kind === 'PatchClusterStatus');
  assert.ok(patch?.kind === 'PatchClusterStatus');
  return { ...of, cluster: { ...of.cluster, status: { ...of.cluster.status, ...(patch.status as ClusterStatus) } } };
}

describe('remediation: the vouch', () => {
  it('I2: the vouch is a write of its own that names incarnation and term; the replacement follows it', () => {
    const before = site([readyNode(0), readyNode(1)]);
    const decision = managed(before, { 'harbor-a1-n1': 'Unknown' });
    assert.deepEqual(doings(decision), ['VouchNodeDead harbor-a1-n1']);
    const vouch = decision.effects.find((effect) => effect.kind === 'VouchNodeDead');
    assert.ok(vouch?.kind === 'VouchNodeDead');
    const request = requestOf(vouch);
    assert.ok(request.verb === 'mergePatch');
    assert.match(JSON.stringify(request.patch), /"outrigger.dev\/vouched-dead":"1\.1".*"resourceVersion":"20"/);
    const after = site([readyNode(0), readyNode(1, [], { annotations: { 'outrigger.dev/vouched-dead': '1.1' } })]);
    assert.deepEqual(doings(managed(after, { 'harbor-a1-n1': 'Unknown' })), ['RaiseIncarnation harbor-a1-n1']);
  });

  it('I1: a vouch, whoever wrote it there, replaces no primary', () => {
    const annotations = { 'outrigger.dev/vouched-dead': '1.1' };
    const of = site([readyNode(0, [], { annotations }), readyNode(1)]);
    assert.deepEqual(doings(decideCluster({ ...of, massSilence: CALM })), []);
    assert.deepEqual(decideRemediation(of, 'ExtensionServer').effects, []);
  });

  it('I1: nobody is replaced for being ill alone, by whoever owns it', () => {
    const of = site([readyNode(0), readyNode(1)]);
    for (const owner of ['Manager', 'ExtensionServer'] as const)
      assert.deepEqual(decideRemediation(of, owner, undefined, true).effects, []);
    const kinds = decideRemediation(of, 'Manager', { term: 1, overdue: new Map([['harbor-a1-n1', 'NotReady']]) }).effects.map(
      ({ kind }) => kind,
    );
    assert.deepEqual(new Set(kinds).has('RaiseIncarnation'), false, kinds.join());
  });

  it('I2: nothing is vouched for on a copy', () => {
    const decision = managed({ ...site([readyNode(0), readyNode(1)]), live: false }, { 'harbor-a1-n1': 'Unknown' });
    assert.deepEqual([decision.effects, decision.needsLive], [[], true]);
  });

  it('I1: a vouch counts in the recorded term and for its incarnation alone', () => {
    const replacedBy = (annotation: string, term: number, incarnation = 1): string[] => {
      const worker = readyNode(1, [], { incarnation, annotations: { 'outrigger.dev/vouched-dead': annotation } });
      return doings(managed(site([readyNode(0), worker], { term }), {}, term));
    };
    assert.deepEqual(replacedBy('1.3', 3), ['RaiseIncarnation harbor-a1-n1']);
    assert.deepEqual(replacedBy('1.2', 3), [], 'of an earlier primary');
    assert.deepEqual(replacedBy('1.3', 3, 2), [], 'of an earlier life');
    for (const nonsense of ['', '1', '1.x', 'x.3']) assert.deepEqual(replacedBy(nonsense, 3), [], nonsense);
  });

  it('I5: neither the primary nor a joined machine nor an unclaimed node is vouched for', () => {
    const overdue = { 'harbor-a1-n0': 'NotReady', 'harbor-a1-n1': 'Unknown', 'harbor-a1-n2': 'Startup' } as const;
    const joined = readyNode(1);
    const machine = { ...joined, spec: { ...joined.spec, machine: 'Joined' as const } };
    assert.deepEqual(doings(managed(site([readyNode(0), machine, node(2)]), overdue)), []);
  });

  it('I1: nor does a manager vouch whose own node is written down as not ready', () => {
    const decision = managed(site([readyNode(0), readyNode(1)], { nodes: { 'harbor-a1-n0': { ready: false } } }), {
      'harbor-a1-n1': 'Unknown',
    });
    assert.deepEqual(doings(decision), []);
  });
});

describe('remediation: the short circuit', () => {
  it('I3: above maxUnhealthyPercent nothing is replaced or vouched for, it is said, and taken back', () => {
    const nodes = [readyNode(0), readyNode(1), dead(2)];
    const allowed = managed(site(nodes, {}, {}, 67), { 'harbor-a1-n1': 'Unknown' });
    assert.deepEqual(doings(allowed), ['RaiseIncarnation harbor-a1-n2', 'VouchNodeDead harbor-a1-n1']);
    assert.equal(said(allowed), undefined, 'while nothing is withheld nothing is said');
    const many = site(nodes, {}, {}, 40);
    const suspended = managed(many, { 'harbor-a1-n1': 'Unknown' });
    assert.deepEqual(doings(suspended), []);
    assert.deepEqual([said(suspended)?.status, said(suspended)?.reason], ['False', 'TooManyUnhealthy']);
    const healed = { ...written(many, suspended), nodes: [readyNode(0), readyNode(1), readyNode(2)] };
    assert.deepEqual([said(managed(healed))?.status, said(managed(healed))?.reason], ['True', 'RemediationAllowed']);
  });

  it('I3: it holds for the primary too, and is said by the extension server that would replace it', () => {
    const decision = decideCluster(site([dead(0), readyNode(1)], {}, { massSilence: CALM }, 40));
    assert.deepEqual(doings(decision), []);
    assert.equal(said(decision)?.reason, 'TooManyUnhealthy');
  });
});

describe('remediation: mass silence', () => {
  it('I4: an extension server replaces nothing, says so once, and takes it back', () => {
    const before = site([dead(0), readyNode(1)], {}, { massSilence: MASS });
    const decision = decideCluster(before);
    assert.deepEqual(doings(decision), []);
    assert.deepEqual([said(decision)?.status, said(decision)?.reason], ['False', 'MassSilence']);
    assert.match(said(decision)?.message ?? '', /20 % of the sites.*300 s.*massSilencePercent/);
    const after = written(before, decision);
    assert.equal(said(decideCluster(after)), undefined, 'it is said once');
    const over = decideCluster({ ...after, massSilence: CALM });
    assert.deepEqual(doings(over), ['RaiseIncarnation harbor-a1-n0']);
    assert.equal(said(over)?.status, 'True');
  });

  it('I4: a cluster that is heard and lacks nothing is told nothing', () => {
    assert.deepEqual(decideCluster(site([readyNode(0), readyNode(1)], {}, { massSilence: MASS })).effects, []);
  });

  it('I4: a fresh server believes what stands in the Cluster until it knows better', () => {
    const before = site([dead(0), readyNode(1)], {}, { massSilence: MASS });
    const after = written(before, decideCluster(before));
    const fresh = decideCluster({ ...after, massSilence: { ...CALM, settled: false } });
    assert.deepEqual(doings(fresh), []);
    assert.equal(said(fresh), undefined);
  });

  it('I4: a server that would not have said it does not unsay what another one said', () => {
    const before = site([dead(0), readyNode(1)], {}, { massSilence: MASS });
    const after = written(before, decideCluster(before));
    const near: MassSilence = { ...CALM, near: true };
    assert.deepEqual(decideCluster({ ...after, massSilence: near }).effects, []);
    assert.deepEqual(doings(decideCluster({ ...before, massSilence: near })), ['RaiseIncarnation harbor-a1-n0'], 'unless it was said');
  });

  it('I4: what a person confirmed dead is replaced all the same', () => {
    const confirmed = node(0, { host: 'h1', annotations: { 'outrigger.dev/confirm-dead': '1' } });
    assert.deepEqual(doings(decideCluster(site([confirmed, readyNode(1)], {}, { massSilence: MASS }))), ['RaiseIncarnation harbor-a1-n0']);
  });

  it('I4: a manager obeys what was said of its cluster, and no longer than an hour', () => {
    const conditions: Condition[] = [
      { type: 'RemediationAllowed', status: 'False', reason: 'MassSilence', message: 'x', lastTransitionTime: '2030-01-01T00:00:00Z' },
    ];
    const told = site([readyNode(0), readyNode(1), dead(2)], { conditions });
    const obeyed = managed(told, { 'harbor-a1-n1': 'Unknown' });
    assert.deepEqual(doings(obeyed), []);
    assert.deepEqual(obeyed.watching, ['massSilence/c1-uid']);
    const later = managed(
      { ...told, seen: new Map([['massSilence/c1-uid', told.monotonicMs - 3_600_000]]) },
      { 'harbor-a1-n1': 'Unknown' },
    );
    assert.deepEqual(doings(later), ['RaiseIncarnation harbor-a1-n2', 'VouchNodeDead harbor-a1-n1']);
  });
});
