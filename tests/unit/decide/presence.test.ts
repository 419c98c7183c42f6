/**
 * Who is heard, and what is seen of the members.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { endpointsOf } from '../../../src/decide/endpoints.ts';
import {
  asked,
  beatIn,
  heardFrom,
  keyOfWord,
  namesOf,
  nextLife,
  NO_PRESENCE,
  silenceMs,
  standings,
  ticked,
  whomToAsk,
  withAnswers,
  withMembers,
  withWords,
  wordText,
} from '../../../src/decide/presence.ts';
import type { Beat, Presence, Standing, Word } from '../../../src/decide/presence.ts';
import type { ClusterNode } from '../../../src/model/cluster-node.ts';
import type { Json } from '../../../src/model/json.ts';
import { LIMITS } from '../../../src/model/limits.ts';
import { readyNode } from './fixtures.ts';

const SELF = { uid: 'self-uid', word: undefined };
const OTHER = readyNode(1);
const { uid: UID, name: NAME } = OTHER.metadata;
const MEMBERS = [{ uid: UID, name: NAME, incarnation: 1 }];
const BEAT_MS = LIMITS.heartbeatMs;

type Section = Word['agent'];

function section(more: Partial<Section> = {}): Section {
  return { incarnation: 1, phase: 'Ready', services: {}, ...more };
}

function word(life: number, sequence: number, more: Partial<Section> = {}): Word {
  return { life, sequence, role: 'Worker', agent: section({ word: wordText({ life, sequence }), ...more }) };
}

function beat(life: number, sequence: number, more: Partial<Section> = {}): Beat {
  return { life, sequence, word: word(life, sequence, more) };
}

function start(): Presence {
  return ticked(withMembers(NO_PRESENCE, MEMBERS), 0, true);
}

/** Ticks at the usual pace for `ms`, from where it is. */
function silent(presence: Presence, ms: number): Presence {
  let next = presence;
  const fromMs = presence.atMs ?? 0;
  for (let at = BEAT_MS; at <= ms; at += BEAT_MS) next = ticked(next, fromMs + at, true);
  return next;
}

function standing(presence: Presence, node: ClusterNode = OTHER): Standing | undefined {
  return standings(presence, [node]).get(NAME);
}

function seen(presence: Presence, node: ClusterNode = OTHER): Section | undefined {
  return withWords([node], presence, SELF)[0]?.status?.agent;
}

const ADDRESS = '10.0.0.2:8080';
const SERVING = { services: { hello: { phase: 'Running', ready: true, address: ADDRESS } } } as const;
const mute = { asked: [ADDRESS], answered: [] };
const serving = { asked: [ADDRESS], answered: [ADDRESS] };

