/**
 * The loop that keeps a kind current, against a director that is played: breaks, 410, refusals, and how often it is asked.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { emptySet } from '../../../console/src/watch/live-set.ts';
import type { LiveSet, Watched } from '../../../console/src/watch/live-set.ts';
import { runWatch, sentenceOf } from '../../../console/src/watch/watch-loop.ts';
import type { StreamAnswer } from '../../../console/src/watch/watch-loop.ts';

function object(name: string, revision: number): Watched {
  return {
    metadata: { name, namespace: 'n', uid: `u-${name}`, resourceVersion: String(revision), creationTimestamp: '2026-01-01T00:00:00Z' },
  };
}

const json = (status: number, body: object): StreamAnswer => ({
  status,
  text: () => Promise.resolve(JSON.stringify(body)),
  pieces: () => {
    throw new Error('not a stream');
  },
});
const list = (revision: number, ...items: Watched[]): StreamAnswer => json(200, { metadata: { resourceVersion: String(revision) }, items });
const refusal = (code: number, message: string): StreamAnswer => json(code, { kind: 'Status', code, message });

type Event = readonly [type: string, object: object];

/** A stream of these events that then ends, after `ms` of wall time; `breaks`: as a network does. */
const stream = (events: readonly Event[], breaks = false): StreamAnswer => ({
  status: 200,
  text: () => Promise.resolve(''),
  pieces: async function* pieces() {
    await Promise.resolve();
    const text = events.map(([type, of]) => `${JSON.stringify({ type, object: of })}\n`).join('');
    // In two pieces, cut anywhere.
    yield text.slice(0, 7);
    yield text.slice(7);
    if (breaks) throw new Error('the network broke');
  },
});

interface Played {
  readonly asked: readonly string[];
  readonly slept: readonly number[];
  readonly set: LiveSet<Watched>;
  readonly contacts: readonly string[];
  readonly unauthorized: number;
}

/** Runs the loop until all answers are used up; an answer may be an error, for nobody there. */
async function play(answers: readonly (StreamAnswer | Error)[]): Promise<Played> {
  const end = new AbortController();
  const [asked, slept, contacts]: [string[], number[], string[]] = [[], [], []];
  const waiting = [...answers];
  let [set, now, unauthorized] = [emptySet<Watched>(), 1_000, 0];
  const world = {
    open: (path: string) => {
      const next = waiting.shift();
      asked.push(path);
      now += 10_000;
      if (next instanceof Error) return Promise.reject(next);
      if (next !== undefined) return Promise.resolve(withClock(next, () => (now += 10_000)));
      end.abort();
      return Promise.reject(new Error('aborted'));
    },
    sleep: (ms: number) => {
      slept.push(ms);
      return Promise.resolve();
    },
    nowMs: () => now,
    random: () => 0,
  };
  const change = (step: (before: LiveSet<Watched>) => LiveSet<Watched>): void => {
    set = step(set);
    if (contacts.at(-1) !== set.contact.state) contacts.push(set.contact.state);
  };
  await runWatch<Watched>(world, { path: '/c', change, onUnauthorized: () => unauthorized++ }, end.signal);
  return { asked, slept, set, contacts, unauthorized };
}

function withClock(answer: StreamAnswer, tick: () => void): StreamAnswer {
  return { ...answer, pieces: () => (tick(), answer.pieces()) };
}

const names = ({ set }: Played): string[] => [...set.objects.keys()].toSorted();

