/**
 * A line of the fleet, from a cluster: what is searched, filtered, sorted and shown. Made once for each state of a cluster, because there are 10,000.
 */

import { concernsOf } from '../../../src/decide/attention.ts';
import type { Concern } from '../../../src/decide/attention.ts';
import type { Cluster } from '../../../src/model/cluster.ts';
import { keyOf } from '../watch/live-set.ts';

export type ShownPhase = NonNullable<NonNullable<Cluster['status']>['phase']>;

export interface FleetRow {
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly phase: ShownPhase;
  /** What runs, and what shall run where that differs. */
  readonly release: string;
  readonly nodesReady: number;
  readonly nodesWanted: number;
  /** Days until new sessions are refused; undefined: nothing is counted. */
  readonly licenseDays: number | undefined;
  readonly licenseState: string | undefined;
  readonly concerns: readonly Concern[];
  readonly site: string;
  /** Lower case. */
  readonly searched: string;
}

const known = new WeakMap<Cluster, FleetRow>();

export function fleetRow(cluster: Cluster): FleetRow {
  let row = known.get(cluster);
  if (row === undefined) known.set(cluster, (row = makeRow(cluster)));
  return row;
}

function makeRow(cluster: Cluster): FleetRow {
  const { metadata, spec, status = {} } = cluster;
  const { name, namespace = '' } = metadata;
  const release = releaseText(spec.release, status.release?.current);
  const site = spec.site ?? '';
  const nodes = Object.values(status.nodes ?? {});
  return {
    key: keyOf(cluster),
    namespace,
    name,
    phase: metadata.deletionTimestamp === undefined ? (status.phase ?? 'Pending') : 'Deleting',
    release,
    nodesReady: nodes.filter(({ ready }) => ready === true).length,
    nodesWanted: spec.workers + 1,
    licenseDays: status.license?.daysLeft,
    licenseState: status.license?.state,
    concerns: concernsOf(cluster),
    site,
    searched: `${namespace}/${name} ${site} ${release}`.toLowerCase(),
  };
}

function releaseText(wanted: string, current: string | undefined): string {
  return current === undefined || current === wanted ? wanted : `${current} → ${wanted}`;
}
