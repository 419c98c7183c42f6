/**
 * The token of an extension server: renewed at two thirds of its life, and read anew when its file changes.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { isTokenDue, lifetimeSeconds, tokenLifeOf } from '../../../src/decide/token-life.ts';
import { openCredential } from '../../../src/extension/credential.ts';
import type { Credential } from '../../../src/extension/credential.ts';
import { Fault } from '../../../src/model/fault.ts';
import type { Json, JsonObject } from '../../../src/model/json.ts';
import type { Answer, EntityApi } from '../../../src/ports/api.ts';
import type { Log } from '../../../src/ports/log.ts';
import { virtualClock } from '../../support/virtual-clock.ts';
import type { VirtualClock } from '../../support/virtual-clock.ts';

const HOUR_MS = 3_600_000;

function tokenOf(issuedMs: number, lifeMs: number, more: object = {}): string {
  const claims = {
    sub: 'system:serviceaccount:outrigger-system:extension',
    iat: issuedMs / 1000,
    exp: (issuedMs + lifeMs) / 1000,
    ...more,
  };
  return ['{}', JSON.stringify(claims), 'signature'].map((part) => Buffer.from(part).toString('base64url')).join('.');
}

interface Rig {
  readonly clock: VirtualClock;
  readonly credential: Credential;
  readonly asked: { readonly path: string; readonly spec: Json | undefined }[];
  readonly said: string[];
  readonly file: { text: string | undefined };
}

/** `answer`: what the director says to a TokenRequest. */
function rig(t: TestContext, first: (nowMs: number) => string | undefined, answer: (nowMs: number) => Promise<Answer<Json>>): Rig {
  const clock = virtualClock();
  const stop = new AbortController();
  const [asked, said]: [Rig['asked'], string[]] = [[], []];
  const log: Log = {
    debug: () => undefined,
    info: (message) => void said.push(message),
    warn: (message) => void said.push(message),
    error: (message) => void said.push(message),
    with: () => log,
  };
  const file = { text: first(clock.nowMs()) };
  const credential = openCredential({ read: () => file.text, clock, random: { float: () => 0 } as never, log });
  const post = (path: string, body: Json): Promise<Answer<Json>> => {
    asked.push({ path, spec: (body as JsonObject)['spec'] });
    return answer(clock.nowMs());
  };
  const kept = credential.keep({ post } as unknown as EntityApi, stop.signal);
  t.after(async () => {
    stop.abort();
    await kept;
  });
  return { clock, credential, asked, said, file };
}

const given = (lifeMs: number) => (nowMs: number) =>
  Promise.resolve({ ok: true, value: { status: { token: tokenOf(Math.floor(nowMs / 1000) * 1000, lifeMs) } } } as Answer<Json>);
const refused = () => Promise.resolve({ ok: false, reason: 'Forbidden', message: 'no role lets it' } as Answer<Json>);

test('I2: it is renewed at two thirds of its life, for itself and for as long again; and so is the next one', async (t) => {
  const { clock, credential, asked } = rig(t, (nowMs) => tokenOf(nowMs, HOUR_MS), given(HOUR_MS));
  const first = credential.token();
  await clock.advance((HOUR_MS * 2) / 3 - 10_000);
  assert.equal(asked.length, 0);
  await clock.advance(20_000);
  assert.equal(asked.length, 1);
  assert.notEqual(credential.token(), first);
  assert.equal(asked[0]?.path, '/api/v1/namespaces/outrigger-system/serviceaccounts/extension/token');
  assert.deepEqual(asked[0]?.spec, { audiences: [], expirationSeconds: 3600 });
  await clock.advance((HOUR_MS * 2) / 3 + 20_000);
  assert.equal(asked.length, 2);
});

test('the life of a token that was got counts from when it came: a clock that is years ahead makes no storm', async (t) => {
  const { clock, asked } = rig(t, (nowMs) => tokenOf(nowMs - 1000 * HOUR_MS, HOUR_MS), given(HOUR_MS));
  await clock.advance(HOUR_MS / 2);
  assert.equal(asked.length, 1);
});

test('I1: what is newly written into its file is used within seconds, also in place of a renewed one', async (t) => {
  const { clock, credential, file, said } = rig(t, (nowMs) => tokenOf(nowMs, HOUR_MS), given(HOUR_MS));
  await clock.advance(HOUR_MS);
  const another = tokenOf(clock.nowMs(), 24 * HOUR_MS);
  file.text = another;
  await clock.advance(6_000);
  assert.equal(credential.token(), another);
  assert.match(said.at(-1) ?? '', /replaced in its file/);
  file.text = undefined;
  await clock.advance(6_000);
  assert.equal(credential.token(), another, 'a file that is gone takes nothing away');
});

test('I3: a refusal is said with the end of the token, tried again with back-off, and costs nothing', async (t) => {
  const { clock, credential, asked, said } = rig(t, (nowMs) => tokenOf(nowMs, HOUR_MS), refused);
  const first = credential.token();
  await clock.advance(HOUR_MS);
  assert.equal(credential.token(), first);
  assert.ok(asked.length > 2 && asked.length < 12, `${asked.length} requests in the last twenty minutes`);
  assert.match(said[0] ?? '', /was not renewed: no role lets it\. It ends \d{4}-.*Z; it is tried again/);
  const away = rig(
    t,
    (nowMs) => tokenOf(nowMs - HOUR_MS, HOUR_MS),
    () => Promise.reject(new Fault('DirectorUnreachable', 'No answer.')),
  );
  await away.clock.advance(10_000);
  assert.match(away.said[0] ?? '', /No answer\./);
});

test('token-life I1: what is no token of a ServiceAccount is used as it is', async (t) => {
  for (const odd of ['opaque', 'a.b.c', tokenOf(0, HOUR_MS, { sub: 'ann' }), tokenOf(0, HOUR_MS, { exp: undefined }), tokenOf(0, -1)]) {
    assert.equal(tokenLifeOf(odd), undefined);
  }
  const { clock, credential, asked } = rig(t, () => 'opaque', refused);
  await clock.advance(100 * HOUR_MS);
  assert.equal(credential.token(), 'opaque');
  assert.equal(asked.length, 0);
  assert.equal(rig(t, () => undefined, refused).credential.token(), undefined);
});

test('token-life I2: due at two thirds', () => {
  const life = tokenLifeOf(tokenOf(3 * HOUR_MS, 3 * HOUR_MS));
  assert.ok(life);
  assert.deepEqual([life.namespace, life.name, lifetimeSeconds(life)], ['outrigger-system', 'extension', 3 * 3600]);
  assert.deepEqual(
    [5 * HOUR_MS - 1, 5 * HOUR_MS].map((nowMs) => isTokenDue(life, nowMs, undefined)),
    [false, true],
  );
  assert.deepEqual(
    [2 * HOUR_MS - 1, 2 * HOUR_MS].map((heldMs) => isTokenDue(life, 0, heldMs)),
    [false, true],
  );
});
