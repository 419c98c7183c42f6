/**
 * Which extension servers live, judged by own observation as they do among themselves: for that the Leases are looked at for as long as they last.
 */

import { extensionLeaseName, liveServers, NO_LEASES, observeLeases } from '../../decide/sharding.ts';
import type { ServersSeen } from '../../decide/doctor-entities.ts';
import { LEASES } from '../../model/core-kinds.ts';
import type { Lease } from '../../model/core-kinds.ts';
import { ANNOTATION_OBEYS } from '../../model/labels.ts';
import { LIMITS } from '../../model/limits.ts';
import type { EntityApi } from '../../ports/api.ts';
import type { Clock } from '../../ports/clock.ts';
import { mayList } from './gather.ts';

const SYSTEM_NAMESPACE = 'outrigger-system';

/** Undefined: Leases are not shown to this caller. */
export async function watchServers(
  { api, clock }: { readonly api: EntityApi; readonly clock: Clock },
  signal: AbortSignal,
): Promise<ServersSeen | undefined> {
  const startMs = clock.monotonicMs();
  let memory = NO_LEASES;
  let first: ReadonlyMap<string, string> | undefined;
  for (;;) {
    const leases = await mayList<Lease>(api, LEASES, { namespace: SYSTEM_NAMESPACE }, signal);
    if (typeof leases === 'string') return undefined;
    memory = observeLeases(memory, leases, clock.monotonicMs());
    first ??= new Map([...memory].map(([server, { revision }]) => [server, revision]));
    const seen = first;
    // A server is alive that was seen to renew; one whose Lease only lies there has been.
    const live = liveServers(memory, clock.monotonicMs()).filter((server) => memory.get(server)?.revision !== seen.get(server));
    if (live.length === memory.size || clock.monotonicMs() - startMs >= LIMITS.extensionLeaseTtlMs)
      return { live, silent: [...memory.keys()].filter((server) => !live.includes(server)).toSorted(), obeys: obeysOf(leases, live) };
    await clock.sleep(LIMITS.extensionLeaseRenewMs / 2, signal);
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
