/**
 * Which extension servers live, judged by own observation as they do among themselves: for that the Leases are looked at for as long as they last.
 *
 * I1: how long a Lease lasts is what it says itself; one that says more than a person would wait for counts as alive until it has been seen to end.
 */

import { extensionLeaseName, isSettled, liveServers, NO_LEASES, observeLeases } from '../../decide/sharding.ts';
import type { ServersSeen } from '../../decide/doctor-entities.ts';
import { LEASES } from '../../model/core-kinds.ts';
import type { Lease } from '../../model/core-kinds.ts';
import { ANNOTATION_OBEYS } from '../../model/labels.ts';
import { LIMITS } from '../../model/limits.ts';
import type { EntityApi } from '../../ports/api.ts';
import type { Clock } from '../../ports/clock.ts';
import { mayList } from './gather.ts';

const SYSTEM_NAMESPACE = 'outrigger-system';
const LOOK_MS = 250;

/** Undefined: Leases are not shown to this caller. */
export async function watchServers(
  { api, clock }: { readonly api: EntityApi; readonly clock: Clock },
  signal: AbortSignal,
): Promise<ServersSeen | undefined> {
  const startMs = clock.monotonicMs();
  let memory = NO_LEASES;
  for (;;) {
    const leases = await mayList<Lease>(api, LEASES, { namespace: SYSTEM_NAMESPACE }, signal);
    if (typeof leases === 'string') return undefined;
    memory = observeLeases(memory, leases, clock.monotonicMs());
    const nowMs = clock.monotonicMs();
    if (isSettled(memory, nowMs) || nowMs - startMs >= LIMITS.serversWatchedMs) {
      const live = liveServers(memory, nowMs);
      return { live, silent: [...memory.keys()].filter((server) => !live.includes(server)).toSorted(), obeys: obeysOf(leases, live) };
    }
    await clock.sleep(LOOK_MS, signal);
  }
}

function obeysOf(leases: readonly Lease[], live: readonly string[]): ReadonlyMap<string, string> {
  const said = new Map(leases.map(({ metadata }) => [metadata.name, metadata.annotations?.[ANNOTATION_OBEYS]]));
  return new Map(
    live.flatMap((server) => {
      const obeys = said.get(extensionLeaseName(server));
      return obeys === undefined ? [] : [[server, obeys]];
    }),
  );
}
