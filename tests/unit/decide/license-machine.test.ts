/**
 * The license machine, step by step: states, grace, warnings, retries, what is accepted, what is asked of the shell.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { refusalOf, syncAt, viewKeeper } from '../../../src/decide/license-keeper.ts';
import type { LicenseEvent } from '../../../src/decide/license-table.ts';
import { viewLicense } from '../../../src/decide/universal-license.ts';
import { momentsOf, stateAt } from '../../../src/decide/license-moments.ts';
import { FRAMEWORK_SERVICES } from '../../../src/model/framework.ts';
import { LICENSE_STATES } from '../../../src/model/license-statement.ts';
import { LIMITS } from '../../../src/model/limits.ts';
import { DAY_MS, HOUR_MS, KeeperBench, recordOf, statementOf, T0 } from './license-fixtures.ts';

/** Synced at boot time 0; from then on nothing is answered. */
function alone(bench = new KeeperBench()): KeeperBench {
  bench.ready().succeed(statementOf(5));
  return bench.send({ kind: 'PrerequisitesChanged', siteUid: 'site-1', missing: ['cloud-proxy'] });
}

function days(bench: KeeperBench): number[] {
  return bench.all.flatMap((effect) => (effect.kind === 'Warn' ? [effect.days] : []));
}

function reports(bench: KeeperBench): string[] {
  return bench.all.flatMap((effect) => (effect.kind === 'ReportState' ? [`${effect.from} ${effect.view.state}`] : []));
}

describe('what holds of a license', () => {
  const at = (ms: number, license = {}): ReturnType<typeof viewLicense> => viewLicense(recordOf(statementOf(5, license)), T0 + ms);

  it('L5: day 24 of grace works; when its 25 days are over, counted from when the sync was due, new sessions are refused', () => {
    assert.equal(at(DAY_MS - 1).state, 'Active');
    assert.deepEqual([at(DAY_MS).state, at(DAY_MS).daysLeft, at(DAY_MS).sinceMs], ['SyncGrace', 25, T0 + DAY_MS]);
    assert.deepEqual([at(25 * DAY_MS).state, at(25 * DAY_MS).refusesNewSessions], ['SyncGrace', false]);
    assert.equal(at(26 * DAY_MS - 1).refusesNewSessions, false);
    assert.deepEqual([at(26 * DAY_MS).state, at(26 * DAY_MS).refusesNewSessions], ['Expired', true]);
  });

  it('L6: contract grace goes before sync grace, expiry before both, and what has not begun is Inactive', () => {
    const ending = { endMs: T0 + 2 * DAY_MS };
    assert.equal(at(1.5 * DAY_MS, ending).state, 'SyncGrace');
    assert.deepEqual([at(2 * DAY_MS, ending).state, at(2 * DAY_MS, ending).untilMs], ['ContractGrace', T0 + 26 * DAY_MS]);
    assert.equal(at(26 * DAY_MS, ending).state, 'Expired');
    assert.equal(at(0, { endMs: T0 - 30 * DAY_MS }).state, 'Expired');
    assert.equal(at(30 * DAY_MS, { startMs: T0 + 31 * DAY_MS }).state, 'Inactive');
    assert.equal(at(0, { endMs: T0, contractGraceMs: 0 }).state, 'Expired');
  });

  it('counts a contract that is synced down to the end of its own grace', () => {
    const view = at(HOUR_MS, { endMs: T0 - 10 * DAY_MS });
    assert.deepEqual([view.state, view.daysLeft, view.untilMs], ['ContractGrace', 20, T0 + 20 * DAY_MS]);
    assert.equal(view.warnAtDays, undefined);
  });

  it('L7: refuses in no grace, and always without a license', () => {
    assert.deepEqual([viewLicense(undefined, 0).state, viewLicense(undefined, 0).refusesNewSessions], ['Inactive', true]);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 500 * 24 }), fc.integer({ min: -60, max: 60 }), (hours, endDays) => {
        const view = at(hours * HOUR_MS, { endMs: T0 + endDays * DAY_MS });
        assert.equal(view.refusesNewSessions, view.state === 'Expired' || view.state === 'Inactive');
        assert.equal(view.state, stateAt(momentsOf(statementOf(5, { endMs: T0 + endDays * DAY_MS })), T0 + hours * HOUR_MS));
      }),
    );
  });

  it('L6: time alone leads forward only', () => {
    fc.assert(
      fc.property(fc.integer({ min: -5, max: 60 }), fc.integer({ min: 1, max: 60 }), fc.nat(30), (startDays, lengthDays, graceDays) => {
        const startMs = T0 + startDays * DAY_MS;
        const license = { startMs, endMs: startMs + lengthDays * DAY_MS, contractGraceMs: graceDays * DAY_MS };
        const path = Array.from({ length: 130 }, (_, day) => LICENSE_STATES.indexOf(at(day * DAY_MS, license).state));
        assert.deepEqual(
          path,
          [...path].sort((a, b) => a - b),
        );
      }),
    );
  });

  it('is said in sentences that name the license, the days left and what to do', () => {
    const all = [viewLicense(undefined, 0), at(0, { startMs: T0 + DAY_MS }), at(0), at(DAY_MS), at(24 * DAY_MS), at(26 * DAY_MS)];
    all.push(
      at(0, { endMs: T0 + 5 * DAY_MS }),
      at(0, { endMs: T0 - DAY_MS }),
      at(1.5 * DAY_MS, { endMs: T0 }),
      at(0, { endMs: T0 - 31 * DAY_MS }),
    );
    for (const { message } of all) assert.match(message, /^[A-Z].*\.$/s);
    for (const { message } of all.slice(1)) assert.match(message, /standard/);
    assert.deepEqual(
      all.map(({ severity }) => severity),
      ['Warning', 'Info', 'Success', 'Warning', 'Danger', 'Danger', 'Warning', 'Warning', 'Warning', 'Danger'],
    );
    assert.match(at(24 * DAY_MS).message, /2 days left.*refused from 2026-01-27.*outrigger license status/);
    assert.match(at(25 * DAY_MS + 1).message, /1 day left/);
    assert.match(at(26 * DAY_MS).message, /no sync succeeded since 2026-01-02.*running sessions and services go on/);
    assert.match(all[6]?.message ?? '', /contract ends in 5 days.*Renew/);
    assert.match(all[9]?.message ?? '', /contract ended on 2025-12-01.*renew/);
    assert.doesNotThrow(() => at(0, { endMs: 1e18 }));
  });
});

