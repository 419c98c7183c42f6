/**
 * Held words: what may wait a moment, what may not, and for how long.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ClusterView, Decision } from '../../../src/decide/cluster-view.ts';
import { decideCluster } from '../../../src/decide/creation.ts';
import { unclaimedHold, wordsHold } from '../../../src/decide/held-words.ts';
import type { ClusterStatus } from '../../../src/model/cluster.ts';
import { LIMITS } from '../../../src/model/limits.ts';
import { atStep, cluster, dataCenter, node, reservations, seenFor, view } from './fixtures.ts';

const virtualDataCenter = dataCenter({ reservations: reservations([0, 1]) });

function statusOf({ effects }: Decision): ClusterStatus | undefined {
  const write = effects.find((effect) => effect.kind === 'PatchClusterStatus');
  return write?.kind === 'PatchClusterStatus' ? write.status : undefined;
}

/** A cluster whose status says what it says once a host has taken the primary. */
function taken(): ClusterStatus {
  const first = decideCluster(
    view({ cluster: cluster({ status: atStep('CreatePrimary') }), virtualDataCenter, nodes: [node(0, { host: 'h1' })] }),
  );
  return { ...atStep('CreatePrimary'), ...statusOf(first) };
}

const starting = (phase: 'Starting' | 'Running') =>
  node(0, { host: 'h1', status: { infrastructure: { incarnation: 1, phase, address: '10.0.0.1' } } });

function at(status: ClusterStatus, nodes: ClusterView['nodes'], seen: readonly string[] = [], seenForMs = 0): Decision {
  const more = seen.length === 0 ? {} : { afterMs: seenForMs, seen: seenFor(seen, seenForMs, seenForMs) };
  return decideCluster(view({ cluster: cluster({ status }), virtualDataCenter, nodes, ...more }));
}

describe('held words', () => {
  it('I1: a write that brings a new sentence alone is held back, and looked at again when it may not wait longer', () => {
    const decision = at(taken(), [starting('Running')]);
    assert.equal(statusOf(decision), undefined);
    assert.ok(decision.watching.some((key) => key.startsWith('words/')));
    assert.ok((decision.requeueAfterMs ?? Infinity) <= LIMITS.wordsHeldMs);
  });

  it('I2: what was out of date for as long as words may wait is written, and says what holds now', () => {
    const status = taken();
    const first = at(status, [starting('Starting')]);
    const second = at(status, [starting('Running')], first.watching, LIMITS.wordsHeldMs - 1);
    assert.equal(statusOf(second), undefined, 'not yet');
    const third = at(status, [starting('Running')], first.watching, LIMITS.wordsHeldMs);
    assert.match(statusOf(third)?.attempts?.[0]?.waits ?? '', /machine Running/);
  });

  it('I1: facts are written at once: a step, a reason, what the attempt stands for, its log', () => {
    const shown = taken();
    const patch = (status: ClusterStatus) =>
      wordsHold(view({ cluster: cluster({ status: shown }) }), [
        { kind: 'PatchClusterStatus', on: { kind: 'Cluster', namespace: 'n', name: 'c', uid: 'u', resourceVersion: '1' } as never, status },
      ]);
    const [attempt] = shown.attempts ?? [];
    assert.ok(attempt !== undefined);
    assert.ok(patch({ attempts: [{ ...attempt, waits: 'waits for something else' }] }) !== undefined);
    assert.equal(patch({ attempts: [{ ...attempt, step: 'WorkersJoined' }] }), undefined);
    assert.equal(patch({ attempts: [{ ...attempt, waitingFor: 'Host' }] }), undefined);
    assert.equal(patch({ attempts: [{ ...attempt, log: [...(attempt.log ?? []), 'more'] }] }), undefined);
    const conditions = (shown.conditions ?? []).map((one) => ({ ...one, message: 'Other words.' }));
    assert.ok(patch({ conditions }) !== undefined);
    assert.equal(patch({ conditions: conditions.map((one) => ({ ...one, reason: 'Provisioning' })) }), undefined);
    assert.equal(patch({ phase: 'Error' }), undefined);
  });

  it('I3: that no host takes a node is said only after it was seen for a while, and then at once', () => {
    const status = { ...atStep('PrimaryReady') };
    const early = at(status, [node(0)]);
    assert.equal(statusOf(early)?.attempts?.[0]?.waitingFor, undefined);
    assert.ok((early.requeueAfterMs ?? Infinity) <= LIMITS.wordsHeldMs);
    const key = early.watching.find((one) => one.startsWith('unclaimed/'));
    assert.ok(key !== undefined);
    const late = at(status, [node(0)], early.watching, LIMITS.wordsHeldMs);
    assert.equal(statusOf(late)?.attempts?.[0]?.waitingFor, 'Host');
    assert.match(statusOf(late)?.attempts?.[0]?.waits ?? '', /none of .* did/);
    const [record] = atStep('PrimaryReady').attempts ?? [];
    assert.ok(record !== undefined);
    const pending = { state: 'Wait', waitingFor: 'Host', reason: 'NoCapacity', message: 'waits: long' } as const;
    assert.equal(unclaimedHold(view({}), { ...record, waitingFor: 'Host' }, pending), undefined, 'what was said stays said');
  });
});
