/** What a site may learn of a caller, and do to his browser: src/decide/proxied-headers.ts. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COOKIE_PREFIX, headerOf, headersInward, headersOnward, headersOutward } from '../../../src/decide/proxied-headers.ts';

const FOR = { address: '10.0.0.1', host: 'director:7443', prefix: '/apis/x/proxy/portal' };
const inward = (...headers: string[]): string[] => headersInward(headers, FOR);
const outward = (...headers: string[]): string[] => headersOutward(headers, FOR);
const valuesOf = (headers: readonly string[], name: string): string[] => headers.filter((_, i) => i % 2 === 1 && headers[i - 1] === name);

test('I1: no Authorization, no bearer in a protocol list, no cookie but the site’s own', () => {
  const headers = inward(
    'authorization',
    'Bearer s3cret',
    'sec-websocket-protocol',
    'base64url.bearer.authorization.k8s.io.czNjcmV0, chat',
    'cookie',
    `session=s3cret; ${COOKIE_PREFIX}sid=1`,
    'cookie',
    `${COOKIE_PREFIX}csrf=2; other=s3cret`,
  );
  assert.ok(!headers.join('\n').includes('s3cret'));
  assert.ok(!headers.join('\n').includes('czNjcmV0'));
  assert.equal(headerOf(headers, 'cookie'), 'sid=1; csrf=2');
  assert.equal(headerOf(headers, 'sec-websocket-protocol'), 'chat');
});

test('I1: a cookie of a site is renamed and bound to the prefix, and comes back as it was', () => {
  const [cookie = ''] = valuesOf(
    outward('set-cookie', '__Host-sid=1; Path=/; Domain=evil.example; HttpOnly; SameSite=Strict'),
    'set-cookie',
  );
  assert.equal(cookie, `${COOKIE_PREFIX}__Host-sid=1; Path=${FOR.prefix}/; HttpOnly; SameSite=Strict; Secure`);
  assert.equal(headerOf(inward('cookie', cookie.split(';')[0] ?? ''), 'cookie'), '__Host-sid=1');
  assert.match(valuesOf(outward('set-cookie', 'a=b; path=/deep'), 'set-cookie')[0] ?? '', new RegExp(`Path=${FOR.prefix}/deep;`));
});

test('I2: what holds for one connection is not passed on', () => {
  const headers = [
    'connection',
    'keep-alive, X-Mine',
    'x-mine',
    '1',
    'transfer-encoding',
    'chunked',
    'te',
    'trailers',
    'upgrade',
    'x',
    'accept',
    'a',
  ];
  for (const passed of [inward(...headers), outward(...headers), headersOnward(headers)]) {
    for (const name of ['connection', 'x-mine', 'transfer-encoding', 'te', 'upgrade'])
      assert.equal(headerOf(passed, name), undefined, name);
    assert.equal(headerOf(passed, 'accept'), 'a');
  }
});

test('I3: X-Forwarded-* are ours alone', () => {
  const headers = inward('x-forwarded-for', '6.6.6.6', 'x-forwarded-user', 'root', 'forwarded', 'for=6.6.6.6', 'impersonate-user', 'root');
  assert.deepEqual(valuesOf(headers, 'x-forwarded-for'), ['10.0.0.1']);
  assert.equal(headerOf(headers, 'x-forwarded-prefix'), FOR.prefix);
  assert.equal(headerOf(headers, 'host'), 'director:7443');
  assert.ok(!headers.includes('root') && !headers.includes('for=6.6.6.6'));
});

test('I4: a site sets nothing for the whole address', () => {
  for (const name of ['strict-transport-security', 'alt-svc', 'clear-site-data', 'service-worker-allowed'])
    assert.deepEqual(outward(name, 'x'), []);
});

test('redirects stay below the prefix', () => {
  for (const [location, expected] of [
    ['/login', `${FOR.prefix}/login`],
    [`${FOR.prefix}/login`, `${FOR.prefix}/login`],
    ['login', 'login'],
    ['https://director:7443/a?b', `${FOR.prefix}/a?b`],
    ['https://elsewhere/a', 'https://elsewhere/a'],
    ['//elsewhere/a', '//elsewhere/a'],
  ] as const)
    assert.equal(headerOf(outward('location', location), 'location'), expected);
});
