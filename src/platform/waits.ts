/**
 * Many waits of one length, for the cost of one timer: what begins first is due first.
 *
 * I1: what is neither taken back nor begun anew is told once, no sooner than its time.
 * I2: while nothing waits there is no timer, except the last one; none keeps the process alive.
 */

export interface Waits<T> {
  /** Begins a wait; one that runs begins anew. */
  begin(one: T): void;
  /** Takes it back. */
  end(one: T): void;
}

export function waitsOf<T>(ms: number, due: (one: T) => void): Waits<T> {
  const until = new Map<T, number>();
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    timer = undefined;
    const now = performance.now();
    for (const [one, at] of until) {
      if (at > now) {
        arm(at - now);
        return;
      }
      until.delete(one);
      due(one);
    }
  };
  const arm = (forMs: number): void => {
    timer ??= setTimeout(look, Math.ceil(forMs)).unref();
  };
  return {
    begin: (one) => {
      // A map keeps the order in which its keys came.
      until.delete(one);
      until.set(one, performance.now() + ms);
      arm(ms);
    },
    end: (one) => void until.delete(one),
  };
}