describe('a sync', () => {
  it('L10: is asked for at once when a site is paired, all framework services live and authority is here', () => {
    const bench = new KeeperBench();
    assert.deepEqual(bench.send({ kind: 'AuthorityGained' }).kinds(), []);
    for (const service of FRAMEWORK_SERVICES)
      assert.deepEqual(bench.send({ kind: 'PrerequisitesChanged', siteUid: 'site-1', missing: [service] }).kinds(), []);
    assert.match(viewKeeper(bench.keeper, bench.reading()).waitsFor ?? '', /monitor/);
    assert.deepEqual(bench.send({ kind: 'PrerequisitesChanged', siteUid: 'site-1', missing: [] }).kinds(), ['RequestSync']);
    assert.deepEqual(bench.succeed(statementOf(5)).kinds(), ['StoreRecord', 'Deliver', 'TellPeers', 'ReportState']);
    assert.equal(bench.keeper.state, 'Active');
  });

  it('L10: is asked for earlier than due, by the dice, and never later', () => {
    for (const dice of [0, 0.5, 0.999]) {
      const bench = new KeeperBench().ready();
      bench.dice = dice;
      bench.succeed(statementOf(5));
      const atMs = syncAt(bench.keeper) ?? 0;
      assert.equal(atMs, T0 + DAY_MS * (1 - 0.05 - 0.1 * dice));
      bench.live(DAY_MS);
      assert.deepEqual(bench.all.filter(({ kind }) => kind === 'RequestSync').length > 1, true);
      assert.ok((bench.keeper.asking?.sinceMs ?? bench.keeper.askedMs) < DAY_MS);
    }
  });

  it('is asked for in time however fast the days go', () => {
    const bench = new KeeperBench().ready().succeed(statementOf(5, {}, { rate: 43_200 }));
    bench.live(1_600);
    assert.equal(bench.keeper.state, 'Active');
    assert.ok(bench.asked() !== undefined, 'asked half a second before two seconds are over');
  });

  it('is tried again after 1 minute, doubling to an hour, divided by the rate; at once when prerequisites return', () => {
    const bench = alone();
    bench.live(2 * DAY_MS).send({ kind: 'PrerequisitesChanged', siteUid: 'site-1', missing: [] });
    const waits: number[] = [];
    for (let i = 0; i < 9; i++) {
      assert.ok(bench.asked() !== undefined);
      bench.fail();
      waits.push(bench.keeper.notBeforeMs - bench.nowMs);
      bench.live(bench.keeper.notBeforeMs - bench.nowMs);
    }
    assert.deepEqual(
      waits.map((ms) => ms / 60_000),
      [1, 2, 4, 8, 16, 32, 60, 60, 60],
    );
    bench
      .fail()
      .send({ kind: 'PrerequisitesChanged', siteUid: 'site-1', missing: ['cloud-proxy'] })
      .pass(10_000);
    assert.ok(bench.send({ kind: 'PrerequisitesChanged', siteUid: 'site-1', missing: [] }).kinds().includes('RequestSync'));
    assert.equal(bench.all.filter(({ kind }) => kind === 'ReportFailure').length, 1);
  });

  it('is tried again within seconds before the first success', () => {
    const bench = new KeeperBench().ready().fail();
    assert.equal(bench.keeper.notBeforeMs - bench.nowMs, LIMITS.licenseFirstRetryMs);
    bench.live(LIMITS.licenseFirstRetryMs);
    assert.equal(bench.asked(), 2);
  });

  it('is asked for by a person, but twice a second at most', () => {
    const bench = new KeeperBench().ready().succeed(statementOf(5));
    bench.pass(100).send({ kind: 'SyncRequested' });
    assert.deepEqual(bench.kinds(), []);
    assert.ok(bench.live(400).asked() !== undefined);
    assert.deepEqual(bench.succeed(statementOf(6)).send({ kind: 'TimePassed' }).kinds(), []);
  });

  it('that nobody answers has failed after 20 s, and a later answer is dropped', () => {
    const bench = new KeeperBench().ready();
    const request = bench.asked() ?? 0;
    bench.pass(LIMITS.licenseAnswerMs);
    assert.match(bench.keeper.lastFailure ?? '', /No answer from a director within 20 s/);
    bench.send({ kind: 'SyncSucceeded', request, token: 't', statement: statementOf(5) });
    assert.equal(bench.keeper.record, undefined);
  });

  it('L5: that fails changes no state, in any state', () => {
    for (const ranDays of [0, 2, 30]) {
      const bench = new KeeperBench(recordOf(statementOf(5), ranDays * DAY_MS)).ready().send({ kind: 'SyncRequested' });
      const { state, record } = bench.keeper;
      bench.fail();
      assert.equal(bench.keeper.state, state);
      assert.deepEqual(bench.keeper.record, record);
    }
  });

  it('L8: that succeeds ends sync grace whatever the state, and starts it anew from there', () => {
    const bench = alone().live(40 * DAY_MS);
    assert.equal(bench.keeper.state, 'Expired');
    bench.send({ kind: 'PrerequisitesChanged', siteUid: 'site-1', missing: [] });
    bench.succeed(statementOf(6, {}, { licenseMs: T0 + 40 * DAY_MS }));
    assert.equal(bench.keeper.state, 'Active');
    assert.deepEqual(reports(bench), ['Inactive Active', 'Active SyncGrace', 'SyncGrace Expired', 'Expired Active']);
  });

  it('L9: is not accepted for another cluster or site, nor when it is old; a director whose clock was wrong is believed by its serial', () => {
    const here = { clusterUid: 'cluster-1', siteUid: 'site-1', heldSerial: 5 };
    assert.match(refusalOf(statementOf(6, {}, { clusterUid: 'x' }), here) ?? '', /another cluster/);
    assert.match(refusalOf(statementOf(6, {}, { site: { namespace: 'a', name: 'b', uid: 'x' } }), here) ?? '', /site a\/b/);
    assert.match(refusalOf(statementOf(5), here) ?? '', /old answer/);
    const bench = new KeeperBench().ready().succeed(statementOf(5)).pass(1000).send({ kind: 'SyncRequested' });
    const held = bench.keeper.record;
    bench.succeed(statementOf(5));
    assert.deepEqual(bench.keeper.record, held);
    assert.match(bench.keeper.lastFailure ?? '', /old answer/);
    bench
      .send({ kind: 'SyncRequested' })
      .pass(1000)
      .succeed(statementOf(6, {}, { licenseMs: T0 - 90 * DAY_MS }));
    assert.equal(bench.keeper.record?.statement.serial, 6);
  });

  it('that failed says nothing of the site that the cluster is paired with next', () => {
    const bench = new KeeperBench().ready().fail('The site harbor does not exist.');
    assert.equal(bench.keeper.failures, 1);
    bench.send({ kind: 'PrerequisitesChanged', siteUid: undefined, missing: [] });
    bench.send({ kind: 'PrerequisitesChanged', siteUid: 'site-1', missing: [] });
    assert.deepEqual([bench.keeper.failures, bench.keeper.lastFailure], [0, undefined]);
    bench.pass(1_000).fail('It failed here, too.');
    assert.ok(bench.kinds().includes('ReportFailure'));
  });

  it('for a site that the cluster has left is due at once, and what is held stays until then', () => {
    const bench = new KeeperBench().ready().succeed(statementOf(5)).pass(HOUR_MS);
    bench.send({ kind: 'PrerequisitesChanged', siteUid: 'site-2', missing: [] });
    assert.ok(bench.kinds().includes('RequestSync'));
    assert.equal(bench.keeper.state, 'Active');
  });
});

