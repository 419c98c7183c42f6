/**
 * Parts are kept alive, and given up only when that is hopeless. In virtual time.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FRESH_PART, afterEnd } from '../../../src/cli/up/restart.ts';
import { supervise } from '../../../src/cli/up/supervisor.ts';
import type { Part, PartEvent, RunningPart } from '../../../src/cli/up/supervisor.ts';
import { Fault, isFault } from '../../../src/model/fault.ts';
import type { ProcessExit } from '../../../src/ports/processes.ts';
import { virtualClock } from '../../support/virtual-clock.ts';

const KILLED: ProcessExit = { exitCode: null, signal: 'SIGKILL' };
const FAILED: ProcessExit = { exitCode: 1, signal: null };

describe('restart', () => {
  test('I1: the first restart comes within a second, later ones ever later, up to a cap', () => {
    let history = { ...FRESH_PART, wasReady: true };
    const delays: number[] = [];
    for (let i = 0; i < 12; i++) {
      const decision = afterEnd(history, { exit: KILLED, ranMs: 10, ready: true }, 0);
      assert.equal(decision.action, 'restart');
      if (decision.action !== 'restart') return;
      delays.push(decision.afterMs);
      history = decision.history;
    }
    assert.ok(delays[0]! <= 1000, `first after ${delays[0]} ms`);
    assert.deepEqual(
      delays,
      delays.toSorted((a, b) => a - b),
    );
    assert.equal(delays.at(-1), 5_000);
  });

  test('I1: a part that ran long is started again at once', () => {
    const decision = afterEnd({ failures: 9, wasReady: true }, { exit: KILLED, ranMs: 60_000, ready: true }, 0);
    assert.deepEqual(decision, { action: 'restart', afterMs: 200, history: { failures: 1, wasReady: true } });
  });

  test('I2: never given up once it was ready; before that after three starts, or at once when it is hopeless', () => {
    const end = { exit: FAILED, ranMs: 10, ready: false };
    assert.equal(afterEnd({ failures: 50, wasReady: true }, end, 0).action, 'restart');
    assert.equal(afterEnd({ failures: 1, wasReady: false }, end, 0).action, 'restart');
    assert.equal(afterEnd({ failures: 2, wasReady: false }, end, 0).action, 'giveUp');
    assert.equal(afterEnd(FRESH_PART, { ...end, exit: { exitCode: 2, signal: null } }, 0).action, 'giveUp');
    assert.equal(afterEnd(FRESH_PART, { ...end, exit: { exitCode: 3, signal: null } }, 0).action, 'giveUp');
  });
});

interface Rig {
  readonly part: Part;
  readonly starts: { readonly end: (exit: ProcessExit) => void }[];
  readonly events: PartEvent['kind'][];
  answers: boolean;
  startFault?: Fault;
}

function rig(): Rig {
  const made: Rig = {
    starts: [],
    events: [],
    answers: true,
    part: {
      name: 'director',
      label: 'Director',
      start: (): Promise<RunningPart> => {
        if (made.startFault !== undefined) return Promise.reject(made.startFault);
        const { promise: exited, resolve: end } = Promise.withResolvers<ProcessExit>();
        made.starts.push({ end });
        return Promise.resolve({ id: { pid: 100 + made.starts.length, bootId: 'b', startTicks: 1 }, exited });
      },
      check: () => Promise.resolve(made.answers),
      lastWords: () => 'It said: no.',
    },
  };
  return made;
}

describe('supervisor', () => {
  const begin = (made: Rig) => {
    const clock = virtualClock();
    const stop = new AbortController();
    const deps = {
      clock,
      random: { float: () => 0, uuid: () => '', bytes: () => new Uint8Array() },
      onEvent: (event: PartEvent) => void made.events.push(event.kind),
    };
    return { clock, stop, supervised: supervise(made.part, deps, stop.signal) };
  };

  test('ready, killed, back within a second', async () => {
    const made = rig();
    const { clock, stop, supervised } = begin(made);
    await clock.advance(10);
    await supervised.ready;
    assert.equal(supervised.isReady(), true);
    made.starts[0]!.end(KILLED);
    await clock.advance(1);
    assert.equal(supervised.isReady(), false, 'I2: ready only while its process lives');
    await clock.advance(999);
    assert.equal(made.starts.length, 2);
    assert.deepEqual(made.events, ['starting', 'ready', 'ended', 'starting', 'ready']);
    stop.abort(new Fault('Aborted', 'stop'));
    await supervised.done;
    assert.equal(made.starts.length, 2);
  });

  test('I2: not ready before the check passes', async () => {
    const made = rig();
    made.answers = false;
    const { clock, stop, supervised } = begin(made);
    await clock.advance(5_000);
    assert.equal(supervised.isReady(), false);
    made.answers = true;
    await clock.advance(100);
    assert.equal(supervised.isReady(), true);
    stop.abort(new Fault('Aborted', 'stop'));
    await supervised.done;
  });

  test('I3: a part that never comes up ends with what it said', async () => {
    const made = rig();
    made.answers = false;
    const { clock, supervised } = begin(made);
    for (let i = 0; i < 3; i++) {
      await clock.advance(2_000);
      made.starts[i]!.end(FAILED);
      await clock.advance(2_000);
    }
    await assert.rejects(
      supervised.ready,
      (error) => isFault(error, 'ProgramFailed') && /exit code 1 before it was ready. It said: no\./.test(error.message),
    );
    await supervised.done;
    assert.equal(made.starts.length, 3);
  });

  test('I3: a part that is silent for a minute at its first start is given up', async () => {
    const made = rig();
    made.answers = false;
    const { clock, supervised } = begin(made);
    await clock.advance(61_000);
    await assert.rejects(supervised.ready, (error) => isFault(error) && /not ready within 60 s/.test(error.message));
  });

  test('I3: stopped before it was ready, whoever waits is told', async () => {
    const made = rig();
    made.answers = false;
    const { clock, stop, supervised } = begin(made);
    await clock.advance(100);
    stop.abort(new Fault('Aborted', 'stop'));
    await assert.rejects(supervised.ready, (error) => isFault(error, 'Aborted'));
    await supervised.done;
  });

  test('a start that fails: said at once the first time, tried again once it was ready', async () => {
    const first = rig();
    first.startFault = new Fault('ProgramMissing', 'There is no such program.');
    await assert.rejects(begin(first).supervised.ready, (error) => isFault(error, 'ProgramMissing'));

    const later = rig();
    const { clock, stop, supervised } = begin(later);
    await clock.advance(10);
    later.startFault = new Fault('FolderUnwritable', 'The disk is away.');
    later.starts[0]!.end(KILLED);
    await clock.advance(5_000);
    delete later.startFault;
    await clock.advance(20_000);
    assert.equal(supervised.isReady(), true);
    stop.abort(new Fault('Aborted', 'stop'));
    await supervised.done;
  });
});