describe('presence', () => {
  it('I1: what the observer itself stood still is not silence, however long', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(60_000), { maxLength: 30 }), (gaps) => {
        let presence = heardFrom(start(), UID, 1, beat(1, 1));
        let atMs = 0;
        for (const gapMs of gaps) {
          presence = ticked(presence, (atMs += gapMs), true);
          assert.equal(standing(presence), 'Heard', `after a stall of ${gapMs} ms`);
          assert.ok((silenceMs(presence, UID) ?? 0) <= LIMITS.heartbeatCountedMs);
          presence = heardFrom(presence, UID, 1, { life: 1, sequence: 1 });
        }
      }),
    );
    // A clock that falls counts nothing, and nothing counts before this node has joined.
    assert.equal(silenceMs(ticked(heardFrom(ticked(start(), 9_000, true), UID, 1, beat(1, 1)), 5_000, true), UID), 0);
    let deaf = heardFrom(start(), UID, 1, beat(1, 1));
    for (let at = BEAT_MS; at < 60_000; at += BEAT_MS) deaf = ticked(deaf, at, false);
    assert.equal(standing(deaf), 'Heard');
  });

  it('I1: at its own pace it notices silence in time, and one heartbeat ends it', () => {
    const heard = heardFrom(start(), UID, 1, beat(1, 1));
    assert.equal(standing(silent(heard, LIMITS.heartbeatSilenceMs - 1)), 'Heard');
    const lost = silent(heard, LIMITS.heartbeatSilenceMs);
    assert.equal(standing(lost), 'Silent');
    assert.equal(standing(heardFrom(lost, UID, 1, { life: 1, sequence: 1 })), 'Heard');
  });

  it('I2: only the incarnation that is known here is heard', () => {
    const lost = silent(heardFrom(start(), UID, 1, beat(1, 1)), LIMITS.heartbeatSilenceMs);
    assert.equal(heardFrom(lost, UID, 2, beat(9, 9, { incarnation: 2 })), lost);
    assert.equal(heardFrom(lost, 'nobody', 1, beat(9, 9)), lost);
    // A certificate of this life with the word of another: the life is heard, the word is not taken.
    assert.equal(seen(heardFrom(start(), UID, 1, beat(3, 3, { incarnation: 2, message: 'foreign' })))?.message, undefined);
    const next = withMembers(heardFrom(start(), UID, 1, beat(9, 9)), [{ uid: UID, name: NAME, incarnation: 2 }]);
    const replaced = { ...OTHER, spec: { ...OTHER.spec, incarnation: 2 } };
    assert.deepEqual([standing(next, replaced), seen(next, replaced)], ['Coming', OTHER.status?.agent]);
    assert.equal(withMembers(next, []).peers.size, 0);
  });

  it('I3: words of one life keep their order, and a late message of a dead process hides no living one', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ life: fc.nat(3), sequence: fc.nat(5) }), { minLength: 1, maxLength: 20 }), (keys) => {
        let presence = start();
        let newest = { life: -1, sequence: -1 };
        for (const key of keys) {
          presence = heardFrom(presence, UID, 1, beat(key.life, key.sequence));
          const isNewer = key.life > newest.life || (key.life === newest.life && key.sequence > newest.sequence);
          if (isNewer) newest = key;
          assert.equal(seen(presence)?.word, wordText(newest));
        }
      }),
    );
    // A member that lost its record and its clock begins below; after the silence of its death it is taken at its word.
    const before = heardFrom(start(), UID, 1, beat(7, 1));
    const again = silent(before, LIMITS.heartbeatSilenceMs);
    assert.equal(seen(heardFrom(again, UID, 1, beat(2, 1)))?.word, '2.1');
    assert.equal(standing(silent(heardFrom(silent(before, 400), UID, 1, beat(2, 1)), LIMITS.heartbeatSilenceMs - 400)), 'Silent');
  });

  it('I4: a heard word replaces the section of the object; unheard, the newer of both stays', () => {
    const shown = (text: string | undefined): ClusterNode => ({
      ...OTHER,
      status: { ...OTHER.status, agent: section({ message: 'object', ...(text === undefined ? {} : { word: text }) }) },
    });
    const heard = heardFrom(start(), UID, 1, beat(4, 2, { message: 'word' }));
    const lost = silent(heard, LIMITS.heartbeatSilenceMs);
    for (const [text, whileHeard, afterwards] of [
      [undefined, 'word', 'word'],
      ['4.1', 'word', 'word'],
      ['4.2', 'word', 'word'],
      ['4.3', 'word', 'object'],
      ['3.9', 'word', 'word'],
      ['5.1', 'word', 'object'],
    ] as const) {
      assert.equal(seen(heard, shown(text))?.message, whileHeard, `heard, object ${text}`);
      assert.equal(seen(lost, shown(text))?.message, afterwards, `unheard, object ${text}`);
    }
    const own = withWords([shown('9.9')], NO_PRESENCE, { uid: UID, word: word(1, 1, { message: 'mine' }) });
    assert.equal(own[0]?.status?.agent?.message, 'mine');
    assert.equal(withWords([shown('9.9')], lost, SELF)[0]?.metadata, OTHER.metadata);
  });

  it('I4: whatever happens, no section of another incarnation is shown', () => {
    const step = fc.oneof(
      fc.record({ what: fc.constant('hear' as const), life: fc.nat(3), sequence: fc.nat(3), said: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ what: fc.constant('tick' as const), ms: fc.nat(2_000) }),
      fc.record({ what: fc.constant('replace' as const), incarnation: fc.integer({ min: 1, max: 3 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let presence = start();
        let node = OTHER;
        let atMs = 0;
        for (const one of steps) {
          if (one.what === 'hear')
            presence = heardFrom(presence, UID, one.said, beat(one.life, one.sequence, { incarnation: one.said, message: `${one.said}` }));
          else if (one.what === 'tick') presence = ticked(presence, (atMs += one.ms), true);
          else if (one.incarnation >= node.spec.incarnation) {
            node = { ...node, spec: { ...node.spec, incarnation: one.incarnation } };
            presence = withMembers(presence, [{ uid: UID, name: NAME, incarnation: one.incarnation }]);
          }
          const shown = seen(presence, node);
          assert.ok(shown === node.status?.agent || shown?.incarnation === node.spec.incarnation);
        }
      }),
    );
  });

  it('I5: who comes up for the first time is not unheard; who served before this observer began is', () => {
    const coming = { ...OTHER, status: { ...OTHER.status, agent: section({ phase: 'Joined' }) } };
    const later = silent(start(), 60_000);
    assert.equal(standing(later, coming), 'Coming');
    assert.equal(standing(later, { ...OTHER, status: {} }), 'Coming');
    assert.equal(standing(start()), 'Heard');
    assert.equal(standing(silent(start(), LIMITS.heartbeatSilenceMs)), 'Silent');
    assert.deepEqual([...namesOf(standings(later, [coming]), 'Silent', 'Down')], []);
    assert.equal(
      standing(silent(heardFrom(start(), UID, 1, beat(1, 1, { phase: 'Joined' })), LIMITS.heartbeatSilenceMs), coming),
      'Coming',
    );
  });

  it('I6: a silent agent takes nothing down; two rounds without an answer do', () => {
    const lost = silent(heardFrom(start(), UID, 1, beat(1, 1)), LIMITS.heartbeatSilenceMs);
    const ask = (presence: Presence, ...rounds: { asked: string[]; answered: string[] }[]): Presence =>
      rounds.reduce((all, round) => asked(all, UID, 1, round), presence);
    assert.equal(standing(ask(lost, mute)), 'Silent');
    assert.equal(standing(ask(lost, mute, mute)), 'Down');
    assert.equal(standing(ask(lost, mute, mute, serving)), 'Silent');
    assert.equal(standing(ask(lost, serving, mute)), 'Silent');
    assert.equal(standing(ask(lost, serving, mute, mute)), 'Down');
    assert.equal(standing(silent(ask(lost, serving, serving), 600_000)), 'Silent');
    // Rounds may begin before it counts as unheard, and are forgotten when it speaks.
    const suspect = silent(heardFrom(start(), UID, 1, beat(1, 1)), LIMITS.heartbeatSuspectMs);
    assert.equal(standing(ask(suspect, mute, mute)), 'Heard');
    assert.equal(standing(silent(ask(suspect, mute, mute), LIMITS.heartbeatSilenceMs - LIMITS.heartbeatSuspectMs)), 'Down');
    const back = heardFrom(ask(lost, mute, mute), UID, 1, { life: 1, sequence: 1 });
    assert.equal(standing(silent(back, LIMITS.heartbeatSilenceMs)), 'Silent');
    assert.equal(ask(back, mute), back);
    // With nobody to ask, only a longer silence tells.
    const nobody = { asked: [], answered: [] };
    assert.equal(standing(ask(lost, nobody, nobody)), 'Silent');
    assert.equal(standing(silent(ask(lost, nobody, nobody), LIMITS.silentUnaskedMs)), 'Down');
    assert.equal(standing(silent(lost, LIMITS.silentUnaskedMs)), 'Down');
  });

  it('I6: of a silent node only instances that answer are said to be ready; the balancer goes on with all', () => {
    const two = {
      services: {
        ...SERVING.services,
        api: { phase: 'Running', ready: true, address: '10.0.0.2:9090' },
        job: { phase: 'Running', ready: true },
      },
    } as const;
    const lost = silent(heardFrom(start(), UID, 1, beat(1, 1, two)), LIMITS.heartbeatSilenceMs);
    const [node] = withWords([OTHER], lost, SELF) as [ClusterNode];
    assert.deepEqual(whomToAsk(node, [80]), [ADDRESS, '10.0.0.2:9090']);
    const half = asked(asked(lost, UID, 1, mute), UID, 1, { asked: [ADDRESS, '10.0.0.2:9090'], answered: ['10.0.0.2:9090'] });
    const ready = Object.entries(withAnswers([node], half)[0]?.status?.agent?.services ?? {}).map(([name, one]) => [name, one.ready]);
    assert.deepEqual(ready, [
      ['hello', false],
      ['api', true],
      ['job', true],
    ]);
    assert.deepEqual(withAnswers([node], lost), [node]);
    const balanced = [{ name: 'hello', port: 80, protocol: 'TCP' as const }];
    const table = endpointsOf({ balanced, self: { name: 'self', services: {} }, nodes: [node], previous: undefined });
    assert.deepEqual(table.services[0]?.endpoints, [{ node: NAME, address: ADDRESS, draining: false }]);
  });

  it('I3: who claims the highest numbers there are shuts out no later words', () => {
    const high = Number.MAX_SAFE_INTEGER;
    for (const claim of [beat(9_000, high, { message: 'claim' }), beat(253_402_300_799_999, 1, { message: 'claim' })]) {
      let presence = heardFrom(start(), UID, 1, claim);
      for (let at = BEAT_MS; at <= 2 * LIMITS.heartbeatSilenceMs; at += BEAT_MS) {
        assert.equal(seen(presence)?.message, at <= LIMITS.heartbeatSilenceMs ? 'claim' : seen(presence)?.message);
        presence = heardFrom(ticked(presence, at, true), UID, 1, beat(9_000, 7, { message: 'true' }));
      }
      assert.deepEqual([seen(presence)?.message, standing(presence)], ['true', 'Heard']);
    }
    assert.equal(beatIn({ life: high, sequence: 1 }), undefined);
    assert.equal(keyOfWord(`${high}.1`), undefined);
    for (const lost of [high, -1, 1.5, 'x', null, [3]]) assert.equal(nextLife(lost, 5_000), 5_000, 'a damaged record of it');
  });

  it('I7: its own word moves a node nowhere, and an address that can be none is left out', () => {
    const told = { ...SERVING, address: '10.9.9.9' };
    const placed = (status: NonNullable<ClusterNode['status']>): string | undefined =>
      seen(heardFrom(start(), UID, 1, beat(1, 1, told)), { ...OTHER, status })?.address;
    assert.equal(placed({ infrastructure: { incarnation: 1, phase: 'Running', address: '10.0.0.2' } }), '10.0.0.2');
    assert.equal(placed({ agent: section({ address: '10.0.0.3' }) }), '10.0.0.3');
    assert.equal(placed({ agent: section({ address: '::::' }) }), '10.9.9.9');
    assert.equal(placed({}), '10.9.9.9', 'nobody else has said where it is');
    for (const bad of ['::::', '', '1.2.3.400', 'a b', 'x'.repeat(300), '10.0.0.1:80', '[::1]', 'https://x', 7, null]) {
      const read = beatIn({ life: 1, sequence: 1, agent: { incarnation: 1, phase: 'Ready', address: bad as Json } });
      assert.deepEqual(read?.word?.agent, { incarnation: 1, phase: 'Ready', services: {} }, JSON.stringify(bad));
    }
    for (const bad of ['nonsense', '127.0.0.1:99999', '127.0.0.1:0', ':80', '::::80000', 'a:-1', 'a:8e1', '127.0.0.1:', 8]) {
      const service = { phase: 'Running', ready: true, address: bad };
      const read = beatIn({ life: 1, sequence: 1, agent: { incarnation: 1, phase: 'Ready', services: { hello: service } } as Json });
      assert.deepEqual(read?.word?.agent.services, { hello: { phase: 'Running', ready: true } }, String(bad));
      const shown = {
        ...OTHER,
        status: { agent: section({ services: { hello: { ...service, phase: 'Running', address: String(bad) } } }) },
      };
      assert.deepEqual(whomToAsk(shown, []), [], String(bad));
      const balanced = [{ name: 'hello', port: 80, protocol: 'TCP' as const }];
      const previous = { services: [{ ...balanced[0]!, endpoints: [{ node: NAME, address: String(bad), draining: false }] }] };
      const table = endpointsOf({ balanced, self: { name: 'self', services: {} }, nodes: [shown], previous });
      assert.deepEqual(table.services[0]?.endpoints, [], 'none for the balancer');
    }
  });

  it('asks the balancer where no instance is known to listen', () => {
    const bare = { ...OTHER, status: { agent: section({ address: '10.0.0.2' }) } };
    assert.deepEqual(whomToAsk(bare, [80, 443]), ['10.0.0.2:80', '10.0.0.2:443']);
    assert.deepEqual(whomToAsk({ ...OTHER, status: { agent: section({ address: 'fd00::2' }) } }, [80]), ['[fd00::2]:80']);
    assert.deepEqual(whomToAsk({ ...OTHER, status: {} }, [80]), []);
  });

  it('a remembered node that says nothing of its instances keeps its endpoints', () => {
    const remembered = { ...OTHER, status: { agent: { incarnation: 1, phase: 'Ready' as const } } };
    const balanced = [{ name: 'hello', port: 80, protocol: 'TCP' as const }];
    const previous = { services: [{ ...balanced[0]!, endpoints: [{ node: NAME, address: ADDRESS, draining: false }] }] };
    const own = { hello: { address: '10.0.0.1:8080', ready: true, stopping: false } };
    const table = endpointsOf({ balanced, self: { name: 'self', services: own }, nodes: [remembered], previous });
    assert.deepEqual(
      table.services[0]?.endpoints.map(({ address }) => address),
      ['10.0.0.1:8080', ADDRESS],
    );
  });
});

