/** `outrigger status --readiness` for people, and its exit code. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readinessExit, renderReadiness } from '../../../src/cli/status/readiness.ts';
import { watchServers } from '../../../src/cli/status/servers.ts';
import type { Forecast } from '../../../src/decide/readiness-forecast.ts';
import type { EntityApi } from '../../../src/ports/api.ts';
import type { Clock } from '../../../src/ports/clock.ts';

function instance(subject: string, more: Partial<Forecast> = {}): Forecast {
  return {
    row: 'instance',
    subject,
    failure: `an instance of ${subject}`,
    verdict: 'NoEffect',
    promised: true,
    effect: `Clients of ${subject} notice nothing.`,
    because: 'It is ready on n0 and n1.',
    ...more,
  };
}

test('what is the same of several services is said once; what is worse than promised is marked, with what to do', () => {
  const outage = instance('a-service-with-a-name-that-is-longer-than-its-column', {
    verdict: 'Outage',
    promised: false,
    because: 'It is ready on n0 alone. '.repeat(6),
    remedy: 'Look at the logs.',
  });
  const text = renderReadiness([
    { cluster: 'demo/harbor', from: 'node', failover: 'None', ready: false, forecasts: [instance('web'), instance('api'), outage] },
  ]);
  assert.match(text, /^✖ demo\/harbor, as its nodes on this machine know it: NOT READY: of 3 failures 1 would be worse than promised$/m);
  assert.match(text, /^an instance of web and api +no effect\. Clients of it notice nothing\. +It is ready/m);
  assert.match(text, /^! an instance of +OUTAGE\. Clients/m);
  assert.match(text, /→ Look at the logs\./);
  for (const line of text.split('\n')) assert.ok(line.length <= 120, line);
});

test('0 when nothing would stop that should go on, else 1', () => {
  const one = { cluster: 'a', from: 'director', failover: 'None', ready: true, forecasts: [] } as const;
  assert.equal(readinessExit([one]), 0);
  assert.equal(readinessExit([one, { ...one, ready: false }]), 1);
  assert.match(renderReadiness([one]), /is being deleted/);
});

test('outages that are promised are counted in the first line', () => {
  const one = { cluster: 'a', from: 'director', failover: 'None', ready: true } as const;
  assert.match(renderReadiness([{ ...one, forecasts: [instance('web')] }]), /^✔ a: nothing would stop that should go on$/m);
  const promised = instance('primary', { verdict: 'Outage' });
  assert.match(
    renderReadiness([{ ...one, forecasts: [instance('web'), promised] }]),
    /^✔ a: nothing would stop that spec\.availability\.failover None keeps running; 1 outage is as promised$/m,
  );
});

test('an extension server lives when it is seen to renew; a Lease that lies there proves nothing', async () => {
  let nowMs = 0;
  let revision = 1;
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs, sleep: (ms: number) => Promise.resolve(void (nowMs += ms)) } as Clock;
  const lease = (server: string, resourceVersion: string): object => ({
    metadata: { name: `extension-${server}`, resourceVersion, annotations: { 'outrigger.dev/obeys': `${server}@3` } },
    spec: { holderIdentity: 'x' },
  });
  const list = (): Promise<object> => {
    revision += 1;
    return Promise.resolve({ ok: true, value: { items: [lease('one', String(revision)), lease('dead', '7')] } });
  };
  const found = await watchServers({ api: { list } as unknown as EntityApi, clock }, new AbortController().signal);
  assert.deepEqual(found, { live: ['one'], silent: ['dead'], obeys: new Map([['one', 'one@3']]) });
  const refuse = (): Promise<object> => Promise.resolve({ ok: false, reason: 'Forbidden', message: 'no' });
  assert.equal(await watchServers({ api: { list: refuse } as unknown as EntityApi, clock }, new AbortController().signal), undefined);
});