describe('what is told', () => {
  it('L11: warnings come at 14, 7, 3 and 1 days, each once, and again after a recovery', () => {
    const bench = alone().live(30 * DAY_MS);
    assert.deepEqual(days(bench), [14, 7, 3, 1]);
    const keys = bench.all.flatMap((effect) => (effect.kind === 'Warn' ? [effect.key] : []));
    bench.send({ kind: 'PrerequisitesChanged', siteUid: 'site-1', missing: [] });
    bench.succeed(statementOf(6, {}, { licenseMs: T0 + 30 * DAY_MS }));
    bench.send({ kind: 'PrerequisitesChanged', siteUid: 'site-1', missing: ['cloud-proxy'] }).live(30 * DAY_MS);
    assert.deepEqual(days(bench), [14, 7, 3, 1, 14, 7, 3, 1]);
    assert.equal(new Set([...keys, ...bench.all.flatMap((effect) => (effect.kind === 'Warn' ? [effect.key] : []))]).size, 8);
  });

  it('L11: a contract that nears its end is warned of once a threshold, though it is synced every day', () => {
    const bench = new KeeperBench().ready();
    const license = { endMs: T0 + 20 * DAY_MS };
    for (let day = 0; day < 20; day++) {
      bench.send({ kind: 'SyncRequested' }).pass(500);
      bench
        .succeed(statementOf(5 + day, license, { licenseMs: T0 + day * DAY_MS }))
        .live(0.9 * DAY_MS)
        .fail();
    }
    assert.deepEqual(days(bench), [14, 7, 3, 1]);
  });

  it('L11: who takes over warns of the threshold in force, under the key that the one before used', () => {
    const stored = recordOf(statementOf(5), 22 * DAY_MS);
    const [one, two] = [new KeeperBench(stored), new KeeperBench(stored)].map((bench) => bench.send({ kind: 'AuthorityGained' }));
    const warnings = (bench?: KeeperBench): unknown =>
      bench?.effects.filter(({ kind }) => kind === 'Warn' || kind === 'ReportState').map((e) => 'key' in e && e.key);
    assert.deepEqual(warnings(one), warnings(two));
    assert.equal((warnings(one) as unknown[]).length, 2);
    assert.deepEqual(
      new KeeperBench(stored)
        .pass(1000)
        .kinds()
        .filter((kind) => kind === 'Warn'),
      [],
      'not without authority',
    );
  });

  it('L12: comes after the disk; a disk that refuses keeps the peers from hearing, until it takes it', () => {
    const bench = new KeeperBench().ready().succeed(statementOf(5));
    assert.deepEqual(bench.kinds().slice(0, 3), ['StoreRecord', 'Deliver', 'TellPeers']);
    bench.send({ kind: 'StoreFailed' });
    assert.equal(bench.wakeInMs, LIMITS.licenseStoreMs / 10);
    assert.deepEqual(bench.pass(bench.wakeInMs).kinds(), ['StoreRecord', 'Deliver', 'TellPeers']);
  });

  it('L1: running time is stored every minute, and what was stored goes on after a reboot', () => {
    const bench = alone().live(10 * 60_000);
    const stores = bench.all.flatMap((effect) => (effect.kind === 'StoreRecord' ? [effect.record] : []));
    assert.equal(stores.length, 11);
    const stored = stores.at(-1);
    const rebooted = new KeeperBench(stored, 'boot-2');
    rebooted.nowMs = 5000;
    assert.equal(rebooted.pass(0).keeper.record?.since.ranMs, 10 * 60_000 + 5000);
  });

  it('L3, L4: another node hands over a newer statement or more running time, and nothing else', () => {
    const bench = new KeeperBench(recordOf(statementOf(5), 10 * DAY_MS));
    bench.send({ kind: 'PeerRecord', record: recordOf(statementOf(5), DAY_MS, 'theirs') });
    assert.equal(bench.keeper.record?.since.ranMs, 10 * DAY_MS);
    bench.send({ kind: 'PeerRecord', record: recordOf(statementOf(5), 27 * DAY_MS, 'theirs') });
    assert.equal(bench.keeper.state, 'Expired');
    assert.deepEqual(bench.kinds(), ['StoreRecord', 'Deliver', 'TellPeers'], 'the framework services slept through it too');
    bench.send({ kind: 'PeerRecord', record: recordOf(statementOf(9, {}, { clusterUid: 'another' }), 0, 'theirs') });
    assert.equal(bench.keeper.record?.statement.serial, 5);
    bench.send({ kind: 'PeerRecord', record: recordOf(statementOf(6), 0, 'theirs') });
    assert.equal(bench.keeper.state, 'Active');
  });

  it('a disk that holds the record of another cluster holds none', () => {
    assert.equal(new KeeperBench(recordOf(statementOf(5, {}, { clusterUid: 'another' }))).keeper.record, undefined);
  });
});

