/**
 * What a supervisor is told, and how often; the way it is sent is tried by tests/chaos/services.test.ts against a real systemd.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MANAGER_VARIABLES, serviceManager } from '../../../src/platform/service-manager.ts';
import type { SendToManager } from '../../../src/platform/service-manager.ts';
import { roleEnvironment } from '../../../src/platform/spawn.ts';
import type { Log } from '../../../src/ports/log.ts';
import type { ServiceManager } from '../../../src/ports/service-manager.ts';

interface Bench {
  readonly manager: ServiceManager;
  readonly sent: string[][];
  readonly warnings: string[];
  pass(ms: number): void;
  /** What was put is sent, and answered. */
  settle(): Promise<void>;
}

function bench(environment: Readonly<Record<string, string>>, answer = true): Bench {
  const sent: string[][] = [];
  const warnings: string[] = [];
  let nowMs = 0;
  const send: SendToManager = (lines) => {
    sent.push([...lines]);
    return Promise.resolve(answer);
  };
  const log = { warn: (text: string) => void warnings.push(text) } as unknown as Log;
  const clock = { monotonicMs: () => nowMs } as Parameters<typeof serviceManager>[0]['clock'];
  return {
    manager: serviceManager({ clock, log, environment, send }),
    sent,
    warnings,
    pass: (ms) => void (nowMs += ms),
    settle: () => new Promise((done) => setImmediate(done)),
  };
}

const SOCKET = { NOTIFY_SOCKET: '/run/systemd/notify' };
const WATCHED = { ...SOCKET, WATCHDOG_USEC: '30000000', WATCHDOG_PID: String(process.pid) };

describe('service manager', () => {
  test('I2 (port): without a supervisor nothing is sent', async () => {
    const { manager, sent, settle } = bench({ WATCHDOG_USEC: '30000000' });
    manager.ready();
    manager.progressed();
    manager.status('well');
    manager.stopping();
    await settle();
    assert.deepEqual(sent, []);
  });

  test('ready is told once, and a status is one line', async () => {
    const { manager, sent, settle } = bench(SOCKET);
    manager.ready();
    await settle();
    manager.ready();
    manager.status('waits for\nWATCHDOG=1');
    await settle();
    assert.deepEqual(sent, [['READY=1'], ['STATUS=waits for WATCHDOG=1']]);
  });

  test('I1: what comes while a message is under way waits, the newest of each kind alone', async () => {
    const { manager, sent, settle } = bench(SOCKET);
    manager.ready();
    for (const text of ['a', 'b', 'c']) manager.status(text);
    manager.stopping();
    await settle();
    assert.deepEqual(sent, [['READY=1'], ['STATUS=c', 'STOPPING=1']]);
  });

  test('I2: the watchdog is fed by rounds alone, each fifth of its time at most', async () => {
    const { manager, sent, pass, settle } = bench(WATCHED);
    manager.ready();
    for (let second = 0; second < 60; second++) {
      pass(1000);
      manager.progressed();
      await settle();
    }
    assert.equal(sent.flat().filter((line) => line === 'WATCHDOG=1').length, 10);
    pass(3_600_000);
    await settle();
    assert.equal(sent.flat().filter((line) => line === 'WATCHDOG=1').length, 10, 'an hour without a round feeds nothing');
  });

  test('I2: a watchdog of another process, or none, is not fed', async () => {
    for (const environment of [SOCKET, { ...WATCHED, WATCHDOG_PID: '1' }, { ...SOCKET, WATCHDOG_USEC: '0' }]) {
      const { manager, sent, pass, settle } = bench(environment);
      pass(100_000);
      manager.progressed();
      await settle();
      assert.deepEqual(sent, []);
    }
  });

  test('I3: a message that cannot be sent is warned of once', async () => {
    const { manager, warnings, settle } = bench(SOCKET, false);
    manager.ready();
    await settle();
    manager.status('well');
    await settle();
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /systemd-notify failed.*Install/);
  });

  test('processes that a service starts hear nothing of its supervisor', () => {
    const own = Object.fromEntries(MANAGER_VARIABLES.map((name) => [name, 'x']));
    const handed = roleEnvironment({ ...own, PATH: '/bin' }, { data: '/data', role: 'agent' });
    assert.equal(handed['PATH'], '/bin');
    assert.deepEqual(
      MANAGER_VARIABLES.filter((name) => name in handed),
      [],
    );
  });
});
