/**
 * Waiting in tests: polls until something holds, with a deadline, and says what it waited for.
 */
import { setTimeout as wait } from 'node:timers/promises';

/** The first value of `look` that is neither undefined nor false. Fails after `withinMs` with `what` in the message. */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  withinMs = 10_000,
  everyMs = 10,
): Promise<T> {
  const until = performance.now() + withinMs;
  for (;;) {
    const value = await look();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > until) throw new Error(`Not within ${withinMs} ms: ${what}`);
    await wait(everyMs);
  }
}
