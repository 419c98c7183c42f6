/**
 * Addresses that come from other nodes.
 */

import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { hostPortOf, isHost, isHostPort } from '../../../src/model/network-address.ts';

test('IPv4, IPv6 and host names are addresses of nodes', () => {
  for (const good of [
    '127.0.0.1',
    '10.20.30.255',
    '::',
    '::1',
    'fd00::2',
    '1:2:3:4:5:6:7:8',
    '1::8',
    '::ffff:10.0.0.1',
    'node-1',
    'a_b.example.',
    'localhost',
  ])
    assert.ok(isHost(good), good);
  for (const bad of [
    '',
    '::::',
    '1:2:3',
    ':1',
    '1:::2',
    '1.2.3',
    '1.2.3.400',
    '01.2.3.4',
    '0x7f',
    '-a',
    'a..b',
    'a/b',
    'a b',
    'a@b',
    '[::1]',
    'fe80::1%lo',
    'a\0',
    'a\n',
    7,
    null,
    undefined,
  ])
    assert.ok(!isHost(bad), String(bad));
});

test('a host and a port are an address of an instance', () => {
  assert.deepEqual(hostPortOf('127.0.0.1:65535'), { host: '127.0.0.1', port: 65_535 });
  assert.deepEqual(hostPortOf('[fd00::2]:80'), { host: 'fd00::2', port: 80 });
  assert.deepEqual(hostPortOf('node-1:1'), { host: 'node-1', port: 1 });
  for (const bad of ['nonsense', '127.0.0.1', '127.0.0.1:0', '127.0.0.1:65536', '127.0.0.1:99999', 'a:080', ':80', '[a]:80', 'a:1 ', 'a:'])
    assert.equal(hostPortOf(bad), undefined, bad);
});

test('I1: whatever is taken can be made a URL of; every IPv6 address that the system knows is taken', () => {
  const texts = fc.oneof(fc.stringMatching(/^[0-9a-fx:.]{1,20}$/), fc.domain(), fc.string(), fc.ipV6(), fc.ipV4());
  fc.assert(
    fc.property(texts, (text) => {
      if (isHost(text) && !/xn--/i.test(text)) assert.ok(URL.canParse(`https://${text.includes(':') ? `[${text}]` : text}:80`), text);
      if (isIP(text) !== 0 && /^[0-9a-f:]+$/i.test(text)) assert.ok(isHost(text), text);
      assert.equal(isHostPort(`${text}:80`) && !text.startsWith('['), isHost(text));
    }),
    { numRuns: 3_000 },
  );
});
