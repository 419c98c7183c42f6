/** Readiness from what the API shows, and how it is summed up. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Forecast } from '../../../src/decide/readiness-forecast.ts';
import { adviceOf, groupedForecasts, readinessFactsOf, readinessSentence } from '../../../src/decide/readiness-summary.ts';
import { cluster, readyNode, wasAvailable } from './fixtures.ts';

function instance(subject: string, more: Partial<Forecast> = {}): Forecast {
  const said = {
    failure: `an instance of ${subject}`,
    effect: `Clients of ${subject} notice nothing.`,
    because: `${subject} is ready on n0.`,
  };
  return { row: 'instance', subject, verdict: 'NoEffect', promised: true, ...said, ...more };
}

test('I1: what was not seen stays unknown', () => {
  const control = { directorAnswers: true };
  const seen = readinessFactsOf(cluster({ status: wasAvailable() }), {
    nodes: [readyNode(0), { ...readyNode(1), spec: { ...readyNode(1).spec, clusterUid: 'another' } }],
    hosts: undefined,
    dataCenters: [],
    releases: [],
    licenses: [],
    control,
  });
  assert.deepEqual([seen.hosts, seen.services, seen.virtualDataCenter, seen.syncGraceDays], [undefined, undefined, undefined, undefined]);
  assert.deepEqual([seen.nodes.length, seen.control], [1, control]);
});

test('I2: what is the same of several subjects is said once, in its order', () => {
  const outage = instance('web', { verdict: 'Outage', promised: false, remedy: 'Look.' });
  const grouped = groupedForecasts([instance('hello'), outage, instance('shop')]);
  assert.deepEqual(
    grouped.map(({ failure, because }) => [failure, because]),
    [
      ['an instance of hello and shop', 'it is ready on n0.'],
      ['an instance of web', 'web is ready on n0.'],
    ],
  );
  assert.equal(adviceOf(outage), 'Look.');
  assert.equal(adviceOf({ ...outage, promised: true, verdict: 'Degraded' }), undefined);
});

test('in a few words', () => {
  assert.equal(readinessSentence([instance('a')], 'None'), 'nothing would stop that should go on');
  assert.match(readinessSentence([instance('a', { verdict: 'Outage' })], 'None'), /failover None keeps running; 1 outage is as promised$/);
  assert.match(readinessSentence([instance('a', { verdict: 'Outage', promised: false })], 'None'), /^NOT READY: of 1 failures 1 would be/);
});
