/**
 * Statements, records and a keeper on a bench, for the tests of the universal license.
 */

import { viewKeeper } from '../../../src/decide/license-keeper.ts';
import { initialLicense, stepLicense } from '../../../src/decide/license-machine.ts';
import type { KeeperView, LicenseEffect, LicenseKeeper } from '../../../src/decide/license-keeper.ts';
import type { LicenseEvent } from '../../../src/decide/license-table.ts';
import type { LicenseRecord, LicenseStatement } from '../../../src/model/license-statement.ts';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
export const T0 = Date.UTC(2026, 0, 1);

export function statementOf(
  serial: number,
  license: Partial<LicenseStatement['license']> = {},
  more: Partial<LicenseStatement> = {},
): LicenseStatement {
  return {
    iss: 'outrigger',
    typ: 'universal-license',
    serial,
    licenseMs: T0,
    trustedMs: T0,
    rate: 1,
    site: { namespace: 'demo', name: 'harbor', uid: 'site-1' },
    clusterUid: 'cluster-1',
    license: {
      name: 'standard',
      uid: 'license-1',
      edition: 'Standard',
      seats: 10,
      model: 'Concurrent',
      startMs: T0 - 30 * DAY_MS,
      endMs: T0 + 365 * DAY_MS,
      syncPeriodMs: DAY_MS,
      syncGraceMs: 25 * DAY_MS,
      contractGraceMs: 30 * DAY_MS,
      onExpiry: 'RefuseNewSessions',
      peakReset: 0,
      ...license,
    },
    ...more,
  };
}

export function recordOf(statement: LicenseStatement, ranMs = 0, bootId = 'boot-1', bootMs = 0): LicenseRecord {
  return { token: `token-${statement.serial}`, statement, since: { ranMs, bootId, bootMs } };
}

/** A keeper whose time is moved by hand. */
export class KeeperBench {
  keeper: LicenseKeeper;
  nowMs = 0;
  bootId: string;
  wakeInMs = 0;
  effects: readonly LicenseEffect[] = [];
  /** Of all steps. */
  all: LicenseEffect[] = [];
  dice = 0;

  constructor(stored?: LicenseRecord, bootId = 'boot-1') {
    this.bootId = bootId;
    this.keeper = initialLicense('cluster-1', stored, this.reading(), 0);
  }

  keeperView(): KeeperView {
    return viewKeeper(this.keeper, this.reading());
  }

  reading(): { bootId: string; bootMs: number } {
    return { bootId: this.bootId, bootMs: this.nowMs };
  }

  send(event: LicenseEvent): this {
    const step = stepLicense(this.keeper, event, this.reading(), this.dice);
    this.keeper = step.keeper;
    this.effects = step.effects;
    this.all.push(...step.effects);
    this.wakeInMs = step.wakeInMs;
    return this;
  }

  /** Paired, all framework services alive, in authority. */
  ready(): this {
    return this.send({ kind: 'PrerequisitesChanged', siteUid: 'site-1', missing: [] }).send({ kind: 'AuthorityGained' });
  }

  pass(ms: number): this {
    this.nowMs += ms;
    return this.send({ kind: 'TimePassed' });
  }

  /** In steps as small as the keeper asks for. */
  live(ms: number): this {
    const endMs = this.nowMs + ms;
    while (this.nowMs < endMs) this.pass(Math.min(this.wakeInMs, endMs - this.nowMs));
    return this;
  }

  asked(): number | undefined {
    return this.keeper.asking?.request;
  }

  succeed(statement: LicenseStatement): this {
    return this.send({ kind: 'SyncSucceeded', request: this.asked() ?? -1, token: `token-${statement.serial}`, statement });
  }

  fail(message = 'The director does not answer.'): this {
    return this.send({ kind: 'SyncFailed', request: this.asked() ?? -1, message });
  }

  kinds(): string[] {
    return this.effects.map((effect) => effect.kind);
  }
}
