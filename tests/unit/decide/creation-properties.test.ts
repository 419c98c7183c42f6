/**
 * Creation for any state of the world: what no state may ever lead to.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { ClusterView, Decision } from '../../../src/decide/cluster-view.ts';
import { decideCluster } from '../../../src/decide/creation.ts';
import { isDestructive } from '../../../src/decide/effect.ts';
import type { Effect } from '../../../src/decide/effect.ts';
import type { ClusterStatus } from '../../../src/model/cluster.ts';
import { STEPS } from '../../../src/model/attempt.ts';
import { atStep, cluster, dataCenter, node, readyNode, release, reservations, seenFor, view, wasAvailable } from './fixtures.ts';

function kinds(decision: Decision): string[] {
  return decision.effects.map((effect) => effect.kind).filter((kind) => kind !== 'RecordEvent');
}

describe('creation, for any state of the world', () => {
  const nodes = fc.uniqueArray(
    fc.record({
      index: fc.integer({ min: 0, max: 3 }),
      attempt: fc.integer({ min: 1, max: 3 }),
      host: fc.option(fc.constantFrom('h1', 'h2'), { nil: undefined }),
      retired: fc.boolean(),
      deleted: fc.boolean(),
      machine: fc.constantFrom(undefined, 'Running', 'Gone', 'Failed'),
      agent: fc.constantFrom(undefined, 'Joined', 'Ready'),
    }),
    { selector: (one) => `${one.attempt}/${one.index}`, maxLength: 6 },
  );
  const worlds = fc.record({
    attempt: fc.integer({ min: 0, max: 3 }),
    abandoned: fc.integer({ min: 0, max: 3 }),
    available: fc.boolean(),
    failed: fc.boolean(),
    deleted: fc.boolean(),
    step: fc.constantFrom(...STEPS),
    live: fc.boolean(),
    workers: fc.integer({ min: 0, max: 3 }),
    autoRepairOnErrors: fc.boolean(),
    seenMs: fc.constantFrom(0, 20_000, 700_000),
    nodes,
  });
  type World = typeof worlds extends fc.Arbitrary<infer W> ? W : never;

  function viewOf(world: World): ClusterView {
    const abandoned = Math.min(world.abandoned, world.available ? world.attempt - 1 : world.attempt);
    const status: ClusterStatus =
      world.attempt === 0
        ? {}
        : {
            ...atStep(world.step, world.attempt),
            ...(abandoned > 0 ? { abandonedAttempt: abandoned } : {}),
            ...(world.available ? wasAvailable({ attempt: world.attempt }) : {}),
          };
    const record = status.attempts?.[0];
    if (world.failed && record !== undefined && !world.available) record.outcome = 'Failed';
    const built = world.nodes.map((one) =>
      node(one.index, {
        attempt: one.attempt,
        retired: one.retired,
        deleted: one.deleted,
        ...(one.host === undefined ? {} : { host: one.host }),
        status: {
          ...(one.machine === undefined ? {} : { infrastructure: { incarnation: 1, phase: one.machine } }),
          ...(one.agent === undefined ? {} : { agent: { incarnation: 1, phase: one.agent } }),
        },
      }),
    );
    const change = {
      live: world.live,
      cluster: cluster({ status, deleted: world.deleted, spec: { workers: world.workers, autoRepairOnErrors: world.autoRepairOnErrors } }),
      nodes: built,
      virtualDataCenter: dataCenter({ reservations: reservations([0, 1]) }),
    };
    const keys = decideCluster(view(change)).watching;
    return view({ ...change, afterMs: world.seenMs, seen: seenFor(keys, world.seenMs, world.seenMs) });
  }

  const destroys = (effects: readonly Effect[]): Effect[] => effects.filter(isDestructive);

  it('I3: a cached view never yields a destructive effect, and the write that abandons stands alone', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const decision = decideCluster(viewOf(world));
        if (!world.live) assert.deepEqual(destroys(decision.effects), []);
        const abandons = decision.effects.some((effect) => effect.kind === 'PatchClusterStatus' && 'abandonedAttempt' in effect.status);
        if (abandons) assert.deepEqual(kinds(decision), ['PatchClusterStatus']);
      }),
    );
  });

  it('I2 I4 I8: what is deleted is licensed by the state read; an available cluster loses only what was abandoned before or retired; no fact is taken back', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const at = viewOf(world);
        const status = at.cluster.status ?? {};
        for (const effect of decideCluster(at).effects) {
          if (effect.kind === 'DeleteNode') {
            const target = at.nodes.find((one) => one.metadata.uid === effect.on.uid);
            const licensed =
              world.deleted || (status.abandonedAttempt ?? 0) >= (target?.spec.attempt ?? 99) || target?.spec.retired === true;
            assert.ok(licensed, `unlicensed deletion of ${effect.on.name}`);
            if (status.availableAt !== undefined && !world.deleted)
              assert.ok((target?.spec.attempt ?? 99) < (status.attempt ?? 0) || target?.spec.retired === true);
          }
          if (effect.kind === 'PatchClusterStatus') {
            const next = effect.status as ClusterStatus;
            if (status.availableAt !== undefined)
              assert.ok(!('availableAt' in next) && !('abandonedAttempt' in next) && !('attempt' in next));
            if (next.abandonedAttempt !== undefined) assert.ok(next.abandonedAttempt > (status.abandonedAttempt ?? 0));
            if (next.attempt !== undefined) assert.ok(next.attempt === (status.attempt ?? 0) + 1 || next.attempt === status.attempt);
            assert.ok((next.attempts?.length ?? 0) <= 20);
          }
          if (effect.kind === 'CreateNode') assert.equal(effect.node.spec.attempt, status.attempt ?? 1);
        }
      }),
    );
  });

  it('I1: a node is created only for the committed attempt, never for one that is abandoned', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const at = viewOf(world);
        const { attempt = 0, abandonedAttempt = 0 } = at.cluster.status ?? {};
        const { effects } = decideCluster(at);
        // Effects are carried out in order and the first that fails ends the pass: a patch before counts as committed.
        const [first] = effects;
        const begun = first?.kind === 'PatchClusterStatus' ? (first.status as ClusterStatus).attempt : undefined;
        for (const effect of effects) {
          if (effect.kind !== 'CreateNode') continue;
          assert.equal(effect.node.spec.attempt, begun ?? attempt);
          assert.ok(effect.node.spec.attempt > abandonedAttempt);
        }
      }),
    );
  });

  it('releases of other names do not matter to what is already available', () => {
    const decision = decideCluster(
      view({ cluster: cluster({ status: wasAvailable() }), nodes: [readyNode(0), readyNode(1)], release: release([]) }),
    );
    assert.deepEqual(decision.effects, []);
  });
});
