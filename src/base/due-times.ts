/**
 * Due times: keys that wait until a time each, of which the next is always known. A binary heap over the times that were ever asked for, and a map of
 * those that hold: with ten thousand keys waiting, looking through all of them for each that comes due was most of what an idle server did.
 *
 * I1: a key waits once, until the time that was set last; `popDue` gives it exactly once, not before that time.
 * I2: keys come in the order of their times.
 * I3: it holds at most twice as many entries as keys waited when one was last set, and a few more.
 */

export interface DueTimes {
  readonly size: () => number;
  /** Until when `key` waits; undefined: it does not. */
  get(key: string): number | undefined;
  set(key: string, dueMs: number): void;
  delete(key: string): void;
  /** The earliest time; undefined: nothing waits. */
  nextMs(): number | undefined;
  /** Takes out the next key that is due at `nowMs`. */
  popDue(nowMs: number): string | undefined;
  /** Entries held, also those that no longer hold. */
  entries(): number;
}

interface Entry {
  readonly key: string;
  readonly dueMs: number;
}

/** Entries that do not hold are borne up to so many, whatever waits. */
const SPARE = 64;

export function createDueTimes(): DueTimes {
  const times = new Map<string, number>();
  let heap: Entry[] = [];

  /** The first entry that holds; what stands before it is thrown away. */
  const first = (): Entry | undefined => {
    for (let top = heap[0]; top !== undefined; top = heap[0]) {
      if (times.get(top.key) === top.dueMs) return top;
      pop(heap);
    }
    return undefined;
  };

  return {
    size: () => times.size,
    get: (key) => times.get(key),
    set: (key, dueMs) => {
      if (times.get(key) === dueMs) return;
      times.set(key, dueMs);
      push(heap, { key, dueMs });
      if (heap.length <= 2 * times.size + SPARE) return;
      heap = [...times].map(([waiting, atMs]) => ({ key: waiting, dueMs: atMs })).sort((a, b) => a.dueMs - b.dueMs);
    },
    delete: (key) => void times.delete(key),
    nextMs: () => first()?.dueMs,
    popDue: (nowMs) => {
      const top = first();
      if (top === undefined || top.dueMs > nowMs) return undefined;
      pop(heap);
      times.delete(top.key);
      return top.key;
    },
    entries: () => heap.length,
  };
}

function push(heap: Entry[], entry: Entry): void {
  let at = heap.length;
  heap.push(entry);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent];
    if (above === undefined || above.dueMs <= entry.dueMs) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = entry;
}

function pop(heap: Entry[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    const child = earlierChild(heap, at);
    const below = heap[child];
    if (below === undefined || below.dueMs >= last.dueMs) break;
    heap[at] = below;
    at = child;
  }
  heap[at] = last;
}

function earlierChild(heap: readonly Entry[], at: number): number {
  const [left, right] = [2 * at + 1, 2 * at + 2];
  return (heap[right]?.dueMs ?? Infinity) < (heap[left]?.dueMs ?? Infinity) ? right : left;
}
