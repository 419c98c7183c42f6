/**
 * Hosts and ports that can be none: a Fault, never an exception that ends the program.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFault } from '../../../src/model/fault.ts';
import { keepConnection } from '../../../src/platform/kept-connection.ts';
import { mutualHttp } from '../../../src/platform/mutual-http.ts';

const { signal } = new AbortController();
const trust = { kind: 'pin', pin: 'sha256:00' } as const;
const rest = { trust, deadlineMs: 2_000, trustedNowMs: 0 };

test('I3: an address that is none is a Fault', async () => {
  const http = mutualHttp();
  const order = { ...rest, method: 'GET' as const, maxAnswerBytes: 10 };
  for (const url of [
    'https://[::::]:7300',
    'https://1.2.3.400:80',
    'https://a:99999',
    'nonsense',
    'http://127.0.0.1:1',
    'https://xn--a:80/',
  ])
    for (const tried of [http.call({ ...order, url }, signal), keepConnection({ ...rest, origin: url }, signal)])
      await assert.rejects(tried, (cause) => isFault(cause, 'PeerUnreachable'), url);
  for (const [host, port] of [
    ['127.0.0.1', 99_999],
    ['127.0.0.1', Number.NaN],
    ['127.0.0.1', -1],
    ['', 80],
    ['a\0b', 80],
    ['::::', 80],
  ] as const)
    for (const tried of [http.reach(host, port, 2_000, signal), http.look(host === '' ? '::::' : host, port, 2_000, signal)])
      await assert.rejects(tried, (cause) => isFault(cause), `${host} ${port}`);
});
