/**
 * Who repairs: one owner at a time, and somebody whenever work is due.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Decision } from '../../../src/decide/cluster-view.ts';
import { decideCluster } from '../../../src/decide/creation.ts';
import { decideManager } from '../../../src/decide/manager.ts';
import { deathOf, isLeaving } from '../../../src/decide/node-facts.ts';
import { repairedBy, repairOwner } from '../../../src/decide/repair-owner.ts';
import type { ClusterNode } from '../../../src/model/cluster-node.ts';
import { cluster, node, readyNode, view, wasAvailable } from './fixtures.ts';

const INFRASTRUCTURE = ['Claimed', 'Starting', 'Running', 'Exited', 'Gone', 'Failed'] as const;
const AGENT = ['Joined', 'Ready', 'NotReady', 'Stopping', 'Stopped'] as const;

const anyNode = (index: number): fc.Arbitrary<ClusterNode> =>
  fc
    .record({
      incarnation: fc.integer({ min: 1, max: 3 }),
      host: fc.constantFrom('h1', undefined),
      machine: fc.constantFrom(...INFRASTRUCTURE, undefined),
      reason: fc.constantFrom('GivenUp', 'RecordLost', undefined),
      agent: fc.constantFrom(...AGENT, undefined),
      spokenOf: fc.constantFrom(0, 0, 0, 1),
      confirmed: fc.constantFrom(undefined, undefined, 0, 1),
      vouched: fc.constantFrom(undefined, undefined, 0, 1),
      retired: fc.constantFrom(false, false, false, true),
    })
    .map((one) => {
      const { incarnation } = one;
      const life = Math.max(1, incarnation - one.spokenOf);
      const annotations = {
        ...(one.confirmed === undefined ? {} : { 'outrigger.dev/confirm-dead': String(incarnation - one.confirmed) }),
        ...(one.vouched === undefined ? {} : { 'outrigger.dev/vouched-dead': `${incarnation - one.vouched}.1` }),
      };
      const status = {
        ...(one.machine === undefined
          ? {}
          : { infrastructure: { incarnation: life, phase: one.machine, ...(one.reason === undefined ? {} : { reason: one.reason }) } }),
        ...(one.agent === undefined ? {} : { agent: { incarnation: life, phase: one.agent } }),
      } as NonNullable<ClusterNode['status']>;
      return node(index, {
        incarnation,
        ...(one.host === undefined ? {} : { host: one.host }),
        ...(one.retired ? { retired: true } : {}),
        annotations,
        status,
      });
    });

const anySite = fc.record({
  nodes: fc.tuple(anyNode(0), anyNode(1), anyNode(2)),
  primary: fc.constantFrom('harbor-a1-n0', 'harbor-a1-n1', undefined),
  ready: fc.constantFrom(true, false, undefined),
  percent: fc.constantFrom(100, 40, 0),
});

const replacedBy = (decision: Decision): string[] =>
  decision.effects.flatMap((effect) => (effect.kind === 'RaiseIncarnation' ? [effect.on.name] : []));

function decided({ nodes, primary, ready, percent }: SiteOf) {
  const said = ready === undefined ? {} : { nodes: { [primary ?? 'harbor-a1-n0']: { ready } } };
  const status = wasAvailable({ ...said, ...(primary === undefined ? {} : { primary }) });
  if (primary === undefined) delete status.primary;
  const site = view({ cluster: cluster({ status, spec: { workers: 2, nodeHealthCheck: { maxUnhealthyPercent: percent } } }), nodes });
  const manager = { node: primary ?? 'harbor-a1-n0', term: 1 };
  return { site, server: replacedBy(decideCluster(site)), manager: replacedBy(decideManager(site, manager)) };
}

interface SiteOf {
  readonly nodes: readonly ClusterNode[];
  readonly primary: string | undefined;
  readonly ready: boolean | undefined;
  readonly percent: number;
}

describe('repair owner', () => {
  it('I1 I2: never do both replace a node of the same state', () => {
    fc.assert(
      fc.property(anySite, (site) => {
        const { server, manager } = decided(site);
        assert.deepEqual(
          server.filter((name) => manager.includes(name)),
          [],
        );
      }),
      { numRuns: 2_000 },
    );
  });

  it('I1: whenever a death is proven and nothing suspends repair, exactly one of them replaces the node', () => {
    let due = 0;
    fc.assert(
      fc.property(anySite, (one) => {
        const { site, server, manager } = decided({ ...one, percent: 100 });
        const dead = site.nodes
          .filter((member) => deathOf(member) !== undefined && !isLeaving(member))
          .map(({ metadata }) => metadata.name);
        due += dead.length;
        for (const name of dead) assert.equal([...server, ...manager].filter((other) => other === name).length, 1, name);
      }),
      { numRuns: 2_000 },
    );
    assert.ok(due > 100, 'the property was looked at');
  });

  it('I3: the primary is never the manager’s, and no vouch replaces it', () => {
    fc.assert(
      fc.property(anySite, (one) => {
        const { manager, site } = decided(one);
        assert.ok(!manager.includes(one.primary ?? 'harbor-a1-n0'));
        for (const member of repairedBy(site, 'Manager')) assert.notEqual(member.metadata.name, one.primary ?? 'harbor-a1-n0');
      }),
    );
    const vouched = readyNode(0, [], { annotations: { 'outrigger.dev/vouched-dead': '1.1' } });
    const site = view({ cluster: cluster({ status: wasAvailable() }), nodes: [vouched, readyNode(1)] });
    assert.deepEqual(replacedBy(decideCluster(site)), []);
  });

  it('I4: workers go over to the extension servers when it is written that there is no manager that could', () => {
    const worker = readyNode(1);
    const owner = (primary: ClusterNode | undefined, ready?: boolean) =>
      repairOwner(
        {
          cluster: cluster({ status: wasAvailable(ready === undefined ? {} : { nodes: { 'harbor-a1-n0': { ready } } }) }),
          nodes: primary === undefined ? [worker] : [primary, worker],
        },
        worker,
      );
    assert.equal(owner(readyNode(0)), 'Manager');
    assert.equal(owner(readyNode(0), true), 'Manager');
    assert.equal(owner(readyNode(0), false), 'ExtensionServer', 'it is written that it is not ready');
    assert.equal(owner(undefined), 'ExtensionServer');
    assert.equal(owner(node(0, { host: 'h1' })), 'ExtensionServer', 'it never reported');
    assert.equal(owner(readyNode(0, [], { retired: true })), 'ExtensionServer', 'it leaves');
    assert.equal(owner(readyNode(0, [], { annotations: { 'outrigger.dev/confirm-dead': '1' } })), 'ExtensionServer');
  });

  it('I1: nobody repairs before a cluster was available, while it is deleted, or a node that leaves', () => {
    const nodes = [readyNode(0), readyNode(1, [], { retired: true })];
    const owners = (one: ReturnType<typeof cluster>) => nodes.map((member) => repairOwner({ cluster: one, nodes }, member));
    assert.deepEqual(owners(cluster({ status: { attempt: 1 } })), [undefined, undefined]);
    assert.deepEqual(owners(cluster({ status: wasAvailable(), deleted: true })), [undefined, undefined]);
    assert.deepEqual(owners(cluster({ status: wasAvailable() })), ['ExtensionServer', undefined]);
  });
});

describe('nodes that nobody repairs', () => {
  it('I1: those of another attempt, and those that leave', () => {
    const whole = cluster({ status: wasAvailable({ attempt: 2 }) });
    const nodes = [readyNode(0, [], { attempt: 2 }), readyNode(1, [], { attempt: 1 }), readyNode(2, [], { attempt: 2, retired: true })];
    assert.deepEqual(
      nodes.map((one) => repairOwner({ cluster: whole, nodes }, one)),
      ['ExtensionServer', undefined, undefined],
    );
  });
});
