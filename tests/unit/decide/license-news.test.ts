/** What is told of a license when a director answers again after an outage, and with which time. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noteOf, tellable } from '../../../src/decide/license-news.ts';
import type { LicenseNews, LicenseNote } from '../../../src/decide/license-news.ts';
import { DAY_MS, KeeperBench, recordOf, statementOf, T0 } from './license-fixtures.ts';

/** A site without a cloud-proxy for `days`; what it had to say, each at its time. */
function outage(days: number): { readonly bench: KeeperBench; readonly notes: readonly LicenseNote[] } {
  const bench = new KeeperBench(recordOf(statementOf(5))).ready();
  bench.send({ kind: 'PrerequisitesChanged', siteUid: 'site-1', missing: ['cloud-proxy'] });
  const notes: LicenseNote[] = [];
  while (bench.nowMs < days * DAY_MS) {
    bench.pass(bench.wakeInMs);
    for (const effect of bench.effects) if (isNews(effect)) notes.push(noteOf(effect, T0 + bench.nowMs, notes.at(-1)));
  }
  return { bench, notes };
}

function isNews(effect: { readonly kind: string }): effect is LicenseNews {
  return ['ReportState', 'Warn', 'ReportFailure'].includes(effect.kind);
}

test('I1: each bears the time at which it happened, in order, also when trusted time is corrected backward', () => {
  const { notes } = outage(27);
  assert.deepEqual(
    notes.map(({ reason, atMs }) => `${reason} ${(atMs - T0) / DAY_MS}`),
    ['LicenseStateChanged 1', 'LicenseWarning 12', 'LicenseWarning 19', 'LicenseWarning 23', 'LicenseWarning 25', 'LicenseStateChanged 26'],
  );
  const [first] = notes;
  assert.ok(first !== undefined);
  assert.equal(noteOf({ kind: 'ReportFailure', message: 'No.' }, first.atMs - 5, first).atMs, first.atMs);
});

test('I2, I3: delivered late, changes of state are told and say what holds by then; warnings that no longer hold are not', () => {
  const { bench, notes } = outage(24);
  const told = (): (string | undefined)[] => notes.map((note) => tellable(note, bench.send({ kind: 'TimePassed' }).keeperView()));
  assert.deepEqual(
    told().map((one) => one !== undefined),
    [true, false, false, true],
    'of the warnings only the one in force',
  );
  assert.doesNotMatch(told()[0] ?? '', /Told late/);
  bench.send({ kind: 'PrerequisitesChanged', siteUid: 'site-1', missing: [] });
  bench.succeed(statementOf(6, {}, { licenseMs: T0 + 24 * DAY_MS }));
  const after = told();
  assert.match(after[0] ?? '', /^License standard was not synced since .* \(Told late: the license is Active by now\.\)$/);
  assert.deepEqual(after.slice(1), [undefined, undefined, undefined]);
});
