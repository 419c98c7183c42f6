/**
 * The releases of simulated worlds, and the ways between them.
 */

/** A release whose replicated services never get ready. */
export const BROKEN_RELEASE = '1.0.2';
/** Version → the versions that it may be reached from. */
export const SIM_RELEASES = { '1.0.0': [], '1.0.1': ['1.0.0'], [BROKEN_RELEASE]: ['1.0.0', '1.0.1'], '2.0.0': [] } as const;
