/**
 * A bell: one loop sleeps until somebody rings. Rings while it is awake are not lost, and many count as one.
 */

export interface Bell {
  ring(): void;
  /** Resolves at the next ring; at once if it rang since the last wait. Whoever stops the loop rings too. */
  wait(): Promise<void>;
}

export function makeBell(): Bell {
  let rung = false;
  let wake: (() => void) | undefined;
  return {
    ring() {
      rung = true;
      wake?.();
    },
    async wait() {
      if (!rung) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      wake = undefined;
      rung = false;
    },
  };
}
