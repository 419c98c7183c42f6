/**
 * What an agent remembers across crashes, upgrades and reboots: its records in the node store, typed.
 *
 * I1: what was given to `keep` is on disk before anything is done by it: `keep` resolves after that.
 * I2: a record that is damaged reads as absent, is reported once, and stays on the disk.
 * I3: a record is written only when it changed.
 */

import { canonicalJson } from '../base/canonical.ts';
import type { Fate } from '../decide/agent-duty.ts';
import type { Membership } from '../decide/authority.ts';
import type { ChangeClock } from '../decide/change-clock.ts';
import type { ClusterPlan } from '../decide/cluster-plan.ts';
import type { Joined } from '../decide/certain-time.ts';
import type { EndpointTable } from '../decide/endpoints.ts';
import type { NodePlan } from '../decide/plan.ts';
import type { SeatCount } from '../decide/seat-use.ts';
import type { SpecMemory } from '../decide/spec-age.ts';
import type { Json } from '../model/json.ts';
import type { LicenseRecord } from '../model/license-statement.ts';
import type { Log } from '../ports/log.ts';
import type { NodeStore } from '../ports/node-store.ts';
import type { SightRecord } from './sight-record.ts';
import type { SiteRecord } from './site-record.ts';

/** The pod of a service that was last known to be ready. */
export interface RememberedService {
  readonly hash: string;
  readonly ready: boolean;
}

interface Records {
  /** The site that the cluster is plugged into (src/agent/site-memory.ts). */
  readonly site: SiteRecord;
  readonly membership: Membership;
  readonly plan: NodePlan;
  /** The newest plan of the whole cluster, from its primary. */
  readonly clusterPlan: ClusterPlan;
  /** How long a turn of a change has taken, on the primary. */
  readonly changeClock: ChangeClock;
  /** The youngest spec of the cluster that was obeyed (src/decide/spec-age.ts). */
  readonly spec: SpecMemory;
  /** The members of the cluster as seen last (src/agent/sight.ts). */
  readonly sight: SightRecord;
  /** Number of the agent's newest life (src/decide/presence.ts). */
  readonly life: number;
  readonly endpoints: EndpointTable;
  readonly services: Readonly<Record<string, RememberedService>>;
  readonly fate: Fate;
  /** What trusted time began with (src/agent/trusted-time.ts). */
  readonly joined: Joined;
  /** The newest license statement, and how long it has been running since. */
  readonly license: LicenseRecord;
  /** Seats in use as counted here, with the peaks. */
  readonly seats: SeatCount;
  /** The youngest era met, and the highest revision seen in it. */
  readonly era: { readonly number: number; readonly id: string; readonly revision: number };
}

const NAMES = [
  'membership',
  'plan',
  'clusterPlan',
  'changeClock',
  'spec',
  'sight',
  'life',
  'endpoints',
  'services',
  'fate',
  'era',
  'joined',
  'license',
  'seats',
  'site',
] as const satisfies readonly (keyof Records)[];

export interface Memory {
  get<N extends keyof Records>(name: N): Records[N] | undefined;
  /** Throws `Fault` DiskFull or FolderUnwritable; then what was remembered before still is. */
  keep<N extends keyof Records>(name: N, value: Records[N]): Promise<void>;
}

/** Reads all records. */
export async function openMemory(store: NodeStore, log: Log): Promise<Memory> {
  const values = new Map<string, unknown>();
  for (const name of NAMES) {
    const read = await store.read<Json>(name);
    if (read.state === 'found') values.set(name, read.body);
    if (read.state === 'damaged')
      log.error('A record of the node store is damaged; the node goes on without it.', { record: name, why: read.message });
  }
  return {
    get: <N extends keyof Records>(name: N) => values.get(name) as Records[N] | undefined,
    keep: async (name, value) => {
      if (canonicalJson(values.get(name)) === canonicalJson(value)) return;
      await store.write(name, value as unknown as Json);
      values.set(name, value);
    },
  };
}
