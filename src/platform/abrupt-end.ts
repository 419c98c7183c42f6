/**
 * The end of this process by SIGKILL, for fault points in tests: no handler runs, nothing is flushed, no connection is closed in order.
 */

import { writeSync } from 'node:fs';

/** Says `why` on stderr, and is dead. */
export function endAbruptly(why: string): never {
  writeSync(2, `${why}\n`);
  process.kill(process.pid, 'SIGKILL');
  // A process that signals itself gets the signal before the call returns.
  throw new Error(why);
}
