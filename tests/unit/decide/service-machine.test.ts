/**
 * Supervision of one service, against a small runtime that can do everything a real one can: fail, be slow, lose pods, hold foreign ones.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { initialService, isServiceGone, serviceReportOf, stepService } from '../../../src/decide/service-machine.ts';
import type { Desired, ListedPod, ServiceEffect, ServiceEvent, ServiceState } from '../../../src/decide/service-machine.ts';
import type { ProbePlan } from '../../../src/decide/service-probe.ts';
import { LIMITS } from '../../../src/model/limits.ts';

const readiness: ProbePlan = {
  id: 'main/readiness',
  container: 'main',
  kind: 'readiness',
  initialDelayMs: 0,
  periodMs: 1000,
  timeoutMs: 1000,
  successThreshold: 1,
  failureThreshold: 3,
};
const liveness: ProbePlan = { ...readiness, id: 'main/liveness', kind: 'liveness' };

function desired(hash: string, more: Partial<Desired> = {}): Desired {
  return { hash, restartPolicy: 'Always', graceMs: 5000, drainMs: 0, probes: [], ...more };
}

/** A machine with its runtime. Operations are answered by `answer`, so that tests can look in between. */
class Bench {
  state: ServiceState;
  nowMs = 1_000_000;
  wakeAtMs: number | undefined;
  pods = new Map<string, ListedPod>();
  open: ServiceEffect[] = [];
  done: string[] = [];

  constructor(remembered?: { hash: string; ready: boolean }) {
    this.state = initialService(remembered);
  }

  send(event: ServiceEvent, dice = 0): this {
    const step = stepService(this.state, event, this.nowMs, dice);
    this.state = step.state;
    this.wakeAtMs = step.wakeAtMs;
    for (const effect of step.effects) {
      this.open.push(effect);
      this.done.push(
        effect.kind === 'ListPods'
          ? 'List'
          : effect.kind === 'Probe'
            ? `Probe ${effect.plan.kind}`
            : `${effect.kind.replace('Pod', '')} ${effect.hash}`,
      );
    }
    assert.ok(this.open.filter((effect) => effect.kind !== 'Probe').length <= 1, 'I2: two operations at once');
    return this;
  }

  answer(ok = true, probes = true): this {
    for (;;) {
      const effect = this.open.shift();
      if (effect === undefined) return this;
      this.send(this.carryOut(effect, ok, probes));
    }
  }

  carryOut(effect: ServiceEffect, ok: boolean, probes: boolean): ServiceEvent {
    if (effect.kind === 'Probe') return { type: 'Probed', instance: effect.instance, id: effect.plan.id, ok: probes };
    if (effect.kind === 'ListPods')
      return ok ? { type: 'PodsListed', pods: [...this.pods.values()] } : { type: 'ListFailed', message: 'no' };
    if (effect.kind === 'StartPod') {
      if (!ok) return { type: 'StartFailed', message: 'no' };
      assert.deepEqual(this.living(), [], 'I1: a start while a pod lives');
      this.pods.set(effect.hash, { hash: effect.hash, phase: 'Running', startedMs: this.nowMs });
      return { type: 'Started' };
    }
    if (effect.kind === 'StopPod') {
      if (!ok) return { type: 'StopFailed', message: 'no' };
      this.exit(effect.hash, null);
      return { type: 'Stopped' };
    }
    if (!ok) return { type: 'RemoveFailed', message: 'no' };
    this.pods.delete(effect.hash);
    return { type: 'Removed' };
  }

  exit(hash: string, exitCode: number | null): this {
    const pod = this.pods.get(hash);
    if (pod?.phase === 'Running') this.pods.set(hash, { hash, phase: 'Exited', exitCode, ranMs: this.nowMs - pod.startedMs });
    return this;
  }

  /** A death that the runtime notices at once. */
  die(hash: string, exitCode: number | null = 1): this {
    return this.exit(hash, exitCode).send({ type: 'Hint' }).answer();
  }

