/**
 * Probes of one pod.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { freshProbes, probe, probed, probePlansOf } from '../../../src/decide/service-probe.ts';
import type { Container } from '../../../src/model/pod.ts';

const timing = { initialDelaySeconds: 5, periodSeconds: 2, timeoutSeconds: 1, successThreshold: 2, failureThreshold: 3 };
const container: Container = {
  name: 'main',
  command: ['x'],
  args: [],
  env: [],
  ports: [],
  readinessProbe: { ...timing, tcpSocket: { port: 1 } },
  livenessProbe: { ...timing, tcpSocket: { port: 1 } },
};
const plans = probePlansOf(container);
const [readiness, liveness] = plans;
assert.ok(readiness !== undefined && liveness !== undefined);

describe('probes', () => {
  it('I1: none before the initial delay, and one question at a time', () => {
    const fresh = freshProbes(plans, 1000, 2000, false);
    assert.deepEqual([probe(fresh, plans, 5999).plans, probe(fresh, plans, 5999).wakeAtMs], [[], 6000]);
    const asked = probe(fresh, plans, 6000);
    assert.deepEqual([asked.plans.length, asked.wakeAtMs], [2, undefined]);
    assert.deepEqual(probe(asked.probes, plans, 60_000).plans, []);
    const answered = probed(asked.probes, readiness, true, 6100);
    assert.equal(probe(answered, plans, 6100).wakeAtMs, 8100);
    assert.equal(probed(answered, readiness, true, 6200), answered, 'an answer to no question');
  });

  it('I2: readiness turns after successThreshold and falls after failureThreshold; liveness begins alive', () => {
    let states = freshProbes(plans, 0, 10_000, false);
    const say = (plan: typeof readiness, ok: boolean): boolean | undefined => {
      states = probed(probe(states, plans, 10 ** 6).probes, plan, ok, 0);
      return states[plan.id]?.passed;
    };
    assert.deepEqual(
      [true, true, false, false, true, false, false, false].map((ok) => say(readiness, ok)),
      [false, true, true, true, true, true, true, false],
    );
    assert.deepEqual(
      [false, false, false].map((ok) => say(liveness, ok)),
      [true, true, false],
    );
    assert.equal(freshProbes(plans, 0, 0, true)[readiness.id]?.passed, true);
  });
});
