/**
 * What one write changed in the record of attempts, told once each.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { attemptNews, ATTEMPT_NEWS_NONE } from '../../../src/decide/attempt-news.ts';
import type { Attempt } from '../../../src/model/attempt.ts';
import type { Cluster } from '../../../src/model/cluster.ts';

const AT = '2026-01-01T00:00:00Z';

function cluster(attempts: readonly Partial<Attempt>[], uid = 'u1'): Cluster {
  const metadata = { name: 'harbor', namespace: 'demo', uid, resourceVersion: '1', creationTimestamp: AT };
  const whole = attempts.map((one) => ({ startedAt: AT, steps: [], ...one }));
  return { apiVersion: 'outrigger.dev/v1', kind: 'Cluster', metadata, spec: {}, status: { attempts: whole } } as unknown as Cluster;
}

function step(name: string): Attempt['steps'][number] {
  return { name, startedAt: AT, endedAt: AT } as Attempt['steps'][number];
}

test('an attempt that begins, its steps and its end are told once', () => {
  const begun = cluster([{ number: 1 }]);
  assert.equal(attemptNews(cluster([]), begun).begun, 1);
  const stepped = cluster([{ number: 1, steps: [step('Validate'), step('CreatePrimary')] }]);
  assert.deepEqual(
    attemptNews(begun, stepped).steps.map(({ name, attempt }) => [name, attempt]),
    [
      ['Validate', 1],
      ['CreatePrimary', 1],
    ],
  );
  const failed = cluster([
    { number: 1, steps: [step('Validate'), step('CreatePrimary')], endedAt: AT, outcome: 'Failed', cause: 'NewAttempt' },
  ]);
  assert.deepEqual(
    attemptNews(stepped, failed).ended.map(({ outcome, cause }) => [outcome, cause]),
    [['Failed', 'NewAttempt']],
  );
});

test('I1: nothing is told twice, nor of another cluster of that name, nor of what was dropped from the record', () => {
  const one = cluster([{ number: 4, steps: [step('Validate')], endedAt: AT }]);
  assert.equal(attemptNews(one, one), ATTEMPT_NEWS_NONE);
  assert.equal(attemptNews(one, cluster([{ number: 4, steps: [step('Validate')], endedAt: AT, message: 'more' }])), ATTEMPT_NEWS_NONE);
  assert.equal(attemptNews(cluster([]), cluster([{ number: 1 }], 'u2')), ATTEMPT_NEWS_NONE);
  assert.equal(
    attemptNews(
      one,
      cluster([
        { number: 1, steps: [step('Validate')], endedAt: AT },
        { number: 4, steps: [step('Validate')], endedAt: AT },
      ]),
    ),
    ATTEMPT_NEWS_NONE,
  );
});
