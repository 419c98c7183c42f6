/**
 * How many extension servers live, as this browser sees it.
 */

import { useRef } from 'react';
import type { Lease } from '../../../src/model/core-kinds.ts';
import { SYSTEM_LEASES_PATH } from '../api/paths.ts';
import { useNow } from '../shell/moment.ts';
import { useLive } from './live-kind.ts';
import { lookAtServers, NO_SIGHT } from './server-sight.ts';
import type { ServerSight } from './server-sight.ts';

/** Leases last 3 s unless the ServerConfig says more. */
const LOOK_MS = 500;

/** Undefined: not known (yet). */
export function useExtensionServers(): number | undefined {
  const leases = useLive<Lease>(SYSTEM_LEASES_PATH);
  const sight = useRef<ServerSight>(NO_SIGHT);
  const nowMs = useNow(LOOK_MS);
  sight.current = lookAtServers(sight.current, leases, Math.max(nowMs, sight.current.lookedMs));
  return sight.current.count;
}
