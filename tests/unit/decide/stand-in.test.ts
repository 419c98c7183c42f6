/**
 * Who says that the primary is down, what of it, and that nobody is answered back.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { mergeDiff } from '../../../src/decide/merge-diff.ts';
import type { ClusterView } from '../../../src/decide/cluster-view.ts';
import { decideManager } from '../../../src/decide/manager.ts';
import { observe } from '../../../src/decide/observation.ts';
import type { Standing } from '../../../src/decide/presence.ts';
import { decideAfterAvailable } from '../../../src/decide/repair.ts';
import { afterSilence, decideStandIn, speakerOf } from '../../../src/decide/stand-in.ts';
import { NO_OBSERVATIONS } from '../../../src/decide/observation.ts';
import type { Effect } from '../../../src/decide/effect.ts';
import type { ClusterNode } from '../../../src/model/cluster-node.ts';
import type { ClusterStatus } from '../../../src/model/cluster.ts';
import { conditionOf } from '../../../src/model/condition.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { LIMITS } from '../../../src/model/limits.ts';
import { cluster, dataCenter, node, readyNode, release, view, wasAvailable } from './fixtures.ts';

const [N0, N1, N2] = ['harbor-a1-n0', 'harbor-a1-n1', 'harbor-a1-n2'];

/** A JSON merge patch, as a director applies it. */
function patched(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> = { ...(target as object | undefined) };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = patched(result[name], value);
  }
  return result;
}

function statusAfter(status: ClusterStatus, effects: readonly Effect[]): ClusterStatus {
  const writes = effects.filter((one) => one.kind === 'PatchClusterStatus');
  return writes.reduce((all, one) => patched(all, one.status) as ClusterStatus, status);
}

function writesOf(effects: readonly Effect[]): number {
  return effects.filter((one) => one.kind === 'PatchClusterStatus').length;
}

function at(
  status: ClusterStatus,
  nodes: readonly ClusterNode[],
  more: Partial<ClusterView> = {},
  workers = nodes.length - 1,
): ClusterView {
  return view({ cluster: cluster({ spec: { workers }, status }), nodes, release: release(), virtualDataCenter: dataCenter(), ...more });
}

/** What the primary says of a cluster in which all is well. */
function wellStatus(nodes: readonly ClusterNode[]): ClusterStatus {
  const status = wasAvailable({ primary: N0, term: 2, observedGeneration: 1 });
  return statusAfter(status, decideManager(at(status, nodes), { node: N0, term: 2 }).effects);
}

const stands = (all: Record<string, Standing>): ReadonlyMap<string, Standing> => new Map(Object.entries(all));
const PAIR = [readyNode(0), readyNode(1)];
const DOWN = stands({ [N0]: 'Down' });

