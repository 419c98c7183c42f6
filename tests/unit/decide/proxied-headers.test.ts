/** What a site may learn of a caller, and do to his browser: src/decide/proxied-headers.ts. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  COOKIE_PREFIX,
  headerOf,
  headersInward,
  headersOnward,
  headersOutward,
  redirectsAway,
} from '../../../src/decide/proxied-headers.ts';

const FOR = {
  address: '10.0.0.1',
  host: 'director:7443',
  prefix: '/apis/x/proxy/services/web',
  path: '/deep/page?q',
  kind: 'service',
} as const;
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
  for (const name of [
    'strict-transport-security',
    'alt-svc',
    'clear-site-data',
    'service-worker-allowed',
    'nel',
    'report-to',
    'www-authenticate',
  ])
    assert.equal(headerOf(outward(name, 'x'), name), undefined, name);
});

test('I5: redirects stay below the prefix, whatever dots and letters they are made of', () => {
  for (const [location, expected] of [
    ['/login', '/login'],
    [`${FOR.prefix}/login`, '/login'],
    ['login', '/deep/login'],
    ['?a', '/deep/page?a'],
    ['./', '/deep/'],
    ['https://director:7443/a?b', '/a?b'],
    ['http://DIRECTOR:7443/a#c', '/a#c'],
    ['../../../../../../api/v1/namespaces/demo', '/api/v1/namespaces/demo'],
    ['/%2e%2e/.%2E/api/v1', '/api/v1'],
    [`${FOR.prefix}/../../../clusters/harbor`, '/apis/x/clusters/harbor'],
    ['/\t../api', '/api'],
    ['https:/api/v1', '/api/v1'],
  ] as const) {
    assert.equal(headerOf(outward('location', location), 'location'), `${FOR.prefix}${expected}`, location);
    assert.equal(headerOf(outward('content-location', location), 'content-location'), `${FOR.prefix}${expected}`, location);
    assert.equal(redirectsAway(307, ['location', location], FOR), false);
  }
});

test('I5: a redirect to elsewhere is not passed on; a place that is only told is left out', () => {
  for (const location of [
    'https://elsewhere/a',
    '//elsewhere/a',
    '\\\\elsewhere/a',
    '/\\elsewhere/a',
    'http:/\\elsewhere',
    'https://director:7443@elsewhere/',
    'https://u:p@director:7443/',
    'https://director:7444/',
    'https://director/',
    'javascript:alert(1)',
    'data:text/html,x',
    'https://[',
    ' \thttps://elsewhere',
  ]) {
    assert.equal(redirectsAway(302, ['location', location], FOR), true, location);
    assert.equal(redirectsAway(201, ['location', location], FOR), false, location);
    assert.equal(headerOf(outward('location', location), 'location'), undefined, location);
  }
  for (const host of ['', 'a b', 'evil/..', 'x@y'])
    assert.equal(redirectsAway(302, ['location', '//elsewhere'], { ...FOR, host }), true, host);
});

test('I6: scripts of a site have no origin that they share with the director; the portal has an origin and no scripts', () => {
  const policiesOf = (kind: 'service' | 'portal' | 'log'): string[] =>
    valuesOf(
      headersOutward(['content-security-policy', 'sandbox allow-same-origin allow-scripts'], { ...FOR, kind }),
      'content-security-policy',
    );
  const [theirs, ours] = policiesOf('service');
  assert.equal(theirs, 'sandbox allow-same-origin allow-scripts');
  assert.match(ours ?? '', /^sandbox (?!.*allow-same-origin)(?!.*allow-top-navigation)(?!.*escape)/);
  assert.match(policiesOf('portal')[1] ?? '', /script-src 'none'/);
  assert.doesNotMatch(policiesOf('portal')[1] ?? '', /allow-scripts/);
  assert.match(policiesOf('log')[1] ?? '', /^sandbox; default-src 'none'$/);
});
