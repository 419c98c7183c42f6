/** `outrigger license status`: a site without cluster or license lets nobody in, and the command says so by its exit code. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gatherLicenses, licensesExit } from '../../../src/cli/license.ts';
import type { LicenseLine } from '../../../src/cli/license.ts';
import type { EntityApi } from '../../../src/ports/api.ts';

const PLUGGED = { cluster: { name: 'harbor', uid: 'c1' } };
const ACTIVE = { state: 'Active', severity: 'Success', message: 'It is active.', refusesNewSessions: false, name: 'harbor' };

async function lineOf(siteStatus: object, license: object | undefined): Promise<readonly LicenseLine[]> {
  const site = { metadata: { name: 'harbor', namespace: 'demo' }, spec: { license: 'harbor' }, status: siteStatus };
  const cluster = { metadata: { name: 'harbor', uid: 'c1' }, spec: {}, status: { license } };
  const list = (address: { readonly plural: string }): Promise<object> =>
    Promise.resolve({ ok: true, value: { items: address.plural === 'sites' ? [site] : [cluster] } });
  return await gatherLicenses({ list } as unknown as EntityApi, 'demo', new AbortController().signal);
}

test('1 without a cluster, without a word of the primary and without a license; 0 while sessions are let in', async () => {
  for (const lines of [await lineOf({}, undefined), await lineOf(PLUGGED, undefined)]) {
    assert.equal(licensesExit(lines), 1);
    assert.match(lines[0]?.message ?? '', /no new sessions are let in/);
  }
  assert.equal(licensesExit(await lineOf(PLUGGED, ACTIVE)), 0);
});

test('what the last sync ended with is said once', async () => {
  const lastError = 'Nobody answers.';
  const [twice] = await lineOf(PLUGGED, { ...ACTIVE, message: 'It ended with: "Nobody answers".', lastError });
  assert.equal(twice?.message, 'It ended with: "Nobody answers".');
  const [once] = await lineOf(PLUGGED, { ...ACTIVE, lastError });
  assert.equal(once?.message, 'It is active. Last sync: Nobody answers.');
});
