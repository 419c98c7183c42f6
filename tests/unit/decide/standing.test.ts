/**
 * How an extension server stands among the others: what it may do after a pause, and by which rules.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import {
  confirmed,
  DEFAULT_SHARING,
  extensionLeaseName,
  isTakenOver,
  liveServers,
  lookAround,
  mayWork,
  newStanding,
  nextResyncMs,
  sharingRules,
} from '../../../src/decide/sharding.ts';
import type { SharingRules, Standing } from '../../../src/decide/sharding.ts';
import type { Lease } from '../../../src/model/core-kinds.ts';

function lease(server: string, revision: number, leaseDurationSeconds = 3): Lease {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: extensionLeaseName(server), uid: server, resourceVersion: String(revision), creationTimestamp: '' },
    spec: { holderIdentity: server, leaseDurationSeconds },
  };
}

const RULES = DEFAULT_SHARING;
const KEYS = Array.from({ length: 40 }, (_, i) => `demo/c${i}`);
const workOf = (standing: Standing, nowMs: number, rules: SharingRules = RULES): string[] =>
  KEYS.filter((key) => mayWork(standing, 'a', key, 0, nowMs, rules));

/** `a` and `b` at work, both seen at 1,000. */
function atWork(): Standing {
  const alone = lookAround(newStanding(0), [], 0, RULES);
  const joined = confirmed(lookAround(alone, [lease('a', 1), lease('b', 2)], 900, RULES), 890, 900, RULES);
  return lookAround(joined, [lease('a', 1), lease('b', 3)], 1_000, RULES);
}

describe('standing', () => {
  it('I6: shows itself only when it knows of every other one', () => {
    const first = lookAround(newStanding(0), [lease('b', 1)], 0, RULES);
    assert.equal(first.joining, true);
    assert.equal(lookAround(first, [lease('b', 1)], 2_999, RULES).joining, true);
    assert.equal(lookAround(first, [lease('b', 2)], 500, RULES).joining, false);
  });

  it('I5: has its share while its own Lease is confirmed, counted from when the renewal was sent', () => {
    const standing = atWork();
    const share = workOf(standing, 1_000);
    assert.ok(share.length > 0 && share.length < KEYS.length);
    const later = lookAround(standing, [lease('a', 9), lease('b', 9)], 3_800, RULES);
    assert.deepEqual(workOf(later, 3_889), share);
    assert.deepEqual(workOf(later, 3_890), [], 'that a copy shows its Lease anew confirms nothing');
    assert.deepEqual(workOf(confirmed(later, 890, 3_895, RULES), 3_895), [], 'an answer that lay unread confirms nothing');
  });

  it('I7: a server that wakes works on nothing, neither before nor after its first look', () => {
    const standing = atWork();
    assert.deepEqual(workOf(standing, 60_000), [], 'before it looked');
    const woken = lookAround(standing, [lease('a', 1), lease('b', 3)], 60_000, RULES);
    assert.equal(woken.joining, true);
    assert.deepEqual(workOf(woken, 60_000), []);
    // The answer to a renewal from before the pause comes in now.
    assert.deepEqual(workOf(confirmed(woken, 990, 60_010, RULES), 60_010), []);
    assert.deepEqual(workOf(confirmed(woken, 60_005, 60_010, RULES), 60_010), [], 'it does not know yet who lives');
  });

  it('I7: nothing is taken from the living by one that wakes: it joins anew as the first time', () => {
    const woken = lookAround(atWork(), [lease('a', 1), lease('b', 3)], 60_000, RULES);
    assert.deepEqual(liveServers(woken.leases, 60_000), ['a', 'b']);
    const known = lookAround(woken, [lease('b', 40)], 60_400, RULES);
    assert.equal(known.joining, false);
    const back = confirmed(lookAround(known, [lease('a', 41), lease('b', 40)], 60_500, RULES), 60_450, 60_500, RULES);
    assert.deepEqual(workOf(back, 60_500), workOf(atWork(), 1_000));
  });

  it('I7: that a Lease changed during the pause says nothing of its server now', () => {
    const woken = lookAround(atWork(), [lease('a', 1), lease('b', 40)], 60_000, RULES);
    const next = lookAround(woken, [lease('b', 40)], 61_000, RULES);
    assert.equal(next.joining, true, 'b may have died since');
    assert.equal(lookAround(next, [lease('b', 40)], 63_000, RULES).joining, false);
    assert.deepEqual(liveServers(next.leases, 63_000), []);
  });

  it('I1: each Lease lasts as long as it says itself', () => {
    const seen = lookAround(newStanding(0), [lease('a', 1, 3), lease('b', 1, 10)], 0, RULES);
    assert.deepEqual(liveServers(seen.leases, 3_000), ['b']);
    const nonsense = lookAround(newStanding(0), [lease('b', 1, 1e9)], 0, RULES);
    assert.deepEqual(liveServers(nonsense.leases, 300_000), []);
  });

  it('I4 I8: overdue work is anybody’s who lives; with sharing off everything is everybody’s', () => {
    const rules = sharingRules({ overdueSeconds: 20 });
    const others = KEYS.find((key) => !mayWork(atWork(), 'a', key, 0, 1_000, rules)) ?? '';
    assert.deepEqual(
      [19_999, 20_000].map((dueMs) => mayWork(atWork(), 'a', others, dueMs, 1_000, rules)),
      [false, true],
    );
    assert.deepEqual(workOf(newStanding(0), 60_000, sharingRules({ sharing: 'Off' })), KEYS);
  });

  it('what came from a server that is gone was taken over; what came because this one joined was not', () => {
    assert.equal(isTakenOver('b', ['a', 'c']), true);
    assert.equal(isTakenOver('b', ['a', 'b']), false);
    assert.equal(isTakenOver(undefined, ['a']), false);
  });

  it('a ServerConfig from before these fields existed means the defaults', () => {
    assert.deepEqual(sharingRules({}), DEFAULT_SHARING);
    assert.deepEqual(DEFAULT_SHARING, {
      shared: true,
      renewMs: 1_000,
      leaseMs: 3_000,
      overdueMs: 15_000,
      concurrency: 32,
      resyncMs: 60_000,
      retryMs: 100,
      retryCapMs: 15_000,
      leaseSweepMs: 600_000,
    });
  });
});

describe('what nothing happened to', () => {
  it('I9: is looked at again within its time, never before now, spread out, and several at a time', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        fc.integer({ min: 1_000, max: 600_000 }),
        fc.boolean(),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (nowMs, resyncMs, isFirst, dice) => {
          const dueMs = nextResyncMs(nowMs, resyncMs, isFirst, dice);
          assert.ok(dueMs >= nowMs && dueMs <= nowMs + resyncMs);
          assert.ok(isFirst || dueMs >= nowMs + 0.9 * resyncMs - 250);
        },
      ),
    );
    const dues = Array.from({ length: 1_000 }, (_, i) => nextResyncMs(7, 60_000, true, i / 1_000));
    const times = new Set(dues).size;
    assert.ok(times > 200 && times <= 241, `${times} times for 1,000 looks`);
  });
});
