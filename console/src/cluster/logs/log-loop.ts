/**
 * Reads a log for as long as it is looked at: its tail, then what is added; after a break it asks again and joins what comes.
 *
 * I1: after a break the tail is taken whole before it is joined, so that it is known whether lines are missing.
 * I2: a refusal is said in the API's own sentence, and asked again seldom; anything else is tried again with growing pauses.
 * I3: when the signal aborts, it ends, and touches nothing any more.
 */

import { backoffMs } from '../../../../src/base/backoff.ts';
import { sentenceOf } from '../../watch/watch-loop.ts';
import type { WatchWorld } from '../../watch/watch-loop.ts';
import { withTail, withText } from './log-lines.ts';
import type { LogView } from './log-lines.ts';

export type LogContact =
  | { readonly state: 'loading' }
  | { readonly state: 'live' }
  /** All that was asked for is there. */
  | { readonly state: 'whole' }
  | { readonly state: 'lost'; readonly why: string }
  | { readonly state: 'refused'; readonly why: string };

export interface LogOrder {
  readonly path: string;
  readonly follow: boolean;
  readonly change: (step: (log: LogView) => LogView) => void;
  readonly say: (contact: LogContact) => void;
  readonly onUnauthorized: () => void;
}

/** What comes within is drawn at once. */
const BATCH_MS = 100;
/** A tail that says nothing for so long is whole. */
const QUIET_MS = 400;
const PAUSES = { baseMs: 500, capMs: 5_000, jitter: 0.5 };
const REFUSED_PAUSE_MS = 30_000;

export async function runLog(world: WatchWorld, order: LogOrder, signal: AbortSignal): Promise<void> {
  let [tries, isFirst] = [0, true];
  while (!signal.aborted) {
    let pauseMs: number;
    try {
      const answer = await world.open(order.path, signal);
      if (answer.status === 401) return order.onUnauthorized();
      if (answer.status !== 200) {
        const why = sentenceOf(await answer.text(), answer.status);
        const isRefused = answer.status === 403 || answer.status === 404;
        if (signal.aborted) return;
        order.say({ state: isRefused ? 'refused' : 'lost', why });
        pauseMs = isRefused ? REFUSED_PAUSE_MS : backoffMs(PAUSES, ++tries, world.random());
      } else {
        order.say({ state: 'live' });
        await take(order, answer.pieces(), isFirst, signal);
        [tries, isFirst] = [0, false];
        if (signal.aborted) return;
        if (!order.follow) return order.say({ state: 'whole' });
        order.say({ state: 'lost', why: 'The log broke off; it is asked for again.' });
        pauseMs = backoffMs(PAUSES, 1, world.random());
      }
    } catch (cause) {
      if (signal.aborted) return;
      isFirst = false;
      order.say({ state: 'lost', why: cause instanceof Error ? cause.message : String(cause) });
      pauseMs = backoffMs(PAUSES, ++tries, world.random());
    }
    await world.sleep(pauseMs, signal).catch(() => undefined);
  }
}

async function take(order: LogOrder, pieces: AsyncIterable<string>, isFirst: boolean, signal: AbortSignal): Promise<void> {
  let isTail = !isFirst;
  let held = '';
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = (): void => {
    timer = undefined;
    if (signal.aborted) return;
    const text = held;
    const join = isTail ? withTail : withText;
    [held, isTail] = ['', false];
    order.change((log) => join(log, text));
  };
  try {
    for await (const piece of pieces) {
      signal.throwIfAborted();
      held += piece;
      if (isTail) clearTimeout(timer);
      if (isTail || timer === undefined) timer = setTimeout(flush, isTail ? QUIET_MS : BATCH_MS);
    }
  } finally {
    clearTimeout(timer);
    if (held !== '') flush();
  }
}
