/** What of a cluster needs a person, and what does not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concernsOf } from '../../../src/decide/attention.ts';
import type { Cluster, ClusterStatus } from '../../../src/model/cluster.ts';
import type { Condition, ConditionReason, ConditionType } from '../../../src/model/condition.ts';
import { atStep, cluster, wasAvailable } from './fixtures.ts';

function condition(type: ConditionType, status: Condition['status'], reason: ConditionReason, message: string): Condition {
  return { type, status, reason, message, lastTransitionTime: '2030-01-01T00:00:00Z' };
}

function said(status: ClusterStatus, more: Partial<Cluster['spec']> = {}): readonly string[] {
  return concernsOf(cluster({ status, spec: more })).map(({ gravity, message }) => `${gravity}: ${message}`);
}

test('I1: nobody is needed where all is as asked, or on its way', () => {
  assert.deepEqual(said(wasAvailable({ phase: 'Available', conditions: [condition('Progressing', 'False', 'Available', 'Fine.')] })), []);
  assert.deepEqual(said(atStep('PrimaryReady', 1, { phase: 'Provisioning' })), []);
  assert.deepEqual(
    said(wasAvailable({ phase: 'Available', conditions: [condition('Progressing', 'True', 'Provisioning', '1 of 2.')] })),
    [],
  );
  const one = wasAvailable({ phase: 'Available', conditions: [condition('Redundant', 'False', 'NotRedundant', 'There is one node.')] });
  assert.deepEqual(said(one, { workers: 0 }), [], 'one node was asked for');
});

test('I1: a node that is away for a change or a drill needs nobody; what is not served does', () => {
  const away = (reason: ConditionReason, ready: Condition['status'] = 'True'): ClusterStatus =>
    wasAvailable({
      phase: 'Degraded',
      conditions: [condition('Ready', ready, 'NotRedundant', 'n1 is away.'), condition('Progressing', 'True', reason, '1 of 2.')],
    });
  assert.deepEqual(said(away('Upgrading')), []);
  assert.deepEqual(said(away('RollingBack')), ['Soon: n1 is away.']);
  assert.deepEqual(said(away('Upgrading', 'False')), ['Broken: n1 is away.']);
  assert.deepEqual(concernsOf(cluster({ status: away('RollingBack') }), true), []);
});

test('I2: what is broken comes before what will be, each once', () => {
  const status = wasAvailable({
    phase: 'Degraded',
    conditions: [
      condition('Ready', 'True', 'NotRedundant', 'n1 is away.'),
      condition('Redundant', 'False', 'NotRedundant', 'hello 1/2.'),
      condition('Progressing', 'False', 'ReleaseNotFound', 'There is no 2.0.0.'),
      condition('Reachable', 'False', 'Silent', 'Nothing is heard.'),
    ],
    release: { rolledBack: { release: '1.1.0', generation: 3, time: '2030-01-01T00:00:00Z', message: 'n1 did not come up.' } },
    license: { state: 'SyncGrace', severity: 'Warning', message: 'No sync.', daysLeft: 14 },
  });
  assert.deepEqual(said(status), [
    'Broken: Nothing is heard.',
    'Broken: There is no 2.0.0.',
    'Broken: The change to 1.1.0 was taken back: n1 did not come up.',
    'Soon: n1 is away.',
    'Soon: No sync.',
  ]);
});

test('a license is spoken of when it ends soon or refuses', () => {
  const license = (more: Partial<NonNullable<ClusterStatus['license']>>): readonly string[] =>
    said(wasAvailable({ phase: 'Available', license: { state: 'Active', severity: 'Success', message: 'M.', ...more } }));
  assert.deepEqual(license({ daysLeft: 15 }), []);
  assert.deepEqual(license({ daysLeft: 14 }), ['Soon: M.']);
  assert.deepEqual(license({ refusesNewSessions: true }), ['Broken: M.']);
});

test('creation that waits for people, a site that is not paired, a deletion that stands', () => {
  const waiting = atStep('CreatePrimary');
  const [attempt] = waiting.attempts ?? [];
  assert.ok(attempt);
  assert.deepEqual(said({ ...waiting, attempts: [{ ...attempt, waitingFor: 'Host', message: 'No host.' }] }), ['Broken: No host.']);
  const unpaired = wasAvailable({ phase: 'Available', conditions: [condition('Paired', 'False', 'PairingFailed', 'Wrong password.')] });
  assert.deepEqual(said(unpaired, { site: 's' }), ['Broken: Wrong password.']);
  assert.deepEqual(said(unpaired), [], 'it has no site');
  const stuck = cluster({ deleted: true, status: { errorSet: [{ time: '2030-01-01T00:00:00Z', reason: 'x', message: 'h1 is silent.' }] } });
  assert.deepEqual(concernsOf(stuck), [{ gravity: 'Broken', message: 'h1 is silent.' }]);
});
