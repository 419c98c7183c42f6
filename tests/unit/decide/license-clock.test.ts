/**
 * Running time, license time, and what two nodes make of each other's records.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { countRunning, licenseNowMs, ranMs, startedNow, trustedNowMs } from '../../../src/decide/license-clock.ts';
import type { BootReading } from '../../../src/decide/license-clock.ts';
import { mergeRecords } from '../../../src/decide/license-exchange.ts';
import type { LicenseRecord } from '../../../src/model/license-statement.ts';
import { recordOf, statementOf, T0 } from './license-fixtures.ts';

const reading = fc.record({ bootId: fc.constantFrom('a', 'b', 'c'), bootMs: fc.nat(1_000_000) });
const record = fc
  .record({ serial: fc.integer({ min: 1, max: 4 }), ran: fc.nat(1_000_000), at: reading })
  .map(({ serial, ran, at }) => recordOf(statementOf(serial, {}, { licenseMs: T0 - serial * 1000 }), ran, at.bootId, at.bootMs));

/** Serial first, running time second. */
function isNotBehind(later: LicenseRecord | undefined, earlier: LicenseRecord | undefined): boolean {
  if (earlier === undefined) return true;
  if (later === undefined) return false;
  if (later.statement.serial !== earlier.statement.serial) return later.statement.serial > earlier.statement.serial;
  return later.since.ranMs >= earlier.since.ranMs;
}

describe('the clocks of the license', () => {
  it('L1: count what a boot has run, and add what the next one has', () => {
    const started = startedNow({ bootId: 'a', bootMs: 500 });
    assert.deepEqual(started, { ranMs: 0, bootId: 'a', bootMs: 500 });
    const counted = countRunning(started, { bootId: 'a', bootMs: 1700 });
    assert.deepEqual(counted, { ranMs: 1200, bootId: 'a', bootMs: 1700 });
    assert.deepEqual(countRunning(counted, { bootId: 'b', bootMs: 300 }), { ranMs: 1500, bootId: 'b', bootMs: 300 });
  });

  it('L1: never fall, whatever readings come', () => {
    fc.assert(
      fc.property(fc.array(reading, { maxLength: 20 }), (readings) => {
        let time = startedNow({ bootId: 'a', bootMs: 0 });
        for (const now of readings) {
          const next = countRunning(time, now);
          assert.ok(next.ranMs >= time.ranMs);
          assert.equal(next.ranMs, ranMs(time, now));
          time = next;
        }
      }),
    );
  });

  it('L1: tell the same whether they are counted often or once within a boot', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(10_000), { minLength: 1, maxLength: 20 }), (stepsMs) => {
        let bootMs = 0;
        let often = startedNow({ bootId: 'a', bootMs });
        for (const ms of stepsMs) often = countRunning(often, { bootId: 'a', bootMs: (bootMs += ms) });
        assert.deepEqual(often.ranMs, ranMs(startedNow({ bootId: 'a', bootMs: 0 }), { bootId: 'a', bootMs }));
      }),
    );
  });

  it('L2: run license time at the rate, and trusted time at one', () => {
    const fast = recordOf(statementOf(1, {}, { rate: 43_200, trustedMs: T0 + 7 }), 0, 'a', 100);
    const now: BootReading = { bootId: 'a', bootMs: 2100 };
    assert.equal(licenseNowMs(fast, now), T0 + 86_400_000);
    assert.equal(trustedNowMs(fast, now), T0 + 2007);
  });
});

describe('the exchange between nodes', () => {
  const now: BootReading = { bootId: 'mine', bootMs: 5000 };

  it('L3: takes the higher serial, though it names an earlier time and has run shorter', () => {
    const own = recordOf(statementOf(7, {}, { licenseMs: T0 + 1e9 }), 9000, 'mine', 1000);
    const other = recordOf(statementOf(8, {}, { licenseMs: T0 }), 30, 'theirs', 77);
    assert.deepEqual(mergeRecords(own, other, now), { ...other, since: { ranMs: 30, bootId: 'mine', bootMs: 5000 } });
    assert.equal(mergeRecords(other, own, now)?.statement.serial, 8);
  });

  it('L3: takes the larger running time at the same serial, and never the smaller', () => {
    const own = recordOf(statementOf(7), 1000, 'mine', 4000);
    assert.equal(mergeRecords(own, recordOf(statementOf(7), 9000, 'theirs', 1), now)?.since.ranMs, 9000);
    assert.equal(mergeRecords(own, recordOf(statementOf(7), 1999, 'theirs', 1), now)?.since.ranMs, 2000);
  });

  it('L3: gives a node with an empty store what the other has, and counts its own when nothing comes', () => {
    assert.equal(mergeRecords(undefined, recordOf(statementOf(7), 9000, 'theirs', 1), now)?.since.ranMs, 9000);
    assert.equal(mergeRecords(recordOf(statementOf(7), 0, 'mine', 4000), undefined, now)?.since.ranMs, 1000);
    assert.equal(mergeRecords(undefined, undefined, now), undefined);
  });

  it('counts what a record ran under way between nodes of one machine', () => {
    assert.equal(mergeRecords(undefined, recordOf(statementOf(7), 9000, 'mine', 4000), now)?.since.ranMs, 10_000);
  });

  it('L3, L4: never takes anything back, in whatever order records come', () => {
    fc.assert(
      fc.property(fc.option(record, { nil: undefined }), fc.array(fc.tuple(record, fc.nat(1000)), { maxLength: 12 }), (first, others) => {
        let own = mergeRecords(first, undefined, { bootId: 'mine', bootMs: 0 });
        let bootMs = 0;
        for (const [other, ms] of others) {
          bootMs += ms;
          const next = mergeRecords(own, other, { bootId: 'mine', bootMs });
          assert.ok(isNotBehind(next, own));
          assert.ok(next !== undefined && next.statement.serial >= other.statement.serial);
          assert.equal(next.since.bootId, 'mine');
          own = next;
        }
      }),
    );
  });

  it('L3: two nodes that tell each other agree, and telling again changes nothing', () => {
    fc.assert(
      fc.property(record, record, (a, b) => {
        const at = (bootId: string): BootReading => ({ bootId, bootMs: 1_000_000 });
        const one = mergeRecords(mergeRecords(a, undefined, at('x')), mergeRecords(b, undefined, at('y')), at('x'));
        const two = mergeRecords(mergeRecords(b, undefined, at('y')), mergeRecords(a, undefined, at('x')), at('y'));
        assert.equal(one?.token, two?.token);
        assert.equal(one?.since.ranMs, two?.since.ranMs);
        assert.deepEqual(mergeRecords(one, two, at('x')), one);
      }),
    );
  });
});
