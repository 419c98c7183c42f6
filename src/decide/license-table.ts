/**
 * The license machine's events, and its state × event table: complete by type, compared with the specification by a test, obeyed by assertion.
 *
 * What is done depends on the event alone; where it may lead depends on the state too. Time is looked at before every event, as if TimePassed
 * had come first: so a row of any other event leads where that event itself leads.
 *
 * L5 (here): SyncFailed leads nowhere in any state. L8 (here): nothing but time and a newer statement leads anywhere.
 */

import type { FrameworkService } from '../model/framework.ts';
import type { LicenseRecord, LicenseState, LicenseStatement } from '../model/license-statement.ts';

export type LicenseEvent =
  /** At the step's `wakeInMs`, or whenever somebody likes. */
  | { readonly kind: 'TimePassed' }
  /** The answer to RequestSync `request`, its signature verified by the shell. */
  | { readonly kind: 'SyncSucceeded'; readonly request: number; readonly token: string; readonly statement: LicenseStatement }
  /** `message`: a sentence, also when the answer was tampered with or cut short. `isRefused`: a director said it. */
  | { readonly kind: 'SyncFailed'; readonly request: number; readonly message: string; readonly isRefused?: boolean }
  /**
   * `siteUid`: of the site that this cluster is paired with; undefined: none. `isPlugged`: it names a site, paired or not; absent: as `siteUid` says.
   * `missing`: framework services without a live instance.
   */
  | {
      readonly kind: 'PrerequisitesChanged';
      readonly siteUid: string | undefined;
      readonly isPlugged?: boolean;
      readonly missing: readonly FrameworkService[];
    }
  /** What another node of this cluster holds, counted up to its sending; verified by the shell. */
  | { readonly kind: 'PeerRecord'; readonly record: LicenseRecord }
  | { readonly kind: 'AuthorityGained' }
  | { readonly kind: 'AuthorityLost' }
  /** A person asked, or the site's license changed. */
  | { readonly kind: 'SyncRequested' }
  /** The last StoreRecord came to nothing. */
  | { readonly kind: 'StoreFailed' };

export type LicenseRule = 'Count' | 'Accept' | 'BackOff' | 'Note' | 'Merge' | 'TakeOver' | 'StandDown' | 'AskNow' | 'StoreAgain';

export interface LicenseCell {
  readonly does: LicenseRule;
  /** States that it may lead to. */
  readonly to: readonly LicenseState[];
}

type Row = Record<LicenseEvent['kind'], LicenseCell>;

const ANY = ['Inactive', 'Active', 'SyncGrace', 'ContractGrace', 'Expired'] as const;
/** Where a statement that was signed this moment may lead: its sync is not overdue. */
const FRESH = ['Inactive', 'Active', 'ContractGrace', 'Expired'] as const;

/** What leads nowhere, in `state`. */
function staying(state: LicenseState): Omit<Row, 'TimePassed' | 'SyncSucceeded' | 'PeerRecord'> {
  const to = [state];
  return {
    SyncFailed: { does: 'BackOff', to },
    PrerequisitesChanged: { does: 'Note', to },
    AuthorityGained: { does: 'TakeOver', to },
    AuthorityLost: { does: 'StandDown', to },
    SyncRequested: { does: 'AskNow', to },
    StoreFailed: { does: 'StoreAgain', to },
  };
}

const ACCEPT: LicenseCell = { does: 'Accept', to: FRESH };
const MERGE: LicenseCell = { does: 'Merge', to: ANY };

export const LICENSE_TABLE = {
  Inactive: { ...staying('Inactive'), TimePassed: { does: 'Count', to: ANY }, SyncSucceeded: ACCEPT, PeerRecord: MERGE },
  Active: {
    ...staying('Active'),
    TimePassed: { does: 'Count', to: ['Active', 'SyncGrace', 'ContractGrace', 'Expired'] },
    SyncSucceeded: ACCEPT,
    PeerRecord: MERGE,
  },
  SyncGrace: {
    ...staying('SyncGrace'),
    TimePassed: { does: 'Count', to: ['SyncGrace', 'ContractGrace', 'Expired'] },
    // An answer that is not newer than what is held (a replay) leaves the state as it was.
    SyncSucceeded: { does: 'Accept', to: ANY },
    PeerRecord: MERGE,
  },
  ContractGrace: {
    ...staying('ContractGrace'),
    TimePassed: { does: 'Count', to: ['ContractGrace', 'Expired'] },
    SyncSucceeded: ACCEPT,
    PeerRecord: MERGE,
  },
  Expired: { ...staying('Expired'), TimePassed: { does: 'Count', to: ['Expired'] }, SyncSucceeded: ACCEPT, PeerRecord: MERGE },
} as const satisfies Record<LicenseState, Row>;
