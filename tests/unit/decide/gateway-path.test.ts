/** The paths that lead through a tunnel: src/decide/gateway-path.ts. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readGatewayPath, readReached, reachedPath } from '../../../src/decide/gateway-path.ts';

const ROOT = '/apis/outrigger.dev/v1/namespaces/demo';
const PROXY = `${ROOT}/clusters/harbor/proxy`;

test('services, with and without a path, plain and https', () => {
  for (const [tail, service, secure, rest, prefix] of [
    ['/services/web', 'web', false, '/', '/services/web'],
    ['/services/web/', 'web', false, '/', '/services/web'],
    ['/services/web?x=1', 'web', false, '/?x=1', '/services/web'],
    ['/services/https:web/a%2Fb/../c?d=/e', 'web', true, '/a%2Fb/../c?d=/e', '/services/https:web'],
    ['/services/https%3Aweb:/a', 'web', true, '/a', '/services/https%3Aweb:'],
  ] as const) {
    assert.deepEqual(readGatewayPath(PROXY + tail), {
      aim: {
        kind: 'proxy',
        namespace: 'demo',
        cluster: 'harbor',
        prefix: PROXY + prefix,
        reached: { kind: 'service', service, secure, rest },
      },
    });
  }
});

test('the portal', () => {
  assert.deepEqual(readGatewayPath(`${PROXY}/portal/login?a=b`), {
    aim: {
      kind: 'proxy',
      namespace: 'demo',
      cluster: 'harbor',
      prefix: `${PROXY}/portal`,
      reached: { kind: 'portal', rest: '/login?a=b' },
    },
  });
});

test('logs', () => {
  assert.deepEqual(readGatewayPath(`${ROOT}/clusternodes/harbor-a1-n0/log?service=web&follow=true`), {
    aim: { kind: 'log', namespace: 'demo', node: 'harbor-a1-n0', query: 'service=web&follow=true' },
  });
});

test('what the site reads is what the director read', () => {
  for (const tail of ['/services/web/a?b', '/services/https:web/', '/portal/x']) {
    const read = readReached(tail);
    assert.ok('reached' in read);
    assert.deepEqual(readReached(reachedPath(read.reached)), read);
  }
});

test('I1: what is not a name is refused, what is none of ours is left alone', () => {
  for (const tail of [
    '',
    '/',
    '/services',
    '/services/',
    '/services/..',
    '/services/a%2Fb',
    '/services/web:80/',
    '/nodes/x',
    '/services/http:web',
  ]) {
    const read = readGatewayPath(PROXY + tail);
    assert.ok(read !== undefined && 'refused' in read, tail);
  }
  for (const path of [
    `${ROOT}/clusters/harbor`,
    `${ROOT}/clusters/harbor/proxyx`,
    `${ROOT}/clusters/a/b/proxy/portal`,
    '/api/v1/x',
    '/metrics',
  ])
    assert.equal(readGatewayPath(path), undefined, path);
  for (const path of [`${ROOT}/clusters/Har%62or/proxy/portal`, `${ROOT}/clusternodes/../log`])
    assert.ok('refused' in (readGatewayPath(path) ?? {}), path);
});
