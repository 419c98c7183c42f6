/**
 * Which connection server gets the next session.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { chooseServers, homeOf, newServer, reportOf, standingOf, stepServer } from '../../../src/decide/server-choice.ts';
import type { ServerEvent, ServerFacts, ServerState } from '../../../src/decide/server-choice.ts';

const facts = (name: string, more: Partial<ServerFacts> = {}): ServerFacts => ({
  instance: `${name}-life`,
  version: '1',
  draining: false,
  capacity: 10,
  used: 0,
  ...more,
});
const failed: ServerEvent = { type: 'Failed', message: 'nothing listens there' };

function server(name: string, more: Partial<ServerFacts> = {}, ...events: ServerEvent[]): ServerState {
  const looked: ServerEvent = { type: 'Looked', facts: facts(name, more) };
  return [looked, ...events].reduce<ServerState>(stepServer, newServer(name));
}

function orderOf(servers: readonly ServerState[], sticky?: string, spread = 0): readonly string[] | string {
  const choice = chooseServers(servers, sticky, spread);
  return choice.ok ? choice.order : choice.message;
}

describe('the choice of a connection server', () => {
  test('I1: the smallest share of its capacity goes first, with what was placed since the last look', () => {
    const big = server('big', { capacity: 100, used: 30 });
    const small = server('small', { capacity: 10, used: 4 });
    assert.deepEqual(orderOf([small, big]), ['big', 'small']);
    const placed: ServerEvent = { type: 'Placed', instance: 'big-life' };
    const busier = Array.from({ length: 20 }, () => placed).reduce<ServerState>(stepServer, big);
    assert.deepEqual(orderOf([small, busier]), ['small', 'big']);
    assert.equal(stepServer(busier, { type: 'Looked', facts: facts('big', { capacity: 100, used: 50 }) }).placed, 0, 'a look knows them');
  });

  test('I1: full, draining, ejected and unheard servers get nothing; all of them together are named in a sentence', () => {
    const servers = [
      server('a', { used: 10 }),
      server('b', { draining: true }),
      server('c', {}, failed, failed),
      newServer('d'),
      server('e', { capacity: 1 }, { type: 'Placed', instance: 'e-life' }),
    ];
    assert.deepEqual(servers.map(standingOf), ['Full', 'Draining', 'Ejected', 'Unknown', 'Full']);
    assert.match(
      String(orderOf(servers)),
      /a is full, b is being drained, c does not answer as it should, d has not answered yet, e is full/,
    );
    assert.match(String(orderOf([])), /not paired with a site/);
    assert.deepEqual(orderOf([...servers, server('f')]), ['f']);
  });

  test('what a server says of itself when it is asked counts before the next look', () => {
    assert.equal(standingOf(server('a', {}, { type: 'Full' })), 'Full');
    assert.equal(standingOf(server('a', {}, { type: 'Draining' })), 'Draining');
  });

  test('I2: the second failure in a row ejects, one good look readmits', () => {
    assert.equal(standingOf(server('a', {}, failed)), 'Ready');
    assert.equal(standingOf(server('a', {}, failed, { type: 'Placed', instance: 'a-life' }, failed)), 'Ready', 'not in a row');
    const ejected = server('a', {}, failed, failed, failed);
    assert.deepEqual([standingOf(ejected), reportOf(ejected).state, reportOf(ejected).message], ['Ejected', 'Unhealthy', failed.message]);
    assert.equal(standingOf(stepServer(ejected, { type: 'Looked', facts: facts('a') })), 'Ready');
  });

  test('a client goes where it was, as long as that one takes sessions', () => {
    const [a, b] = [server('a', { used: 9 }), server('b')];
    assert.deepEqual(orderOf([a, b], 'a-life'), ['a', 'b']);
    assert.deepEqual(orderOf([a, b], 'gone-life'), ['b', 'a']);
    assert.deepEqual(orderOf([server('a', { draining: true }), b], 'a-life'), ['b']);
  });

  test('equals are taken in turns', () => {
    const equals = ['a', 'b', 'c'].map((name) => server(name));
    assert.deepEqual(
      [0, 0.4, 0.99].map((spread) => orderOf(equals, undefined, spread)[0]),
      ['a', 'b', 'c'],
    );
  });

  test('I3: a session is led home whatever is known of its server; an older life of it is nowhere', () => {
    const ill = server('a', { draining: true, used: 10 });
    assert.deepEqual(homeOf([ill, server('b')], 'a-life.x1'), { found: 'Server', name: 'a' });
    assert.deepEqual(homeOf([ill, server('b')], 'former-life.x1'), { found: 'Nowhere' });
    assert.deepEqual(homeOf([ill, newServer('b')], 'other-life.x1'), { found: 'Unknown' }, 'b may have it');
    assert.deepEqual(homeOf([ill, server('b', {}, failed)], 'other-life.x1'), { found: 'Unknown' }, 'b may have been started anew');
    assert.deepEqual(homeOf([newServer('b')], 'no dot'), { found: 'Nowhere' });
    const restarted = server('a', { used: 7 }, { type: 'Placed', instance: 'new-life' });
    assert.deepEqual(homeOf([restarted], 'new-life.x1'), { found: 'Server', name: 'a' });
    assert.deepEqual([restarted.facts?.used, restarted.placed], [0, 1]);
  });

  test('another life of a server has forgotten its license', () => {
    const held = server('a', {}, { type: 'LicenseHeld', instance: 'a-life', serial: 7 });
    assert.equal(reportOf(held).licenseSerial, 7);
    assert.equal(reportOf(stepServer(held, { type: 'Looked', facts: facts('a') })).licenseSerial, 7);
    assert.equal(reportOf(stepServer(held, { type: 'Looked', facts: facts('a', { instance: 'next' }) })).licenseSerial, undefined);
  });

  test('I1 I4: whatever happened, only servers that may get sessions are named, each once, the least loaded first', () => {
    const event = fc.oneof(
      fc
        .record({ used: fc.nat(12), draining: fc.boolean(), instance: fc.constantFrom('x', 'y') })
        .map((more): ServerEvent => ({ type: 'Looked', facts: facts('s', more) })),
      fc.constantFrom<ServerEvent>(failed, { type: 'Full' }, { type: 'Draining' }, { type: 'Placed', instance: 'x' }),
    );
    fc.assert(
      fc.property(
        fc.array(fc.array(event, { maxLength: 6 }), { maxLength: 6 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (all, spread) => {
          const servers = all.map((events, index) => events.reduce<ServerState>(stepServer, newServer(`s${index}`)));
          const ready = servers.filter((one) => standingOf(one) === 'Ready').map((one) => one.name);
          const choice = chooseServers(servers, undefined, spread);
          assert.deepEqual(choice.ok ? [...choice.order].sort() : [], ready.sort());
          const load = (name: string): number => {
            const one = servers.find((each) => each.name === name);
            return ((one?.facts?.used ?? 0) + (one?.placed ?? 0)) / 10;
          };
          const loads = choice.ok ? choice.order.map(load) : [];
          assert.deepEqual(
            loads,
            loads.toSorted((a, b) => a - b),
          );
        },
      ),
    );
  });
});
