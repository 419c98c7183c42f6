/** What a connection server decides: sessions, log-ins, the license it shows, what Prometheus reads. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { LIMITS } from '../../../src/model/limits.ts';
import { createLicenseBoard } from '../../../src/services/connection-server/license-board.ts';
import { createLogIns } from '../../../src/services/connection-server/log-in.ts';
import type { LogIn } from '../../../src/services/connection-server/log-in.ts';
import { metricsText } from '../../../src/services/connection-server/metrics.ts';
import { createSessions } from '../../../src/services/connection-server/sessions.ts';
import type { SessionTable } from '../../../src/services/connection-server/sessions.ts';
import { unsignedLicense } from '../../support/unsigned-license.ts';

const OPTIONS = { capacity: 3, idleTimeoutMs: 60_000 };
const total = (table: SessionTable): number => Object.values(table.counts().ended).reduce((sum, one) => sum + one, 0);

describe('sessions', () => {
  test('I1: never more than the capacity; draining makes none and ends none', () => {
    const table = createSessions(OPTIONS);
    for (const id of ['a', 'b', 'c']) assert.equal(table.open(id, id, 0), 'Opened');
    assert.equal(table.open('d', 'd', 0), 'AtCapacity');
    assert.ok(table.end('a', 'Deleted'));
    table.setDraining(true);
    assert.equal(table.open('d', 'd', 0), 'Draining');
    assert.deepEqual(table.ids(), ['b', 'c']);
    table.setDraining(false);
    assert.equal(table.open('d', 'd', 0), 'Opened');
    assert.equal(table.counts().peak, 3);
  });

  test('I2: one connection holds a session; a lost one leaves it waiting', () => {
    const table = createSessions(OPTIONS);
    table.open('a', 'u', 0);
    assert.equal(table.attach('x', 0), 'NotFound');
    assert.equal(table.attach('a', 10), 'Attached');
    assert.equal(table.attach('a', 11), 'AlreadyConnected');
    table.detach('a', 20);
    assert.deepEqual(table.sweep(20 + LIMITS.sessionReconnectMs - 1), []);
    assert.equal(table.attach('a', 30), 'Attached');
    table.detach('a', 40);
    assert.deepEqual(table.sweep(40 + LIMITS.sessionReconnectMs), ['a']);
    assert.equal(table.counts().ended.NotConnected, 1);
  });

  test('a connected session ends when no byte goes for the idle time, and not while bytes go', () => {
    const table = createSessions(OPTIONS);
    table.open('a', 'u', 0);
    table.attach('a', 0);
    table.touch('a', 50_000);
    assert.deepEqual(table.sweep(109_999), []);
    assert.deepEqual(table.sweep(110_000), ['a']);
    assert.equal(table.counts().ended.Idle, 1);
  });

  test('users seen are counted once, and the oldest make room', () => {
    const table = createSessions({ capacity: 1_000_000, idleTimeoutMs: 1 });
    for (let i = 0; i <= LIMITS.sessionUsersSeen; i++) table.open(`s${i}`, `u${i}`, 0);
    table.open('again', 'u7', 0);
    const seen = table.usersSeen();
    assert.equal(seen.length, LIMITS.sessionUsersSeen);
    assert.equal(seen.includes('u0'), false);
    assert.equal(seen.at(-1), 'u7');
  });

  test('I1, I2, I3: whatever is done in whatever order', () => {
    const id = fc.integer({ min: 0, max: 5 }).map(String);
    const step = fc.oneof(
      fc.record({ do: fc.constant('open' as const), id }),
      fc.record({ do: fc.constant('attach' as const), id }),
      fc.record({ do: fc.constant('detach' as const), id }),
      fc.record({ do: fc.constant('end' as const), id }),
      fc.record({ do: fc.constant('sweep' as const), id }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const table = createSessions(OPTIONS);
        const [connected, open] = [new Set<string>(), new Set<string>()];
        let nowMs = 0;
        for (const one of steps) {
          nowMs += 20_000;
          if (one.do === 'open' && !open.has(one.id) && table.open(one.id, one.id, nowMs) === 'Opened') open.add(one.id);
          if (one.do === 'attach' && table.attach(one.id, nowMs) === 'Attached') {
            assert.ok(open.has(one.id) && !connected.has(one.id));
            connected.add(one.id);
          }
          if (one.do === 'detach') table.detach(one.id, nowMs);
          const gone = one.do === 'end' && table.end(one.id, 'Deleted') ? [one.id] : one.do === 'sweep' ? table.sweep(nowMs) : [];
          for (const ended of gone) assert.ok(open.delete(ended), 'ended once');
          if (one.do === 'detach') connected.delete(one.id);
          for (const ended of gone) connected.delete(ended);
          const counts = table.counts();
          assert.ok(counts.sessions <= OPTIONS.capacity && counts.connected === connected.size && counts.sessions === open.size);
          assert.equal(counts.made, counts.sessions + total(table));
        }
      }),
    );
  });
});

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
const basic = (user: string, password: string): string => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

describe('log-ins', () => {
  const account = { user: 'outrigger', password: 'p:ä ss' };

  test('only the account gets in', () => {
    const logIns = createLogIns(account, digest);
    const state = (header: string | undefined): LogIn['state'] => logIns.check(header, '10.0.0.1', 0).state;
    assert.equal(state(basic('outrigger', 'p:ä ss')), 'In');
    assert.equal(state(undefined), 'Needed');
    for (const wrong of [
      basic('outrigger', 'p:ä s'),
      basic('Outrigger', 'p:ä ss'),
      basic('outriggerp', ':ä ss'),
      'Basic',
      'Basic !!',
      'Bearer abc',
      `Basic ${'A'.repeat(100_000)}`,
      basic('', ''),
    ])
      assert.equal(state(wrong), 'Wrong', wrong.slice(0, 40));
  });

  test('I1: digests are compared from their first digit to their last', () => {
    const logIns = createLogIns(account, (text) => text.padEnd(64, '0'));
    for (const near of ['p:ä s_', '_:ä ss', 'p:ä ss0'.padEnd(64, '1')])
      assert.equal(logIns.check(basic('outrigger', near), '10.0.0.9', 0).state, 'Wrong', near);
    assert.equal(logIns.check(basic('outrigger', 'p:ä ss'), '10.0.0.9', 0).state, 'In');
  });

  test('I2: an address that fails too often is refused for the rest of its minute, and no other', () => {
    const logIns = createLogIns(account, digest);
    for (let i = 0; i < LIMITS.logInFailuresPerMinute; i++) assert.equal(logIns.check('Basic eA==', '10.0.0.1', i).state, 'Wrong');
    const right = basic(account.user, account.password);
    assert.deepEqual(logIns.check(right, '10.0.0.1', 30_000), { state: 'TooMany', retryAfterSeconds: 30 });
    assert.equal(logIns.check(right, '10.0.0.2', 30_000).state, 'In');
    assert.equal(logIns.check(right, '10.0.0.1', 60_000).state, 'In');
  });

  test('I2: who sends nothing has not failed', () => {
    const logIns = createLogIns(account, digest);
    for (let i = 0; i < 1_000; i++) logIns.check(undefined, '10.0.0.1', 0);
    assert.equal(logIns.check(basic(account.user, account.password), '10.0.0.1', 0).state, 'In');
  });
});

describe('the license as it is shown', () => {
  const now = { bootId: 'boot', bootMs: 1_000 };
  const untold = (): never => assert.fail('nothing is verified without an authority');

  test('I1: the higher serial holds, the same again is fine, a lower one is refused', () => {
    const board = createLicenseBoard(untold, undefined);
    assert.equal(board.show(now), undefined);
    assert.deepEqual(board.put(unsignedLicense({ serial: 7 }), now), { ok: true });
    assert.deepEqual(board.put(unsignedLicense({ serial: 7 }), now), { ok: true });
    const older = board.put(unsignedLicense({ serial: 6 }), now);
    assert.equal(older.ok ? '' : older.code, 'OlderLicense');
    const shown = board.show(now);
    assert.deepEqual([shown?.serial, shown?.state, shown?.verified], [7, 'Active', false]);
    assert.equal(board.serial(), 7);
    board.remove();
    assert.equal(board.show(now), undefined);
    assert.equal(board.serial(), 0);
  });

  test('its state follows running time; the same one delivered again does not begin anew', () => {
    const board = createLicenseBoard(untold, undefined);
    const token = unsignedLicense({ serial: 7 });
    board.put(token, now);
    const later = { bootId: 'boot', bootMs: 1_000 + 25 * 3_600_000 };
    assert.equal(board.show(later)?.state, 'SyncGrace');
    board.put(token, later);
    assert.equal(board.show(later)?.state, 'SyncGrace');
  });

  test('what is no license is refused with a sentence', () => {
    const board = createLicenseBoard(untold, undefined);
    for (const token of [
      '',
      'a.b',
      'a.b.c',
      `a.${Buffer.from('{}').toString('base64url')}.c`,
      unsignedLicense({ serial: 0 }),
      'x'.repeat(20_000),
    ]) {
      const taken = board.put(token, now);
      assert.ok(!taken.ok && taken.code === 'LicenseUntrusted' && taken.message.endsWith('.'), token.slice(0, 20));
    }
  });

  test('I2: with an authority its word is taken, and nothing else', () => {
    const board = createLicenseBoard((_token, authority) => ({ ok: false, why: `not by ${authority}.` }), 'the CA');
    assert.deepEqual(board.put(unsignedLicense({ serial: 7 }), now), { ok: false, code: 'LicenseUntrusted', message: 'not by the CA.' });
  });
});

test('metrics: one value a line, labels escaped, each family typed once', () => {
  const table = createSessions(OPTIONS);
  table.open('a', 'u', 0);
  const text = metricsText({
    name: 'a "b"\\',
    version: '1',
    instance: 'i',
    counts: table.counts(),
    capacity: 3,
    draining: true,
    backendUp: false,
    licenseSerial: 5,
    bytesIn: 1,
    bytesOut: 2,
    refusals: new Map([['NotFound', 4]]),
  });
  const lines = text.trimEnd().split('\n');
  for (const line of lines)
    assert.match(line, /^# (HELP|TYPE) [a-z_]+ .+$|^[a-z_]+(\{[a-z]+="([^"\\]|\\.)*"(,[a-z]+="([^"\\]|\\.)*")*\})? \d+$/);
  const types = lines.filter((line) => line.startsWith('# TYPE'));
  assert.equal(new Set(types).size, types.length);
  assert.ok(lines.includes('outrigger_connection_server_info{name="a \\"b\\"\\\\",version="1",instance="i"} 1'));
  assert.ok(lines.includes('outrigger_connection_server_refusals_total{code="NotFound"} 4'));
  assert.ok(lines.includes('outrigger_connection_server_sessions 1'));
});
