/**
 * Virtual time: events in order of time, then of their planning; nothing happens between two events.
 *
 * Shells of the product are asynchronous. After an event that settled a promise (`touch`), all that follows from it runs before the next event,
 * so a run is settled by its seed alone.
 */

export interface Scheduler {
  /** Virtual ms since the start. */
  nowMs(): number;
  /** Runs `work` after `delayMs`; returns how to call it off. */
  after(delayMs: number, work: () => void): () => void;
  /** Something asynchronous was set going: let it come to rest before the next event. */
  touch(): void;
  /** Runs events up to `untilMs`. */
  run(untilMs: number): Promise<void>;
  /** Events run so far. */
  events(): number;
}

interface Planned {
  readonly atMs: number;
  readonly order: number;
  work: (() => void) | undefined;
}

export function createScheduler(): Scheduler {
  const heap: Planned[] = [];
  let nowMs = 0;
  let order = 0;
  let events = 0;
  let touched = false;
  const run = async (untilMs: number): Promise<void> => {
    for (let next = heap[0]; next !== undefined && next.atMs <= untilMs; next = heap[0]) {
      pop(heap);
      if (next.work === undefined) continue;
      nowMs = next.atMs;
      events++;
      next.work();
      if (!touched) continue;
      touched = false;
      await rest();
    }
    nowMs = Math.max(nowMs, untilMs);
  };
  return {
    nowMs: () => nowMs,
    after: (delayMs, work) => {
      const planned: Planned = { atMs: nowMs + Math.max(0, Math.round(delayMs)), order: order++, work };
      push(heap, planned);
      return () => {
        planned.work = undefined;
      };
    },
    touch: () => {
      touched = true;
    },
    run,
    events: () => events,
  };
}

/** Resolves when every promise that can settle has. */
function rest(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function before(a: Planned, b: Planned): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

function push(heap: Planned[], planned: Planned): void {
  let at = heap.length;
  heap.push(planned);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent];
    if (above === undefined || before(above, planned)) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = planned;
}

function pop(heap: Planned[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    const left = heap[child];
    if (left === undefined) break;
    const right = heap[child + 1];
    if (right !== undefined && before(right, left)) child++;
    const least = heap[child];
    if (least === undefined || before(last, least)) break;
    heap[at] = least;
    at = child;
  }
  heap[at] = last;
}