describe('the watch', () => {
  test('lists page by page, then follows from there', async () => {
    const first = json(200, { metadata: { resourceVersion: '5', continue: 'next' }, items: [object('a', 1)] });
    const played = await play([first, list(5, object('b', 2)), stream([['ADDED', object('c', 6)]])]);
    assert.deepEqual(names(played), ['n/a', 'n/b', 'n/c']);
    assert.match(played.asked[1] ?? '', /continue=next/);
    assert.match(played.asked[2] ?? '', /watch=true&allowWatchBookmarks=true&resourceVersion=5$/);
  });

  test('I1: after a break it resumes from the last revision that it heard of, a bookmark among them', async () => {
    const bookmark: Event = ['BOOKMARK', { metadata: { resourceVersion: '9' } }];
    const played = await play([list(5), stream([['ADDED', object('c', 6)], bookmark], true), stream([['DELETED', object('c', 10)]])]);
    assert.match(played.asked[2] ?? '', /resourceVersion=9$/);
    assert.deepEqual(names(played), []);
    assert.deepEqual(played.contacts, ['live', 'lost', 'live']);
  });

  for (const [how, gone] of [
    ['as an answer', refusal(410, 'too old')],
    ['as an event', stream([['ERROR', { code: 410, message: 'too old' }]])],
  ] as const) {
    test(`I1: 410 ${how} makes it list again, at once, without forgetting what it shows`, async () => {
      const played = await play([list(5, object('a', 1)), gone, list(20, object('b', 11)), stream([])]);
      assert.doesNotMatch(played.asked[2] ?? '', /watch=true/);
      assert.match(played.asked[3] ?? '', /resourceVersion=20$/);
      assert.deepEqual(names(played), ['n/b']);
      assert.equal(played.contacts.includes('lost'), false);
      assert.deepEqual(played.slept.slice(0, 1), []);
    });
  }

  test('a director that says 410 for ever is not asked without a pause', async () => {
    const again = [list(5), refusal(410, 'too old')];
    const played = await play([...again, ...again, ...again, ...again]);
    assert.ok(played.slept.length >= 3, String(played.slept));
  });

  test('I2: tries grow apart up to a bound, and begin anew after a watch that ran', async () => {
    const nobody = new Error('nobody');
    const many = Array.from({ length: 8 }, () => nobody);
    const played = await play([list(5), ...many, stream([['ADDED', object('a', 6)]], true), nobody]);
    assert.deepEqual(played.slept.slice(0, 8), [500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000, 5_000]);
    assert.equal(played.slept[8], 500);
  });

  test('I3: while nobody answers, what was known stays, with the moment of the last word', async () => {
    const played = await play([list(5, object('a', 1)), new Error('nobody'), new Error('nobody')]);
    assert.deepEqual(names(played), ['n/a']);
    assert.equal(played.set.contact.state, 'lost');
    assert.ok(played.set.contact.state === 'lost' && played.set.contact.sinceMs === 11_000);
  });

  test('a refusal is told in the words of the API, and asked again later', async () => {
    const played = await play([refusal(403, 'clusters is forbidden: ask somebody'), list(5, object('a', 1)), stream([])]);
    assert.deepEqual(played.contacts.slice(0, 2), ['refused', 'live']);
    assert.equal(played.slept[0], 30_000);
    assert.deepEqual(names(played), ['n/a']);
  });

  test('401 ends it, and says so', async () => {
    const played = await play([list(5), refusal(401, 'over'), list(6)]);
    assert.equal(played.unauthorized, 1);
    assert.equal(played.asked.length, 2);
  });

  test('I5: an aborted one touches nothing any more', async () => {
    const end = new AbortController();
    let changes = 0;
    const world = { open: () => Promise.resolve(list(5)), sleep: () => Promise.resolve(), nowMs: () => 0, random: () => 0 };
    end.abort();
    await runWatch<Watched>(world, { path: '/c', change: () => changes++, onUnauthorized: () => undefined }, end.signal);
    assert.equal(changes, 0);
  });

  test('the sentence of a Status, or what stands there instead', () => {
    assert.equal(sentenceOf('{"message":"why not"}', 403), 'why not');
    for (const body of ['', '<html>', '{}', '{"message":7}', 'null']) assert.equal(sentenceOf(body, 502), 'The director answered 502.');
  });
});
