/**
 * Nothing that was ever available is destroyed: the known bug of products that leave the repair flag on, replayed in every way that comes to mind.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { decideCluster } from '../../../src/decide/creation.ts';
import type { ClusterView } from '../../../src/decide/cluster-view.ts';
import { guardOf } from '../../../src/decide/effect.ts';
import type { Effect } from '../../../src/decide/effect.ts';
import { spared } from '../../../src/decide/spared.ts';
import { STEPS } from '../../../src/model/attempt.ts';
import type { ClusterNode } from '../../../src/model/cluster-node.ts';
import type { ClusterStatus } from '../../../src/model/cluster.ts';
import { cluster, dataCenter, node, readyNode, reservations, seenFor, view, wasAvailable } from './fixtures.ts';

const DAY_MS = 24 * 3600 * 1000;

/** Of `effects`, those that take something away that nobody asked to go. */
function destructive(effects: readonly Effect[]): Effect[] {
  return effects.filter(
    (effect) =>
      ['DeleteNode', 'RetireNode', 'DropNodeFinalizer', 'DropClusterFinalizer', 'Unreserve', 'RaiseIncarnation'].includes(effect.kind) ||
      (effect.kind === 'PatchClusterStatus' && ('abandonedAttempt' in effect.status || 'attempt' in effect.status)),
  );
}

/** Decides again and again as time goes by, with everything timed that is asked for. */
function leftAlone(change: Parameters<typeof view>[0]): Effect[] {
  const all: Effect[] = [];
  let watching: readonly string[] = [];
  for (const afterMs of [0, 10_000, 700_000, DAY_MS, 30 * DAY_MS]) {
    const decision = decideCluster(view({ ...change, afterMs, seen: seenFor(watching, afterMs, afterMs) }));
    watching = decision.watching;
    all.push(...decision.effects);
  }
  return all;
}

describe('the known bug of the product that inspired this: a transient error long after creation, with the repair flag left on', () => {
  const reserved = dataCenter({ reservations: reservations([0, 1]) });
  const flagOn: ClusterStatus[] = [
    wasAvailable(),
    // What a bug or a hand may leave in the status: armed, and the record of a step at work or failed.
    wasAvailable({ autoRepair: 'Armed' }),
    ...STEPS.map((step) => wasAvailable({ autoRepair: 'Armed', attempts: [record(step)] })),
    ...STEPS.map((step) =>
      wasAvailable({ autoRepair: 'Armed', attempts: [{ ...record(step), outcome: 'Failed' as const, message: 'late' }] }),
    ),
  ];
  const ill: readonly (readonly [string, readonly ClusterNode[]])[] = [
    ['nodes are not ready', [unready(0), unready(1)]],
    ['agents were given up', [givenUp(0), givenUp(1)]],
    ['hosts could not start them again', [failed(0), failed(1)]],
    ['hosts lost their records', [recordLost(0), recordLost(1)]],
    ['agents never said anything', [node(0, { host: 'h1' }), node(1, { host: 'h1' })]],
    ['services do not run', [readyNode(0, []), readyNode(1, [])]],
  ];

  for (const [what, nodes] of ill) {
    it(`I1: ${what}, for a month, and the director refuses: nothing of it is destroyed`, () => {
      for (const status of flagOn) {
        for (const refusal of [undefined, 'the database is away']) {
          for (const release of [undefined, view().release]) {
            const effects = leftAlone({
              cluster: cluster({ status, generation: 7 }),
              nodes,
              virtualDataCenter: reserved,
              release,
              refusal,
            });
            assert.deepEqual(destructive(effects), [], `${what}; ${JSON.stringify(status.attempts)}`);
          }
        }
      }
    });
  }

  it('I1: the data center is gone, the site is another, the release is unknown: nothing of it is destroyed', () => {
    const nodes = [unready(0), unready(1)];
    const effects = leftAlone({
      cluster: cluster({ status: wasAvailable(), spec: { site: 'pier' } }),
      nodes,
      virtualDataCenter: undefined,
      release: undefined,
    });
    assert.deepEqual(destructive(effects), []);
  });

  it('I1 I2: whatever was decided, the last word refuses it', () => {
    const nodes = [readyNode(0), node(1, { retired: true })];
    const was = view({ cluster: cluster({ status: wasAvailable() }), nodes });
    const decided =
      (effect: Effect, of: ClusterView = was): (() => unknown) =>
      () =>
        spared(of, { effects: [effect], needsLive: false, watching: [] });
    const on = guardOf(was.cluster);
    const [primary, retired] = nodes as [ClusterNode, ClusterNode];
    const refused: readonly Effect[] = [
      { kind: 'PatchClusterStatus', on, status: { abandonedAttempt: 1 } },
      { kind: 'PatchClusterStatus', on, status: { attempt: 2 } },
      { kind: 'PatchClusterStatus', on, status: { availableAt: null } },
      { kind: 'PatchClusterStatus', on, status: { autoRepair: 'Armed' } },
      { kind: 'DropClusterFinalizer', on, finalizers: [] },
      { kind: 'DeleteNode', on: guardOf(primary), license: 'AttemptAbandoned' },
      { kind: 'DeleteNode', on: guardOf(primary), license: 'Retired' },
    ];
    for (const effect of refused) {
      assert.throws(decided(effect), /which was available and which nobody asked to go/);
      decided(effect, view({ cluster: cluster({ status: wasAvailable(), deleted: true }), nodes }))();
      decided(effect, view({ nodes }))();
    }
    decided({ kind: 'DeleteNode', on: guardOf(retired), license: 'Retired' })();
    decided({ kind: 'PatchClusterStatus', on, status: { phase: 'Error' } })();
  });

  it('I1: in any mixture of ill nodes, flags and records', () => {
    const some = fc.constantFrom(...ill.flatMap(([, nodes]) => nodes));
    fc.assert(
      fc.property(fc.array(some, { maxLength: 3 }), fc.constantFrom(...flagOn), fc.boolean(), (nodes, status, live) => {
        const named = new Map(nodes.map((one) => [one.metadata.name, one]));
        const change = { cluster: cluster({ status }), nodes: [...named.values()], virtualDataCenter: reserved, live };
        assert.deepEqual(destructive(leftAlone(change)), []);
      }),
    );
  });
});

function record(step: (typeof STEPS)[number]): NonNullable<ClusterStatus['attempts']>[number] {
  const startedAt = '2030-01-01T00:00:00.000Z';
  return { number: 1, startedAt, stepStartedAt: startedAt, generation: 1, step, steps: [] };
}

function unready(index: number): ClusterNode {
  const status = { infrastructure: { incarnation: 1, phase: 'Running' as const }, agent: { incarnation: 1, phase: 'NotReady' as const } };
  return node(index, { host: 'h1', status });
}

function givenUp(index: number): ClusterNode {
  return node(index, { host: 'h1', status: { infrastructure: { incarnation: 1, phase: 'Failed', reason: 'GivenUp' } } });
}

function failed(index: number): ClusterNode {
  return node(index, { host: 'h1', status: { infrastructure: { incarnation: 1, phase: 'Failed', message: 'no disk' } } });
}

function recordLost(index: number): ClusterNode {
  return node(index, { host: 'h1', status: { infrastructure: { incarnation: 1, phase: 'Failed', reason: 'RecordLost' } } });
}
