/**
 * The door to whoever supervises this process (systemd): it is told when the process can serve, that its main loop goes round, and how it is.
 *
 * I1: nothing here waits or fails: a supervisor that does not listen never holds up the work.
 * I2: without a supervisor all of it does nothing.
 */

export interface ServiceManager {
  /** The process can do what it is there for. Told once; further calls do nothing. */
  ready(): void;
  /**
   * The main loop has completed a round. Whoever calls it from a timer beside the loop defeats its purpose: a supervisor that hears nothing
   * for its watchdog time ends the process and starts it anew.
   */
  progressed(): void;
  /** The process was told to end and is about to. */
  stopping(): void;
  /** How it is, as one sentence for `systemctl status`; the newest one stands. */
  status(text: string): void;
}