describe('words', () => {
  it('lives go on rising when the record is lost, and when the clock is set back', () => {
    assert.equal(nextLife(undefined, 1_000.7), 1_000);
    assert.equal(nextLife(5_000, 1_000), 5_001);
    assert.equal(nextLife(5_000, 9_000), 9_000);
    assert.deepEqual(keyOfWord(wordText({ life: 9_000, sequence: 3 })), { life: 9_000, sequence: 3 });
    for (const text of ['', '1', '1.', '.1', '01.1', '1.1.1', '-1.1', '1e3.1', `${'9'.repeat(30)}.1`])
      assert.equal(keyOfWord(text), undefined, text);
  });

  it('what a member sends is read field by field, and never throws', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => void beatIn(value as Json)));
    assert.equal(beatIn(undefined), undefined);
    assert.equal(beatIn({ life: 1, sequence: -1 }), undefined);
    assert.deepEqual(beatIn({ life: 1, sequence: 2, agent: { phase: 'Grand', incarnation: 1 } }), { life: 1, sequence: 2 });
    const services = { hello: { phase: 'Running', ready: 'yes', address: 7, message: 'x'.repeat(5_000) }, odd: 3, other: { phase: 'Odd' } };
    const read = beatIn({ life: 1, sequence: 2, role: 'King', agent: { phase: 'Ready', incarnation: 1, release: ['a'], services } });
    assert.deepEqual(read?.word, {
      life: 1,
      sequence: 2,
      role: undefined,
      agent: { incarnation: 1, phase: 'Ready', services: { hello: { phase: 'Running', ready: false } } },
    });
    const sent = word(3, 4, { ...SERVING, version: '1', plan: '1.2', tunnel: 'https://d', observedGeneration: 4 });
    assert.deepEqual(beatIn(JSON.parse(JSON.stringify(sent)) as Json)?.word, sent);
  });
});
