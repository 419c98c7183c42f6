/** What somebody reads who wants a session and is not let in: nothing that only operators can follow, and nothing twice. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { viewLicense } from '../../../src/decide/universal-license.ts';
import type { FrameworkConfig } from '../../../src/model/framework.ts';
import { refusalOf } from '../../../src/services/connection-server-proxy/entry.ts';
import { DAY_MS, T0, recordOf, statementOf } from '../decide/license-fixtures.ts';

function refused(license: FrameworkConfig['license'], bootMs = 0): string | undefined {
  return refusalOf({ config: () => ({ license }) as FrameworkConfig, reading: () => ({ bootId: 'boot-1', bootMs }) });
}

test('one or two short sentences for users, in each state that refuses', () => {
  const then = "so no new sessions are let in; ask the site's administrator. Running sessions go on.";
  assert.equal(refused(undefined), `This site has no license yet, ${then}`);
  assert.equal(refused(recordOf(statementOf(5, { startMs: T0 + DAY_MS }))), `This site's license begins on 2026-01-02, ${then}`);
  assert.equal(refused(recordOf(statementOf(5), 30 * DAY_MS)), `This site's license has expired, ${then}`);
});

test('L7: the door refuses exactly when the license is said to refuse', () => {
  for (let day = 0; day < 80; day++) {
    const record = recordOf(statementOf(5, { startMs: T0 + 2 * DAY_MS, endMs: T0 + 20 * DAY_MS }));
    const view = viewLicense(record, T0 + day * DAY_MS);
    assert.equal(refused(record, day * DAY_MS) !== undefined, view.refusesNewSessions, `day ${day}`);
  }
});