describe('any order of events', () => {
  const event: fc.Arbitrary<LicenseEvent> = fc.oneof(
    fc.constantFrom<LicenseEvent>(
      { kind: 'TimePassed' },
      { kind: 'AuthorityGained' },
      { kind: 'AuthorityLost' },
      { kind: 'SyncRequested' },
      { kind: 'StoreFailed' },
      { kind: 'PrerequisitesChanged', siteUid: 'site-1', missing: [] },
      { kind: 'PrerequisitesChanged', siteUid: undefined, missing: ['monitor'] },
    ),
    fc.record({ kind: fc.constant('SyncFailed' as const), request: fc.nat(5), message: fc.constant('No.') }),
    fc.record({ request: fc.nat(5), serial: fc.nat(9), agoDays: fc.nat(40) }).map(({ request, serial, agoDays }) => ({
      kind: 'SyncSucceeded' as const,
      request,
      token: 't',
      statement: statementOf(serial + 1, {}, { licenseMs: T0 - agoDays * DAY_MS }),
    })),
    fc
      .record({ serial: fc.nat(9), ran: fc.nat(40) })
      .map(({ serial, ran }) => ({ kind: 'PeerRecord' as const, record: recordOf(statementOf(serial + 1), ran * DAY_MS, 'theirs') })),
  );

  it('L1, L3, L8, L10: obeys the table, forgets nothing, and asks only when it may', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(event, fc.nat(5 * 24)), { maxLength: 40 }), (events) => {
        const bench = new KeeperBench();
        for (const [one, hours] of events) {
          const before = bench.keeper.record;
          bench.nowMs += hours * HOUR_MS;
          bench.send(one);
          const { record, hasAuthority, siteUid, missing } = bench.keeper;
          if (before !== undefined) {
            assert.ok(record !== undefined && record.statement.serial >= before.statement.serial);
            if (record.statement.serial === before.statement.serial) assert.ok(record.since.ranMs >= before.since.ranMs);
          }
          if (bench.kinds().includes('RequestSync')) assert.ok(hasAuthority && siteUid !== undefined && missing?.length === 0);
          assert.ok(bench.wakeInMs >= 1 && bench.wakeInMs <= LIMITS.licenseStoreMs);
        }
      }),
    );
  });
});