describe('stand-in', () => {
  it('says that the primary is down: phase, conditions, summary; and leaves the rest', () => {
    const before = wellStatus(PAIR);
    assert.equal(before.phase, 'Available');
    const { effects, said } = decideStandIn(at(before, PAIR), { node: N1, standings: DOWN, said: undefined });
    const after = statusAfter(before, effects);
    assert.equal(after.phase, 'Error');
    assert.equal(conditionOf(after.conditions, 'Ready')?.status, 'False');
    assert.equal(conditionOf(after.conditions, 'Redundant')?.status, 'False');
    for (const type of ['BrokerAvailable', 'MonitoringAvailable', 'ImagesAvailable'] as const)
      assert.equal(conditionOf(after.conditions, type)?.reason, 'PrimaryDown', type);
    assert.deepEqual([after.services?.['hello']?.ready, after.services?.['ticker']?.ready], [1, 0]);
    assert.equal(after.nodes?.[N0]?.ready, false);
    assert.match(after.nodes?.[N0]?.message ?? '', /not heard/);
    assert.deepEqual([after.primary, after.term, after.release, after.availableAt], [N0, 2, before.release, before.availableAt]);
    assert.ok(said !== undefined);
  });

  it('I1: only the living worker with the lowest index, only for a primary that is down, only of a cluster that was available', () => {
    const three = [readyNode(0), readyNode(1), readyNode(2)];
    const before = wellStatus(three);
    const says = (standings: Record<string, Standing>, who: string, status = before, nodes: readonly ClusterNode[] = three): number =>
      decideStandIn(at(status, nodes), { node: who, standings: stands(standings), said: undefined }).effects.length;
    assert.equal(says({ [N0]: 'Down', [N2]: 'Heard' }, N1), 1);
    assert.equal(says({ [N0]: 'Down', [N1]: 'Heard' }, N2), 0);
    for (const away of ['Silent', 'Down', 'Coming'] as const) assert.equal(says({ [N0]: 'Down', [N1]: away }, N2), 1, away);
    for (const is of ['Heard', 'Silent', 'Coming'] as const) assert.equal(says({ [N0]: is, [N2]: 'Heard' }, N1), 0, is);
    assert.equal(says({ [N1]: 'Down', [N2]: 'Down' }, N0), 0);
    assert.equal(says({ [N0]: 'Down' }, N1, { ...before, availableAt: undefined } as unknown as ClusterStatus), 0);
    const leaving = [readyNode(0), readyNode(1, ['hello'], { retired: true }), readyNode(2)];
    assert.equal(says({ [N0]: 'Down', [N2]: 'Heard' }, N1, before, leaving), 0);
    assert.equal(says({ [N0]: 'Down', [N1]: 'Heard' }, N2, before, leaving), 1);
    const deleting = view({ ...at(before, three), cluster: cluster({ status: before, deleted: true }) });
    assert.equal(decideStandIn(deleting, { node: N1, standings: DOWN, said: undefined }).effects.length, 0);
  });

  it('I1: of each node one other speaks', () => {
    const three = at(wellStatus([readyNode(0), readyNode(1), readyNode(2)]), [readyNode(0), readyNode(1), readyNode(2)]);
    const speaker = (standings: Record<string, Standing>, who: string, about?: string) =>
      speakerOf(three, { node: who, standings: stands(standings) }, about);
    assert.equal(speaker({ [N0]: 'Heard', [N1]: 'Down' }, N2, N1), N0);
    assert.equal(speaker({ [N1]: 'Heard', [N2]: 'Down' }, N0, N2), N0);
    assert.equal(speaker({ [N0]: 'Heard', [N2]: 'Heard' }, N1, N0), N1);
    assert.equal(speaker({ [N0]: 'Heard', [N1]: 'Heard' }, N2, N0), N1);
    assert.equal(speaker({ [N0]: 'Down', [N1]: 'Down' }, N2, N1), N2);
  });

  it('I2: nothing is written but what a stand-in may write', () => {
    const may = new Set(['phase', 'conditions', 'nodes', 'services', 'workers', 'errorSet', 'eventSet']);
    const before = wellStatus(PAIR);
    const newer = view({ ...at(before, PAIR), cluster: cluster({ status: before, generation: 7, spec: { workers: 1 } }) });
    for (const shown of [at(before, PAIR), newer, at({ ...before, conditions: [] }, PAIR), at(before, [node(0), readyNode(1)])])
      for (const effect of decideStandIn(shown, { node: N1, standings: DOWN, said: undefined }).effects) {
        assert.equal(effect.kind, 'PatchClusterStatus');
        if (effect.kind === 'PatchClusterStatus')
          assert.deepEqual(
            Object.keys(effect.status).filter((name) => !may.has(name)),
            [],
          );
      }
    const after = statusAfter(before, decideStandIn(newer, { node: N1, standings: DOWN, said: undefined }).effects);
    const changed = after.conditions?.filter((one) => one.observedGeneration === 7);
    assert.deepEqual(changed, []);
    assert.deepEqual(conditionOf(after.conditions, 'Progressing'), conditionOf(before.conditions, 'Progressing'));
  });

  it('I4: a status that already says no more than is true is left as it is', () => {
    const before = wellStatus(PAIR);
    const first = decideStandIn(at(before, PAIR), { node: N1, standings: DOWN, said: undefined });
    const after = statusAfter(before, first.effects);
    assert.deepEqual(decideStandIn(at(after, PAIR), { node: N1, standings: DOWN, said: undefined }).effects, []);
    const reworded = { ...after, nodes: { ...after.nodes, [N0]: { ...after.nodes?.[N0], message: 'in other words' } } } as ClusterStatus;
    assert.deepEqual(decideStandIn(at(reworded, PAIR), { node: N1, standings: DOWN, said: undefined }).effects, []);
  });

  it('I3: nobody is answered back: whoever else writes, and in whatever order, it comes to rest', () => {
    // The worker hears nothing of the primary. Meanwhile the primary may live (cut off from this worker alone), and an extension server judges by
    // Leases: both Leases silent, one, or none.
    const silent = fc.record({
      primaryWrites: fc.boolean(),
      leases: fc.constantFrom('none', 'primary silent', 'all heard'),
      order: fc.array(fc.nat(2), { minLength: 30, maxLength: 30 }),
    });
    fc.assert(
      fc.property(silent, fc.boolean(), ({ primaryWrites, leases, order }, isGone) => {
        const nodes = isGone ? [goneNode(), readyNode(1)] : PAIR;
        let status = wellStatus(PAIR);
        let said: string | undefined;
        const writes = { standIn: 0, primary: 0, extension: 0 };
        const turns = [
          () => {
            const decision = decideStandIn(at(status, nodes), { node: N1, standings: DOWN, said });
            said = decision.said;
            status = statusAfter(status, decision.effects);
            writes.standIn += writesOf(decision.effects);
          },
          () => {
            if (!primaryWrites) return;
            const { effects } = decideManager(at(status, nodes), { node: N0, term: 2 });
            status = statusAfter(status, effects);
            writes.primary += writesOf(effects);
          },
          () => {
            const { effects } = decideAfterAvailable(leasedView(status, nodes, leases));
            status = statusAfter(status, effects);
            writes.extension += writesOf(effects);
          },
        ];
        for (const turn of [0, ...order, 0, 1, 2, 0, 1, 2]) turns[turn]?.();
        assert.ok(writes.standIn <= 1, `the stand-in wrote ${writes.standIn} times`);
        assert.ok(primaryWrites || writes.extension <= 2, `an extension server wrote ${writes.extension} times`);
        // A primary that lives and an extension server that is sure of its death never meet: that one judges by the primary's own Lease and host.
        if (!isGone && leases !== 'primary silent') assert.ok(writes.primary <= 2 && writes.extension <= 1, JSON.stringify(writes));
      }),
      { numRuns: 60 },
    );
  });

  it('I3: what it sees anew is said, and a primary that is back raises all of it again', () => {
    const three = [readyNode(0), readyNode(1), readyNode(2)];
    let status = wellStatus(three);
    const first = decideStandIn(at(status, three), { node: N1, standings: stands({ [N0]: 'Down', [N2]: 'Heard' }), said: undefined });
    status = statusAfter(status, first.effects);
    const second = decideStandIn(at(status, three), { node: N1, standings: stands({ [N0]: 'Down', [N2]: 'Down' }), said: first.said });
    assert.equal(second.effects.length, 1);
    status = statusAfter(status, second.effects);
    assert.equal(status.services?.['hello']?.ready, 1);
    assert.equal(
      decideStandIn(at(status, three), { node: N1, standings: stands({ [N0]: 'Heard', [N2]: 'Heard' }), said: second.said }).said,
      undefined,
    );
    const back = decideManager(at(status, three), { node: N0, term: 2 });
    const raised = statusAfter(status, back.effects);
    assert.equal(raised.phase, 'Available');
    assert.equal(writesOf(decideManager(at(raised, three), { node: N0, term: 2 }).effects), 0);
    const { eventSet: _events, conditions: _conditions, ...rest } = raised;
    const { eventSet: _before, conditions: _well, ...well } = wellStatus(three);
    assert.equal(mergeDiff(well as JsonObject, rest as JsonObject), undefined);
  });
});

