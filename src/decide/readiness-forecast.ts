/**
 * What a forecast of readiness says (src/decide/readiness.ts).
 */

/** Rows of the truth table, in its order. */
export type FailureRow =
  | 'instance'
  | 'singleton'
  | 'agent-crash'
  | 'agent-hang'
  | 'balancer'
  | 'worker'
  | 'primary'
  | 'machine'
  | 'reboot-worker'
  | 'reboot-primary'
  | 'extension-servers'
  | 'director'
  | 'database'
  | 'license-sync';

/** NoEffect: clients notice nothing. Degraded: all is served, with less in reserve or for some. Outage: something stops being served. */
export type Verdict = 'NoEffect' | 'Degraded' | 'Outage' | 'Unknown';

export interface Forecast {
  readonly row: FailureRow;
  /** What dies: a service, a node or a machine by its name; '' for what there is one of. */
  readonly subject: string;
  /** What dies, as a phrase: `an instance of web`. */
  readonly failure: string;
  readonly verdict: Verdict;
  /** False: worse than the truth table promises for what the spec asks. */
  readonly promised: boolean;
  /** What would happen, a sentence. */
  readonly effect: string;
  /** What makes it so, a sentence. */
  readonly because: string;
  /** What to do to be better off. */
  readonly remedy?: string;
}