  tick(ms: number): this {
    this.nowMs += ms;
    return this.send({ type: 'Tick' }).answer();
  }

  /** Lets time pass from wake-up to wake-up. */
  run(ms: number): this {
    const untilMs = this.nowMs + ms;
    for (let guard = 0; guard < 10_000; guard++) {
      this.answer();
      const at = this.wakeAtMs ?? Infinity;
      if (at > untilMs) break;
      this.nowMs = Math.max(this.nowMs, at);
      this.send({ type: 'Tick' });
    }
    this.nowMs = untilMs;
    return this.send({ type: 'Tick' }).answer();
  }

  living(): string[] {
    return [...this.pods.values()].filter((pod) => pod.phase === 'Running').map((pod) => pod.hash);
  }

  report(): string {
    const report = serviceReportOf(this.state, this.nowMs);
    return report === undefined ? 'unknown' : `${report.phase}${report.ready ? ' ready' : ''}`;
  }
}

describe('service machine', () => {
  it('I1: looks before it starts', () => {
    const bench = new Bench().send({ type: 'Want', desired: desired('a') });
    assert.deepEqual([bench.done, bench.report()], [['List'], 'unknown']);
    bench.answer();
    assert.deepEqual([bench.done, bench.living(), bench.report()], [['List', 'Start a'], ['a'], 'Running ready']);
  });

  it('I2: an operation ends by its answer alone; what comes meanwhile is dealt with afterwards', () => {
    const bench = new Bench().send({ type: 'Want', desired: desired('a') });
    bench
      .send({ type: 'Want', desired: desired('b') })
      .send({ type: 'Hint' })
      .tick(0);
    assert.deepEqual(bench.living(), ['b']);
    assert.equal(bench.done.filter((one) => one.startsWith('Start')).length, 1);
    bench.send({ type: 'Started' }).send({ type: 'Stopped' }).send({ type: 'Removed' });
    assert.deepEqual(bench.living(), ['b']);
  });

  it('I3: restarts the dead at once, then waits longer and longer, and anew after a long run', () => {
    const bench = new Bench().send({ type: 'Want', desired: desired('a') }).answer();
    bench.die('a');
    assert.deepEqual(bench.living(), ['a'], 'the first death is restarted at once');
    const waits: number[] = [];
    for (let death = 0; death < 9; death++) {
      bench.die('a');
      assert.equal(bench.report(), 'BackOff');
      waits.push((bench.wakeAtMs ?? 0) - bench.nowMs);
      bench.tick(waits.at(-1) ?? 0);
      assert.deepEqual(bench.living(), ['a']);
    }
    assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
    bench.run(LIMITS.podRestartResetMs).die('a');
    assert.deepEqual(bench.living(), ['a']);
    assert.equal(serviceReportOf(bench.state, bench.nowMs)?.restarts, 11);
  });

  it('I3: notices a death without a hint within the relist period', () => {
    const bench = new Bench()
      .send({ type: 'Want', desired: desired('a') })
      .answer()
      .exit('a', 1)
      .run(LIMITS.podRelistMs);
    assert.deepEqual(bench.living(), ['a']);
  });

  it('I3: a failing runtime is met with back-off, never with a spin', () => {
    const bench = new Bench().send({ type: 'Want', desired: desired('a') });
    for (let round = 0; round < 20; round++) bench.answer(false).tick(10);
    assert.ok(bench.done.length < 10, bench.done.join());
  });

  it('I4: ready only while its probes pass', () => {
    const bench = new Bench().send({ type: 'Want', desired: desired('a', { probes: [readiness] }) });
    bench.answer(true, false);
    assert.equal(bench.report(), 'Running');
    bench.tick(1000);
    assert.equal(bench.report(), 'Running ready');
    for (const expected of ['Running ready', 'Running ready', 'Running']) {
      bench.nowMs += 1000;
      bench.send({ type: 'Tick' }).answer(true, false);
      assert.equal(bench.report(), expected);
    }
  });

  it('I4: a late answer about an earlier pod is not believed', () => {
    const bench = new Bench().send({ type: 'Want', desired: desired('a', { probes: [readiness] }) });
    bench.answer(true, false).die('a', 1);
    const { instance } = bench.state;
    bench.send({ type: 'Probed', instance: instance - 1, id: readiness.id, ok: true });
    const fresh = new Bench().send({ type: 'Want', desired: desired('a', { probes: [readiness] }) }).answer(true, false);
    fresh.send({ type: 'Probed', instance: 0, id: readiness.id, ok: true });
    assert.equal(fresh.report(), 'Running');
  });

  it('a failing liveness probe stops the pod, which counts as a death', () => {
    const bench = new Bench().send({ type: 'Want', desired: desired('a', { probes: [liveness] }) }).answer();
    for (let failure = 0; failure < 3; failure++) {
      bench.nowMs += 1000;
      bench.send({ type: 'Tick' }).answer(true, false);
    }
    assert.ok(bench.done.includes('Stop a'));
    assert.deepEqual([bench.living(), serviceReportOf(bench.state, bench.nowMs)?.restarts], [['a'], 1]);
    assert.equal(bench.run(5000).report(), 'Running ready', 'the killed one is not held against its successor');
  });

  it('I5: replaces by draining, stopping and removing before it starts', () => {
    const bench = new Bench().send({ type: 'Want', desired: desired('a', { drainMs: 3000, graceMs: 7000 }) }).answer();
    bench.send({ type: 'Want', desired: desired('b') }).answer();
    assert.deepEqual([bench.living(), bench.report()], [['a'], 'Stopping']);
    bench.tick(2999);
    assert.deepEqual(bench.living(), ['a']);
    bench.nowMs += 1;
    bench.send({ type: 'Tick' });
    assert.deepEqual(bench.open, [{ kind: 'StopPod', hash: 'a', graceMs: 7000 }]);
    bench.answer();
    assert.deepEqual([bench.living(), bench.done.slice(2)], [['b'], ['Stop a', 'List', 'Remove a', 'Start b']]);
    assert.equal(serviceReportOf(bench.state, bench.nowMs)?.restarts, 0, 'a replacement is no restart');
  });

  it('I5: going back to the old template while it drains keeps the pod', () => {
    const bench = new Bench().send({ type: 'Want', desired: desired('a', { drainMs: 3000 }) }).answer();
    bench
      .send({ type: 'Want', desired: desired('b') })
      .answer()
      .send({ type: 'Want', desired: desired('a', { drainMs: 3000 }) })
      .run(5000);
    assert.deepEqual([bench.living(), bench.report(), bench.done.includes('Stop a')], [['a'], 'Running ready', false]);
  });

  it('I5: after a crash of the agent the wanted pod is kept, still ready, and a foreign one goes first', () => {
    const kept = new Bench({ hash: 'a', ready: true });
    kept.pods.set('a', { hash: 'a', phase: 'Running', startedMs: 1 });
    kept.send({ type: 'Want', desired: desired('a', { probes: [readiness] }) });
    kept.send({ type: 'PodsListed', pods: [...kept.pods.values()] });
    assert.equal(kept.report(), 'Running ready');
    const foreign = new Bench({ hash: 'old', ready: true });
    foreign.pods.set('old', { hash: 'old', phase: 'Running', startedMs: 1 });
    foreign.pods.set('older', { hash: 'older', phase: 'Exited', exitCode: 1, ranMs: 5 });
    foreign.send({ type: 'Want', desired: desired('b') }).answer();
    assert.deepEqual(foreign.living(), ['old']);
    foreign.run(LIMITS.podDrainMs);
    assert.deepEqual([foreign.living(), [...foreign.pods.keys()]], [['b'], ['b']]);
  });

  it('I6: Never is not started again, OnFailure only after a failure, until the hash changes', () => {
    for (const [restartPolicy, exitCode, again] of [
      ['Never', 1, false],
      ['Never', 0, false],
      ['OnFailure', 0, false],
      ['OnFailure', 1, true],
      ['Always', 0, true],
    ] as const) {
      const bench = new Bench().send({ type: 'Want', desired: desired('a', { restartPolicy }) }).answer();
      bench.die('a', exitCode).run(60_000);
      assert.equal(bench.living().length === 1, again, `${restartPolicy} after ${exitCode}`);
      if (!again) assert.equal(bench.report(), exitCode === 0 ? 'Stopped' : 'Failed');
      // A new life of the agent must not run it again either.
      const reborn = new Bench();
      reborn.pods = bench.pods;
      reborn.send({ type: 'Want', desired: desired('a', { restartPolicy }) }).run(60_000);
      assert.equal(reborn.living().length === 1, again);
      reborn.send({ type: 'Want', desired: desired('b', { restartPolicy }) }).run(60_000);
      assert.deepEqual([reborn.living(), [...reborn.pods.keys()]], [['b'], ['b']]);
    }
  });

  it('I7: what is not wanted is drained, stopped and removed, and nothing is started', () => {
    const bench = new Bench().send({ type: 'Want', desired: desired('a', { drainMs: 3000 }) }).answer();
    bench.send({ type: 'Want', desired: undefined }).answer();
    assert.equal(bench.report(), 'Stopping');
    bench.run(3000);
    assert.deepEqual([bench.pods.size, isServiceGone(bench.state), bench.report()], [0, true, 'Stopped']);
  });

  it('I1 I2: whatever happens, at most one pod lives, and left alone the wanted one runs', () => {
    const events = fc.array(
      fc.oneof(
        fc.record({ do: fc.constant('want' as const), hash: fc.constantFrom('a', 'b', undefined) }),
        fc.record({ do: fc.constant('exit' as const), hash: fc.constantFrom('a', 'b'), code: fc.constantFrom(0, 1, null) }),
        fc.record({ do: fc.constant('answer' as const), ok: fc.boolean(), probes: fc.boolean() }),
        fc.record({ do: fc.constant('one' as const), ok: fc.boolean(), probes: fc.boolean() }),
        fc.record({ do: fc.constant('tick' as const), ms: fc.constantFrom(0, 400, 3000, 11_000) }),
        fc.constant({ do: 'hint' as const }),
        fc.constant({ do: 'crash' as const }),
      ),
      { maxLength: 60 },
    );
    const full = (hash: string): Desired => desired(hash, { probes: [readiness, liveness], drainMs: 1000 });
    fc.assert(
      fc.property(events, (list) => {
        let bench = new Bench().send({ type: 'Want', desired: full('a') });
        for (const event of list) {
          if (event.do === 'want') bench.send({ type: 'Want', desired: event.hash === undefined ? undefined : full(event.hash) });
          else if (event.do === 'exit') bench.exit(event.hash, event.code);
          else if (event.do === 'answer') bench.answer(event.ok, event.probes);
          else if (event.do === 'tick') {
            bench.nowMs += event.ms;
            bench.send({ type: 'Tick' });
          } else if (event.do === 'hint') bench.send({ type: 'Hint' });
          else if (event.do === 'one') {
            const effect = bench.open.shift();
            if (effect !== undefined) bench.send(bench.carryOut(effect, event.ok, event.probes));
          } else {
            const reborn = new Bench();
            reborn.pods = bench.pods;
            reborn.nowMs = bench.nowMs;
            bench = reborn.send({ type: 'Want', desired: full('a') });
          }
          assert.ok(bench.living().length <= 1);
        }
        bench.send({ type: 'Want', desired: full('b') }).run(120_000);
        assert.deepEqual([bench.living(), [...bench.pods.keys()], bench.report()], [['b'], ['b'], 'Running ready']);
      }),
      { numRuns: 300 },
    );
  });
});