function goneNode(): ClusterNode {
  const known = readyNode(0);
  return { ...known, status: { ...known.status, infrastructure: { incarnation: 1, phase: 'Gone' } } };
}

/** An extension server's view after it watched the Leases for long. */
function leasedView(status: ClusterStatus, nodes: readonly ClusterNode[], leases: string): ClusterView {
  const shown = at(status, nodes);
  if (leases === 'none') return shown;
  const names = nodes.map(({ metadata }) => `lease/${metadata.uid}`);
  const longMs = 2 * LIMITS.nodeLeaseTtlMs;
  const revisions = nodes.map(({ metadata }, index) => (leases === 'all heard' || index > 0 ? [] : [`lease/${metadata.uid}/7`]));
  const seen = observe(observe(NO_OBSERVATIONS, [...names, ...revisions.flat()], 0), [...names, ...revisions.flat()], longMs);
  return { ...shown, leases: new Map(nodes.map(({ metadata }) => [metadata.uid, '7'])), seen, monotonicMs: longMs };
}

describe('what is said of a silent node', () => {
  it('I5: promises only what follows', () => {
    assert.match(afterSilence(readyNode(0), true), /never replaced for silence.*outrigger node confirm-dead harbor-a1-n0 -n demo\.$/);
    assert.match(afterSilence(readyNode(1), false), /unknownSeconds the manager replaces it;.*confirm-dead harbor-a1-n1 -n demo\.$/);
    const joined = readyNode(1);
    joined.spec.machine = 'Joined';
    assert.match(afterSilence(joined, false), /^No other machine can take its place by itself/);
  });
});
