/**
 * Getting into the console: links that let in once, sessions that end, and everything that only looks like one.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { createConsoleSessions } from '../../../src/director/auth/console-session.ts';
import { isRefused } from '../../../src/director/auth/identity.ts';
import type { AuthAnswer, Identity, Refused } from '../../../src/director/auth/identity.ts';
import { sha256 } from '../../../src/director/auth/service-account.ts';
import { secretData, secretKey, secretObject } from '../../../src/director/auth/stored-object.ts';
import { sweepTokens } from '../../../src/director/auth/token-sweep.ts';
import {
  CONSOLE_LINK_TYPE,
  CONSOLE_SESSION_PATH,
  CONSOLE_SESSION_TYPE,
  consoleData,
  consoleLink,
  linkCode,
  parseLinkCode,
  parseSessionToken,
  sessionToken,
} from '../../../src/model/console-session.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { LIMITS } from '../../../src/model/limits.ts';
import { newJoinSecret } from '../../../src/platform/join-secret.ts';
import type { EntityStore } from '../../../src/ports/store.ts';
import { never, openTestAuth, openWorld, put, random, remove, testAuthorizer } from './support.ts';

async function open(t: TestContext) {
  const world = await openWorld(t);
  const auth = await openTestAuth(t, world);
  const send = (method: string, body?: JsonObject, authorization?: string, address = '192.0.2.1'): Promise<AuthAnswer> =>
    auth.ownPaths.handle({ method, path: CONSOLE_SESSION_PATH, body, credentials: { authorization }, remoteAddress: address }, never);
  return {
    world,
    auth,
    send,
    link: async (): Promise<string> => {
      const { id, secret, hash } = newJoinSecret();
      const expiresAt = new Date(world.clock.nowMs() + LIMITS.consoleLinkTtlMs).toISOString();
      const data = consoleData({ tokenHash: hash, expiresAt, user: 'admin' });
      await put(world.store, secretObject('outrigger-system', `console-link-${id}`, CONSOLE_LINK_TYPE, data));
      return linkCode({ id, secret });
    },
    logIn: async (code: string): Promise<string> => {
      const answer = await send('POST', { code });
      assert.equal(answer.status, 201, JSON.stringify(answer.body));
      return textOf(answer.body, 'token');
    },
    who: async (token: string): Promise<Identity | Refused> => await auth.authenticator.authenticate({ authorization: `Bearer ${token}` }),
  };
}

function textOf(body: JsonObject, field: string): string {
  const value = body[field];
  return typeof value === 'string' ? value : '';
}

function sessionName(token: string): string {
  return `console-session-${parseSessionToken(token)?.id}`;
}

describe('links', () => {
  test('I1: one link opens one session, also of many exchanges at once', async (t) => {
    const { link, send } = await open(t);
    const code = await link();
    const answers = await Promise.all(Array.from({ length: 8 }, () => send('POST', { code })));
    assert.deepEqual(
      answers.map(({ status }) => status).toSorted((a, b) => a - b),
      [201, ...Array.from({ length: 7 }, () => 403)],
    );
  });

  test('I2: unknown, wrong and used codes hear the same; only who knows all of it hears that it is expired', async (t) => {
    const { link, send, logIn, world } = await open(t);
    const [used, late] = [await link(), await link()];
    await logIn(used);
    const wrong = `${late.slice(0, -1)}${late.endsWith('0') ? '1' : '0'}`;
    const says = await Promise.all(
      [used, wrong, linkCode(newJoinSecret()), 'x'].map(async (code) => textOf((await send('POST', { code })).body, 'message')),
    );
    assert.equal(new Set(says).size, 1, says.join('\n'));
    assert.match(says[0] ?? '', /outrigger console link/);
    world.clock.advance(LIMITS.consoleLinkTtlMs + 1);
    assert.match(textOf((await send('POST', { code: late })).body, 'message'), /expired at/);
    assert.equal((await send('POST', { code: wrong })).body['message'], says[0]);
  });

  test('guessing is slowed down by address', async (t) => {
    const { send, link } = await open(t);
    const code = linkCode(newJoinSecret());
    for (let count = 0; count < LIMITS.joinRefusalsPerMinute; count++) await send('POST', { code });
    assert.equal((await send('POST', { code: await link() })).status, 429);
    assert.equal((await send('POST', { code: await link() }, undefined, '192.0.2.2')).status, 201);
  });

  test('bodies that are none are refused with a sentence', async (t) => {
    const { send } = await open(t);
    for (const body of [undefined, {}, { code: 7 }, { code: 'x'.repeat(1000) }] as (JsonObject | undefined)[]) {
      const answer = await send('POST', body);
      assert.equal(answer.status, 400);
      assert.match(textOf(answer.body, 'message'), /#code=/);
    }
    assert.equal((await send('GET')).status, 405);
  });
});

describe('sessions', () => {
  test('I3: its bearer is an administrator until it expires', async (t) => {
    const { link, logIn, who, world } = await open(t);
    const token = await logIn(await link());
    const identity = await who(token);
    assert.ok(!isRefused(identity));
    assert.deepEqual([identity.kind, identity.name], ['admin', 'admin']);
    assert.equal(await who(token), identity, 'the same object as long as it is cached');
    world.clock.advance(LIMITS.consoleSessionTtlMs + 1000);
    assert.ok(isRefused(await who(token)));
  });

  test('I3: log-out ends it, and so does deleting its Secret', async (t) => {
    const { link, logIn, who, send, world } = await open(t);
    const [one, other] = [await logIn(await link()), await logIn(await link())];
    assert.equal((await send('DELETE', undefined, `Bearer ${one}`)).status, 200);
    assert.ok(isRefused(await who(one)));
    assert.equal((await send('DELETE', undefined, `Bearer ${one}`)).status, 401);
    assert.ok(!isRefused(await who(other)));
    await remove(world.store, world.store.get(secretKey('outrigger-system', sessionName(other)))?.object() as JsonObject);
    assert.ok(isRefused(await who(other)));
  });

  test('I3: another director knows it at once', async (t) => {
    const { link, logIn, world } = await open(t);
    const elsewhere = await openWorld(t, { database: world.database, clock: world.clock });
    const other = await openTestAuth(t, elsewhere);
    const token = await logIn(await link());
    assert.ok(!isRefused(await other.authenticator.authenticate({ authorization: `Bearer ${token}` })));
  });

  test('I3: a director whose copy is behind looks again before it refuses', async (t) => {
    const { link, logIn, world } = await open(t);
    const token = await logIn(await link());
    let isBehind = true;
    const store: EntityStore = {
      ...world.store,
      get: (key) => (isBehind ? undefined : world.store.get(key)),
      fresh: (signal) => {
        isBehind = false;
        return world.store.fresh(signal);
      },
    };
    const behind = createConsoleSessions({ ...world, store, random, newSecret: newJoinSecret });
    assert.ok(!isRefused(await behind.judge(token)));
  });

  test('I4: neither code nor token is stored, nor reaches the log', async (t) => {
    const { link, logIn, world } = await open(t);
    const code = await link();
    const token = await logIn(code);
    const stored = world.store.list('', 'secrets').map((secret) => [...secretData(secret.object()).values()].join(' '));
    const secrets = [parseLinkCode(code)?.secret ?? '-', parseSessionToken(token)?.secret ?? '-'];
    for (const text of [...stored, JSON.stringify(world.log)]) for (const secret of secrets) assert.ok(!text.includes(secret));
    assert.ok(stored.some((text) => text.includes(sha256(secrets[1] ?? ''))));
  });

  test('what only looks like one is refused', async (t) => {
    const { link, logIn, who } = await open(t);
    const token = await logIn(await link());
    const wrong = `${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}`;
    for (const text of [wrong, sessionToken(newJoinSecret()), 'outrigger-session.', `${token}x`, await link()])
      assert.ok(isRefused(await who(text)), text);
  });

  test('I5: nobody but administrators writes links and sessions, whatever RBAC gives', async (t) => {
    const world = await openWorld(t);
    const authorizer = testAuthorizer(t, world);
    const rule = { apiGroups: [''], resources: ['secrets'], verbs: ['*'] };
    const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1' };
    await put(world.store, { ...rbac, kind: 'ClusterRole', metadata: { name: 'keeper' }, rules: [rule] });
    const subjects = [{ kind: 'User', name: 'eve' }];
    const roleRef = { kind: 'ClusterRole', name: 'keeper', apiGroup: 'rbac.authorization.k8s.io' };
    await put(world.store, { ...rbac, kind: 'ClusterRoleBinding', metadata: { name: 'keeper' }, subjects, roleRef });
    const eve: Identity = { kind: 'user', name: 'eve', groups: [] };
    const attributes = { verb: 'create', group: '', version: 'v1', resource: 'secrets', namespace: 'outrigger-system', name: 'x' };
    const judge = (type: string) => authorizer.authorizeWrite(eve, attributes, { next: secretObject('outrigger-system', 'x', type, {}) });
    assert.equal(judge('Opaque').allowed, true);
    for (const type of [CONSOLE_LINK_TYPE, CONSOLE_SESSION_TYPE]) assert.match(judge(type).reason, /only administrators write them/);
  });

  test('what has expired is swept, and nothing else', async (t) => {
    const { link, logIn, world } = await open(t);
    await logIn(await link());
    await link();
    assert.equal(await sweepTokens(world, never), 0);
    world.clock.advance(LIMITS.consoleLinkTtlMs + 1);
    assert.equal(await sweepTokens(world, never), 1);
    world.clock.advance(LIMITS.consoleSessionTtlMs);
    assert.equal(await sweepTokens(world, never), 1);
  });
});

test('I1: codes and tokens are read back, and a link holds its code in the fragment', () => {
  const proof = { id: 'a'.repeat(10), secret: 'b'.repeat(32) };
  assert.deepEqual(parseLinkCode(linkCode(proof)), proof);
  assert.deepEqual(parseSessionToken(sessionToken(proof)), proof);
  assert.equal(parseLinkCode(sessionToken(proof)), undefined);
  assert.equal(new URL(consoleLink('https://d:7443/', linkCode(proof))).hash, `#code=${linkCode(proof)}`);
});
