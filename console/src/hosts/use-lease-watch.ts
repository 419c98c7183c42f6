/**
 * Whether a host still renews its Lease: looked at for as long as a renewal may take, because only seeing no change says that nobody writes it.
 *
 * I1: `isSilent` is never said before a whole period of renewals was looked at without a change.
 */

import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import type { Lease } from '../../../src/model/core-kinds.ts';
import { SYSTEM_LEASES_PATH } from '../api/paths.ts';
import { ApiError, call } from '../api/request.ts';

const LOOK_MS = 1_000;
/** A Lease is renewed thrice within its duration, and a tenth later at most; and a little for the way (src/cli/host-orders.ts does the same). */
const JITTER = 1.1;
const SLACK_MS = 5_000;

export interface LeaseSight {
  readonly state: 'looking' | 'silent' | 'lives' | 'unknown';
  /** Until it is known; ms. */
  readonly leftMs: number;
  /** Why it is not known. */
  readonly why?: string;
}

interface Look {
  readonly revision: string | undefined;
  readonly periodMs: number;
  readonly atMs: number;
}

export function useLeaseWatch(host: string): LeaseSight {
  const { data, error } = useQuery({
    queryKey: ['lease', host],
    queryFn: () => look(host),
    refetchInterval: LOOK_MS,
    gcTime: 0,
    retry: false,
  });
  const first = useRef<Look | undefined>(undefined);
  const [sight, setSight] = useState<LeaseSight>({ state: 'looking', leftMs: SLACK_MS });
  useEffect(() => {
    if (data === undefined) return;
    first.current ??= data;
    const { revision, atMs } = first.current;
    const leftMs = (data.periodMs * JITTER) / 3 + SLACK_MS - (data.atMs - atMs);
    if (data.revision !== revision) setSight({ state: 'lives', leftMs: 0 });
    else
      setSight((before) =>
        before.state === 'lives' ? before : { state: leftMs <= 0 ? 'silent' : 'looking', leftMs: Math.max(0, leftMs) },
      );
  }, [data]);
  return error === null ? sight : { state: 'unknown', leftMs: 0, why: error.message };
}

async function look(host: string): Promise<Look> {
  try {
    const { metadata, spec } = await call<Lease>('GET', `${SYSTEM_LEASES_PATH}/${encodeURIComponent(`host-${host}`)}`);
    return { revision: metadata.resourceVersion, periodMs: (spec.leaseDurationSeconds ?? 0) * 1000, atMs: performance.now() };
  } catch (cause) {
    if (cause instanceof ApiError && cause.status === 404) return { revision: undefined, periodMs: 0, atMs: performance.now() };
    throw cause;
  }
}
