/**
 * What a director signs about a site's license, and what a node keeps of it.
 *
 * Two times travel in a statement. `licenseMs` is license time: contract, sync period and grace are counted in it. `trustedMs` is the signer's
 * ordinary time: certificates are judged by it. They differ only where a control plane runs its license days faster for people to watch
 * (`--day 2s`); `rate` says how much faster (1 in earnest), so that a site needs no setting of its own.
 *
 * I1: of two statements the one with the higher serial holds, whatever times they name.
 * I2: a record's running time never falls while its serial stays.
 * I3: a node that asks takes only the statement that was signed for this very request.
 */

/** Of a request for a license; its node makes up another one each time. */
export const LICENSE_NONCE = /^[A-Za-z0-9_-]{16,64}$/;

/** Organization of the certificates by which licenses are signed. */
export const LICENSE_SIGNERS = 'outrigger:license-signers';

/** Claims of the JWS (EdDSA, x5c: a certificate of our CA with O=outrigger:license-signers). All times in ms since 1970. */
export interface LicenseStatement {
  readonly iss: 'outrigger';
  readonly typ: 'universal-license';
  /** The revision of the write that recorded this sync: grows with every sync, also across restores of the store. */
  readonly serial: number;
  /** What the node had made up for the request that this answers: an answer that somebody kept answers no later request. */
  readonly nonce?: string;
  readonly licenseMs: number;
  readonly trustedMs: number;
  /** License milliseconds for each running millisecond. */
  readonly rate: number;
  readonly site: { readonly namespace: string; readonly name: string; readonly uid: string };
  readonly clusterUid: string;
  readonly license: {
    readonly name: string;
    readonly uid: string;
    readonly edition: string;
    readonly seats: number;
    readonly model: 'Named' | 'Concurrent';
    readonly startMs: number;
    readonly endMs: number;
    readonly syncPeriodMs: number;
    readonly syncGraceMs: number;
    readonly contractGraceMs: number;
    readonly onExpiry: 'RefuseNewSessions';
    readonly peakReset: number;
  };
}

/** How much running time has passed since something; carried over reboots. The time that a machine is off is not counted. */
export interface RunningTime {
  /** Counted up to `bootMs` of boot `bootId`. */
  readonly ranMs: number;
  readonly bootId: string;
  /** CLOCK_BOOTTIME at which `ranMs` was last counted. */
  readonly bootMs: number;
}

/** What each node keeps: the newest statement, and how long it has been running since it was signed. */
export interface LicenseRecord {
  /** As signed, so that other nodes and connection servers can verify it themselves. */
  readonly token: string;
  readonly statement: LicenseStatement;
  readonly since: RunningTime;
}

export const LICENSE_STATES = ['Inactive', 'Active', 'SyncGrace', 'ContractGrace', 'Expired'] as const;
export type LicenseState = (typeof LICENSE_STATES)[number];

/** Days left at which a person is warned. */
export const LICENSE_WARNING_DAYS = [14, 7, 3, 1] as const;

/** Seats in use as a site counts them. */
export interface SeatUse {
  readonly concurrent: number;
  readonly named: number;
  readonly peakConcurrent: number;
  readonly peakNamed: number;
  readonly peakReset: number;
}
