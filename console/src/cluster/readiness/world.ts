/**
 * What readiness is judged from, as far as this person may see it, by watches: the same that `outrigger status --readiness` lists.
 */

import { useMemo } from 'react';
import { readinessFactsOf } from '../../../../src/decide/readiness-summary.ts';
import type { ReadinessFacts } from '../../../../src/decide/readiness-facts.ts';
import type { ClusterNode } from '../../../../src/model/cluster-node.ts';
import type { ClusterRelease } from '../../../../src/model/cluster-release.ts';
import type { Cluster } from '../../../../src/model/cluster.ts';
import type { Host } from '../../../../src/model/host.ts';
import type { UniversalLicense } from '../../../../src/model/universal-license.ts';
import type { VirtualDataCenter } from '../../../../src/model/virtual-data-center.ts';
import { listPath } from '../../api/paths.ts';
import { useNow } from '../../shell/moment.ts';
import { useExtensionServers } from '../../watch/extension-servers.ts';
import { useLive } from '../../watch/live-kind.ts';
import { gravest } from '../../watch/live-set.ts';
import type { Contact, LiveSet } from '../../watch/live-set.ts';

export interface ReadinessSight {
  /** Undefined: not all of it has been seen yet. */
  readonly facts: ReadinessFacts | undefined;
  readonly contact: Contact;
  /** What this person may not see, each with the API's sentence. */
  readonly hidden: readonly string[];
}

export function useReadinessSight(cluster: Cluster, nodes: LiveSet<ClusterNode>): ReadinessSight {
  const { namespace = '' } = cluster.metadata;
  const hosts = useLive<Host>(listPath('hosts'));
  const dataCenters = useLive<VirtualDataCenter>(listPath('virtualdatacenters', namespace));
  const releases = useLive<ClusterRelease>(listPath('clusterreleases'));
  const licenses = useLive<UniversalLicense>(listPath('universallicenses', namespace));
  const extensionServers = useExtensionServers();
  const named: readonly (readonly [name: string, set: LiveSet<unknown>])[] = [
    ['nodes', nodes],
    ['hosts', hosts],
    ['capacity', dataCenters],
    ['releases', releases],
    ['licenses', licenses],
  ];
  const contact = gravest(named.map(([, set]) => set.contact));
  const isLost = contact.state === 'lost';
  const now = useNow(1_000, isLost);
  const silentMs = isLost && contact.sinceMs !== undefined ? Math.max(0, now - contact.sinceMs) : undefined;
  const isSeen = named.every(([, set]) => set.complete || set.contact.state === 'refused');
  const facts = useMemo(() => {
    const control = isLost ? { directorSilentMs: silentMs ?? 0 } : { directorAnswers: true, extensionServers };
    return readinessFactsOf(cluster, {
      nodes: [...nodes.objects.values()],
      hosts: hosts.contact.state === 'refused' ? undefined : [...hosts.objects.values()],
      dataCenters: [...dataCenters.objects.values()],
      releases: [...releases.objects.values()],
      licenses: [...licenses.objects.values()],
      control,
    });
  }, [cluster, nodes.objects, hosts, dataCenters.objects, releases.objects, licenses.objects, extensionServers, isLost, silentMs]);
  const hidden = named.flatMap(([name, set]) => (set.contact.state === 'refused' ? [`${name}: ${set.contact.why}`] : []));
  return { facts: isSeen ? facts : undefined, contact, hidden };
}
