/**
 * Which instance gets a connection, and which request may be given to another.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { pickEndpoint, proxyHeader } from '../../../src/decide/balancing.ts';
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

test('an instance is told who its client is, in one line', () => {
  const ends = { remoteAddress: '10.0.0.9', remotePort: 4711, localAddress: '10.0.0.1', localPort: 80 };
  assert.equal(proxyHeader(ends), 'PROXY TCP4 10.0.0.9 10.0.0.1 4711 80\r\n');
  assert.equal(proxyHeader({ ...ends, remoteAddress: '::ffff:10.0.0.9' }), 'PROXY TCP4 10.0.0.9 10.0.0.1 4711 80\r\n');
  assert.equal(proxyHeader({ ...ends, remoteAddress: 'fd00::9', localAddress: 'fd00::1' }), 'PROXY TCP6 fd00::9 fd00::1 4711 80\r\n');
  assert.equal(proxyHeader({ ...ends, remoteAddress: undefined }), 'PROXY UNKNOWN\r\n', 'a client that is gone already');
});
