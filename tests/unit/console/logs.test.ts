/**
 * Logs in the console: lines out of pieces, joins after a break, and the loop that asks for them, against a director that is played.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { EMPTY_LOG, MOST_LINES, withTail, withText } from '../../../console/src/cluster/logs/log-lines.ts';
import type { LogView } from '../../../console/src/cluster/logs/log-lines.ts';
import { runLog } from '../../../console/src/cluster/logs/log-loop.ts';
import type { LogContact } from '../../../console/src/cluster/logs/log-loop.ts';
import type { StreamAnswer } from '../../../console/src/watch/watch-loop.ts';

const texts = ({ lines }: LogView): readonly string[] => lines.map((line) => (line.kind === 'gap' ? '(gap)' : line.text));
const numbered = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, index) => `line ${from + index}\n`).join('');

describe('lines', () => {
  test('I1: however the text is cut, the same lines come out, and what is not complete goes on', () => {
    const text = fc.array(fc.constantFrom('a', 'b', '\n'), { maxLength: 40 }).map((letters) => letters.join(''));
    fc.assert(
      fc.property(text, fc.array(fc.nat(40)), (whole, cuts) => {
        const at = [0, ...cuts.filter((cut) => cut < whole.length).toSorted((a, b) => a - b), whole.length];
        const log = at.slice(1).reduce((view, end, index) => withText(view, whole.slice(at[index], end)), EMPTY_LOG);
        assert.equal([...texts(log), log.rest].join('\n'), whole);
      }),
    );
  });

  test('I2: no more is held than MOST_LINES, the newest, and what was let go is counted', () => {
    const log = withText(withText(EMPTY_LOG, numbered(1, MOST_LINES)), numbered(MOST_LINES + 1, MOST_LINES + 7));
    assert.deepEqual([log.lines.length, log.letGo, texts(log)[0]], [MOST_LINES, 7, 'line 8']);
    assert.ok(withText(EMPTY_LOG, 'x'.repeat(100_000)).rest.length < 5_000);
  });

  test('I3: a tail that continues what is held is joined without a line twice; one that does not says a gap', () => {
    const held = withText(EMPTY_LOG, `${numbered(1, 5)}lin`);
    assert.deepEqual(texts(withTail(held, numbered(3, 8))), texts(withText(EMPTY_LOG, numbered(1, 8))));
    assert.deepEqual(texts(withTail(held, numbered(1, 5))), texts(withText(EMPTY_LOG, numbered(1, 5))));
    assert.deepEqual(texts(withTail(held, numbered(8, 9))), [...texts(held), '(gap)', 'line 8', 'line 9']);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.nat(30), fc.integer({ min: 1, max: 60 }), (end, more, tail) => {
        const now = end + more;
        const from = Math.max(1, now - tail + 1);
        const log = withTail(withText(EMPTY_LOG, numbered(1, end)), numbered(from, now));
        const expected = from <= end ? [] : ['(gap)'];
        const whole = texts(withText(EMPTY_LOG, numbered(from <= end ? end + 1 : from, now)));
        assert.deepEqual(texts(log).slice(end), [...expected, ...whole]);
      }),
    );
  });
});

const refusal = (status: number, message: string): StreamAnswer => ({
  status,
  text: () => Promise.resolve(JSON.stringify({ message })),
  pieces: () => {
    throw new Error('no stream');
  },
});
const stream = (...pieces: readonly string[]): StreamAnswer => ({
  status: 200,
  text: () => Promise.resolve(''),
  pieces: async function* all() {
    await Promise.resolve();
    yield* pieces;
  },
});

interface Played {
  readonly log: LogView;
  readonly contacts: readonly LogContact[];
  readonly slept: readonly number[];
  readonly unauthorized: number;
}

/** Until all answers are used up. */
async function play(answers: readonly (StreamAnswer | Error)[], follow = true): Promise<Played> {
  const end = new AbortController();
  const waiting = [...answers];
  const [contacts, slept]: [LogContact[], number[]] = [[], []];
  let [log, unauthorized] = [EMPTY_LOG, 0];
  const world = {
    open: () => {
      const next = waiting.shift() ?? new Error('nobody');
      return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
    },
    sleep: (ms: number) => {
      slept.push(ms);
      if (waiting.length === 0) end.abort();
      return Promise.resolve();
    },
    nowMs: () => 0,
    random: () => 0,
  };
  const change = (step: (view: LogView) => LogView): void => void (log = step(log));
  const order = { path: '/log', follow, change, say: (one: LogContact) => void contacts.push(one), onUnauthorized: () => unauthorized++ };
  await runLog(world, order, end.signal);
  return { log, contacts, slept, unauthorized };
}

describe('the loop', () => {
  test('I1: after a break what comes is joined, not shown twice', async () => {
    const { log, contacts } = await play([
      stream(numbered(1, 2), numbered(3, 4)),
      new Error('the network broke'),
      stream(numbered(2, 4), numbered(5, 6)),
    ]);
    assert.deepEqual(texts(log), texts(withText(EMPTY_LOG, numbered(1, 6))));
    assert.deepEqual(
      contacts.map(({ state }) => state),
      ['live', 'lost', 'lost', 'live', 'lost'],
    );
  });

  test('I2: a refusal is said as the API says it, and asked again seldom; 401 ends it', async () => {
    const refused = await play([refusal(404, 'there is no log of a service x on this node')]);
    assert.deepEqual(refused.contacts, [{ state: 'refused', why: 'there is no log of a service x on this node' }]);
    assert.ok((refused.slept[0] ?? 0) >= 30_000);
    const busy = await play([refusal(503, 'no tunnel'), refusal(503, 'no tunnel')]);
    assert.ok((busy.slept[1] ?? 0) > (busy.slept[0] ?? 0) && (busy.slept[1] ?? 0) <= 5_000, busy.slept.join(', '));
    assert.equal((await play([refusal(401, 'over')])).unauthorized, 1);
  });

  test('without following it ends when all is there', async () => {
    const { contacts, log, slept } = await play([stream(numbered(1, 3))], false);
    assert.deepEqual([contacts.at(-1)?.state, log.lines.length, slept.length], ['whole', 3, 0]);
  });

  test('I3: nothing is touched after the end', async () => {
    const end = new AbortController();
    let touched = 0;
    const world = {
      open: () => {
        end.abort();
        return Promise.resolve(stream('late\n'));
      },
      sleep: () => Promise.resolve(),
      nowMs: () => 0,
      random: () => 0,
    };
    const order = { path: '/log', follow: true, change: () => void touched++, say: () => undefined, onUnauthorized: () => undefined };
    await runLog(world, order, end.signal);
    assert.equal(touched, 0);
  });
});
