/**
 * Mutants of the universal license: one promise broken each. The simulator must find every one within the seeds that the unbroken code passes.
 */

import type { Mutant } from './mutants.ts';

/** First and last seed of every run of the tests. */
export const LICENSE_SEEDS = [1, 300] as const;

export const LICENSE_PROGRAM = 'sim/license/run.ts';

export const LICENSE_MUTANTS: readonly Mutant[] = [
  {
    name: 'grace is counted by the wall clock',
    seed: 1,
    file: 'sim/license/machine.ts',
    find: 'bootMs: Math.round(sinceBootMs) }',
    replace: 'bootMs: Math.max(0, Math.round(sinceBootMs + node.wallWrongMs)) }',
  },
  {
    name: 'jitter makes a sync later than due',
    seed: 1,
    file: 'src/decide/license-keeper.ts',
    find: 'dueMs - leadMs - jitter *',
    replace: 'dueMs + jitter *',
  },
  {
    name: 'a sync is asked for only when it is overdue',
    seed: 1,
    file: 'src/decide/license-keeper.ts',
    find: 'dueMs - leadMs - jitter * LIMITS.licenseJitterShare * syncPeriodMs',
    replace: 'dueMs + leadMs * 0 + jitter * 0',
  },
  {
    name: 'a failed sync begins the grace anew',
    seed: 4,
    file: 'src/decide/license-machine.ts',
    find: '    lastFailure: message,\n',
    replace:
      '    lastFailure: message,\n    record: keeper.record && { ...keeper.record, since: { ...keeper.record.since, ranMs: Math.min(keeper.record.since.ranMs, 0.5 * keeper.record.statement.license.syncGraceMs) } },\n',
  },
  {
    name: 'sync grace is counted from the last success, not from when the sync was due',
    seed: 1,
    file: 'src/decide/license-moments.ts',
    find: 'const syncGraceEndMs = dueMs + license.syncGraceMs;',
    replace: 'const syncGraceEndMs = licenseMs + license.syncGraceMs;',
  },
  {
    name: 'a success does not clear what has run',
    seed: 1,
    file: 'src/decide/license-machine.ts',
    find: 'since: startedNow(now) }',
    replace: 'since: keeper.record === undefined ? startedNow(now) : countRunning(keeper.record.since, now) }',
  },
  {
    name: 'expired is for good',
    seed: 1,
    file: 'src/decide/license-machine.ts',
    find: '  if (request !== keeper.asking?.request) return keeper;',
    replace: "  if (request !== keeper.asking?.request || keeper.state === 'Expired') return keeper;",
  },
  {
    name: 'between nodes the later time wins over the higher serial',
    seed: 1,
    file: 'src/decide/license-exchange.ts',
    find: 'theirs.statement.serial > mine.statement.serial',
    replace: 'theirs.statement.licenseMs > mine.statement.licenseMs',
  },
  {
    name: 'a reboot forgets running time',
    seed: 1,
    file: 'src/decide/license-clock.ts',
    find: 'ranMs: time.ranMs + Math.max(0, now.bootMs)',
    replace: 'ranMs: Math.max(0, now.bootMs)',
  },
  {
    name: 'what the new boot has run before the agent started is not counted',
    seed: 1,
    file: 'src/decide/license-clock.ts',
    find: 'ranMs: time.ranMs + Math.max(0, now.bootMs)',
    replace: 'ranMs: time.ranMs',
  },
  {
    name: 'running time is not stored',
    seed: 1,
    file: 'src/decide/license-effects.ts',
    find: 'serial === keeper.storedSerial && now.bootMs < keeper.storeAtMs',
    replace: 'serial === keeper.storedSerial',
  },
  {
    name: "a peer's smaller running time is taken",
    seed: 1,
    file: 'src/decide/license-exchange.ts',
    find: 'theirs.since.ranMs <= mine.since.ranMs',
    replace: 'theirs.since.ranMs >= mine.since.ranMs',
  },
  {
    name: "a peer's reading of its clock is taken for one's own",
    seed: 1,
    file: 'src/decide/license-exchange.ts',
    find: 'since: { ranMs: since.ranMs, bootId: now.bootId, bootMs: now.bootMs }',
    replace: 'since',
  },
  {
    name: 'an answer to an earlier request is accepted',
    seed: 11,
    file: 'src/decide/license-machine.ts',
    find: '  if (request !== keeper.asking?.request) return keeper;\n',
    replace: '',
  },
  {
    name: 'a replayed statement is accepted',
    seed: 1,
    file: 'src/decide/license-keeper.ts',
    find: 'serial <= here.heldSerial',
    replace: 'serial < 0',
  },
  {
    name: 'a license of another site is accepted',
    seed: 1,
    file: 'src/decide/license-keeper.ts',
    find: 'site.uid !== here.siteUid)\n',
    replace: "site.uid === '')\n",
  },
  {
    name: 'expired refuses running sessions too',
    seed: 1,
    file: 'sim/license/machine.ts',
    find: "session === 'Running' || ",
    replace: '',
  },
  {
    name: 'a contract ends without grace',
    seed: 1,
    file: 'src/decide/license-moments.ts',
    find: 'license.endMs + license.contractGraceMs',
    replace: 'license.endMs',
  },
  {
    name: 'sync grace refuses',
    seed: 1,
    file: 'src/decide/universal-license.ts',
    find: "state === 'Expired' || state === 'Inactive'",
    replace: "state === 'Expired' || state === 'Inactive' || state === 'SyncGrace'",
  },
  {
    name: 'a sync is asked for without every framework service',
    seed: 1,
    file: 'src/decide/license-keeper.ts',
    find: 'keeper.missing?.length === 0',
    replace: 'keeper.missing !== undefined',
  },
  {
    name: 'a node without authority asks too',
    seed: 1,
    file: 'src/decide/license-keeper.ts',
    find: 'return keeper.hasAuthority && keeper.siteUid',
    replace: 'return keeper.siteUid',
  },
  {
    name: 'a threshold is warned of at every step',
    seed: 1,
    file: 'src/decide/license-effects.ts',
    find: '  if (last?.atMs === approach.atMs && last.days <= days) return keeper;\n',
    replace: '',
  },
  {
    name: 'after a recovery nothing is warned of any more',
    seed: 1,
    file: 'src/decide/license-effects.ts',
    find: 'last?.atMs === approach.atMs && last.days <= days',
    replace: 'last !== undefined && last.days <= days',
  },
  {
    name: 'a failed sync is never tried again before the next reason',
    seed: 4,
    file: 'src/decide/license-machine.ts',
    find: 'notBeforeMs: now.bootMs + retryMs(keeper, tries, dice)',
    replace: 'notBeforeMs: now.bootMs + 1e12 + retryMs(keeper, tries, dice)',
  },
  {
    name: 'a request that is never answered is waited for for ever',
    seed: 1,
    file: 'src/decide/license-machine.ts',
    find: 'asking === undefined || now.bootMs - asking.sinceMs < LIMITS.licenseAnswerMs',
    replace: 'asking === undefined || dice < 2',
  },
  {
    name: 'a reset of the peaks is not heard',
    seed: 1,
    file: 'src/decide/seat-use.ts',
    find: 'const isReset = isOther || (!isOlder && peakReset > from.use.peakReset);',
    replace: 'const isReset = peakReset < 0;',
  },
  {
    name: 'peers are told before the disk is',
    seed: 1,
    file: 'src/decide/license-effects.ts',
    find: "effects.push({ kind: 'StoreRecord', record }, { kind: 'Deliver', record });",
    replace: "effects.push({ kind: 'Deliver', record }, { kind: 'StoreRecord', record });",
  },
  {
    name: 'framework services are told of new statements only',
    seed: 1,
    file: 'src/decide/license-effects.ts',
    find: "effects.push({ kind: 'StoreRecord', record }, { kind: 'Deliver', record });",
    replace:
      "effects.push({ kind: 'StoreRecord', record });\n  if (serial !== keeper.toldSerial) effects.push({ kind: 'Deliver', record });",
  },
];
