/**
 * Draining a host from this page: what is next is decided by the same src/decide/host-drain.ts as in `outrigger host drain`, from what the watches say.
 *
 * I1: what is retired is guarded by the uid and revision that it was decided on; what changed meanwhile is decided anew.
 * I2: one retirement at a time, and each is remembered before the next is decided.
 * I3: it can be left and begun again at any time: nothing of it is remembered elsewhere than in the objects.
 */

import { useEffect, useMemo, useRef, useState } from 'react';
import { drainStep } from '../../../src/decide/host-drain.ts';
import type { DrainStep, RetiredNode } from '../../../src/decide/host-drain.ts';
import type { ClusterNode } from '../../../src/model/cluster-node.ts';
import type { Cluster } from '../../../src/model/cluster.ts';
import type { Host } from '../../../src/model/host.ts';
import type { VirtualDataCenter } from '../../../src/model/virtual-data-center.ts';
import { listPath, objectPath } from '../api/paths.ts';
import { ApiError, call, MERGE_PATCH } from '../api/request.ts';
import { useLive } from '../watch/live-kind.ts';

export interface Drain {
  /** Undefined: not everything that it is decided from is known yet, or is shown to this person. */
  readonly step: DrainStep | undefined;
  readonly unknown: string;
  readonly retired: readonly RetiredNode[];
  /** Why the newest retirement did not happen; it is tried again. */
  readonly failure: string | undefined;
}

const TRY_AGAIN_MS = 1_000;

/** `isRunning`: carries out what is next; else it only says what that would be. */
export function useDrain(host: string, includePrimaries: boolean, isRunning: boolean): Drain {
  const hosts = useLive<Host>(listPath('hosts'));
  const nodes = useLive<ClusterNode>(listPath('clusternodes'));
  const clusters = useLive<Cluster>(listPath('clusters'));
  const homes = useLive<VirtualDataCenter>(listPath('virtualdatacenters'));
  const [retired, setRetired] = useState<readonly RetiredNode[]>([]);
  const [failure, setFailure] = useState<string | undefined>();
  const sets = [hosts, nodes, clusters, homes];
  const isWhole = sets.every(({ complete, contact }) => complete && contact.state === 'live');
  const refused = sets.map(({ contact }) => (contact.state === 'refused' ? contact.why : undefined)).find((why) => why !== undefined);
  const step = useMemo(
    () =>
      isWhole
        ? drainStep({
            host,
            includePrimaries,
            retired,
            hosts: [...hosts.objects.values()],
            virtualDataCenters: [...homes.objects.values()],
            clusters: [...clusters.objects.values()],
            nodes: [...nodes.objects.values()],
          })
        : undefined,
    [isWhole, host, includePrimaries, retired, hosts.objects, homes.objects, clusters.objects, nodes.objects],
  );
  const isBusy = useRef(false);
  const [tries, setTries] = useState(0);
  useEffect(() => {
    const next = isRunning ? step?.retire[0] : undefined;
    if (next === undefined || isBusy.current) return;
    isBusy.current = true;
    const { namespace = '', name, uid } = next.metadata;
    void retire(next).then(async (why) => {
      setFailure(why);
      // Remembered whatever the watches say meanwhile: what is decided next depends on it.
      if (why === undefined) setRetired((before) => [...before, { namespace, name, uid }]);
      else await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN_MS));
      isBusy.current = false;
      setTries((count) => count + 1);
    });
  }, [isRunning, step, tries]);
  return { step, unknown: refused ?? 'It is being looked at.', retired, failure };
}

/** Why it was not retired; undefined: it was, or it changed meanwhile. */
async function retire(node: ClusterNode): Promise<string | undefined> {
  const { namespace = '', name, uid, resourceVersion } = node.metadata;
  const body = { metadata: { uid, resourceVersion }, spec: { retired: true } };
  try {
    await call('PATCH', objectPath('clusternodes', namespace, name), { body, contentType: MERGE_PATCH });
    return undefined;
  } catch (cause) {
    if (cause instanceof ApiError && cause.status === 409) return 'It changed meanwhile, and is decided anew.';
    return cause instanceof Error ? cause.message : String(cause);
  }
}
