/**
 * Work that follows from changes, which come in bursts: done once for each.
 */

import { later } from './process.ts';
import type { Life } from './process.ts';

/** Asks for `work` in this life: soon, and never twice within `everyMs`. */
export function inBursts(life: Life, everyMs: number, work: () => void): () => void {
  let isPlanned = false;
  let doneMs = -Infinity;
  return () => {
    if (isPlanned) return;
    isPlanned = true;
    later(life, Math.max(1, doneMs + everyMs - life.scheduler.nowMs()), () => {
      isPlanned = false;
      doneMs = life.scheduler.nowMs();
      work();
    });
  };
}
