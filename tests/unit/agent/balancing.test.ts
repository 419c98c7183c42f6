/**
 * Which instance gets a connection, and which request may be given to another.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isReplayable, pickEndpoint } from '../../../src/decide/balancing.ts';
import type { Candidate } from '../../../src/decide/balancing.ts';

const candidate = (address: string, more: Partial<Candidate> = {}): Candidate => ({
  address,
  local: false,
  draining: false,
  ejected: false,
  connections: 0,
  ...more,
});
const pick = (candidates: Candidate[], ...tried: string[]) => pickEndpoint(candidates, new Set(tried))?.address;

test('I1: least connections, then the local one, then the first by address', () => {
  assert.equal(pick([candidate('a', { connections: 2 }), candidate('b', { connections: 1 })]), 'b');
  assert.equal(pick([candidate('a'), candidate('b', { local: true })]), 'b');
  assert.equal(pick([candidate('a'), candidate('b', { local: true, connections: 1 })]), 'a');
  assert.equal(pick([candidate('b'), candidate('a')]), 'a');
});

test('I2: draining ones before ejected ones before nobody, and none twice', () => {
  const [good, draining, ejected] = [
    candidate('g', { connections: 9 }),
    candidate('d', { draining: true }),
    candidate('e', { ejected: true }),
  ];
  assert.equal(pick([ejected, draining, good]), 'g');
  assert.equal(pick([ejected, draining, good], 'g'), 'd');
  assert.equal(pick([ejected, draining, good], 'g', 'd'), 'e');
  assert.equal(pick([ejected, draining, good], 'g', 'd', 'e'), undefined);
  assert.equal(pick([]), undefined);
});

test('I1 and I2 hold for any candidates, in any order', () => {
  const some = fc.uniqueArray(
    fc.record({
      address: fc.string({ minLength: 1, maxLength: 3 }),
      local: fc.boolean(),
      draining: fc.boolean(),
      ejected: fc.boolean(),
      connections: fc.integer({ min: 0, max: 3 }),
    }),
    { selector: (one) => one.address, maxLength: 6 },
  );
  fc.assert(
    fc.property(some, fc.infiniteStream(fc.nat()), (candidates, dice) => {
      const tried = new Set(candidates.filter((_, at) => at % 3 === 2).map((one) => one.address));
      const best = pickEndpoint(candidates, tried);
      const left = candidates.filter((one) => !tried.has(one.address));
      assert.equal(best === undefined, left.length === 0);
      const shuffled = left
        .map((one) => ({ one, at: dice.next().value }))
        .sort((a, b) => a.at - b.at)
        .map(({ one }) => one);
      assert.equal(pickEndpoint(shuffled, tried)?.address, best?.address);
      const good = left.filter((one) => !one.ejected && !one.draining);
      if (best !== undefined && good.length > 0) assert.ok(good.includes(best) && good.every((one) => one.connections >= best.connections));
    }),
  );
});

test('I3: only whole requests without a body that change nothing are repeated', () => {
  const request = (method: string, headers = '') => `${method} /x HTTP/1.1\r\nhost: a\r\n${headers}\r\n`;
  for (const method of ['GET', 'HEAD', 'OPTIONS']) assert.equal(isReplayable(request(method)), true, method);
  assert.equal(isReplayable(request('GET', 'content-length: 0\r\n')), true);
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'CONNECT', 'get']) assert.equal(isReplayable(request(method)), false, method);
  assert.equal(isReplayable(request('GET', 'Content-Length: 12\r\n')), false);
  assert.equal(isReplayable(request('GET', 'transfer-encoding: chunked\r\n')), false);
  assert.equal(isReplayable(request('GET') + request('GET')), false, 'pipelined');
  assert.equal(isReplayable(request('GET') + 'x'), false, 'with a body');
  assert.equal(isReplayable(request('GET').slice(0, -2)), false, 'not whole');
  assert.equal(isReplayable('GET /x\r\n\r\n'), false, 'HTTP/0.9');
  assert.equal(isReplayable(''), false);
});
