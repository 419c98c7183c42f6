/**
 * Readiness of a cluster from what the API shows of it, and how it is summed up: for the command and for the console, which say the same.
 *
 * I1: what was not seen stays unknown; nothing is guessed in its place.
 * I2: forecasts that say the same of several subjects are said once, in the order of the truth table.
 */

import type { Cluster } from '../model/cluster.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import type { ClusterRelease } from '../model/cluster-release.ts';
import type { Host } from '../model/host.ts';
import type { UniversalLicense } from '../model/universal-license.ts';
import type { VirtualDataCenter } from '../model/virtual-data-center.ts';
import { servicesOf } from './plan.ts';
import { together } from './readiness-facts.ts';
import type { ControlFacts, ReadinessFacts } from './readiness-facts.ts';
import type { Forecast } from './readiness-forecast.ts';
import { isUnready } from './readiness.ts';

/** What the API shows to this asker; of any number of clusters. */
export interface ReadinessWorld {
  readonly nodes: readonly ClusterNode[];
  /** Undefined: this asker cannot see them. */
  readonly hosts: readonly Host[] | undefined;
  readonly dataCenters: readonly VirtualDataCenter[];
  readonly releases: readonly ClusterRelease[];
  readonly licenses: readonly UniversalLicense[];
  readonly control: ControlFacts;
}

export function readinessFactsOf(
  cluster: Cluster,
  { nodes, hosts, dataCenters, releases, licenses, control }: ReadinessWorld,
): ReadinessFacts {
  const { namespace, uid } = cluster.metadata;
  const runs = cluster.status?.release?.current ?? cluster.spec.release;
  const release = releases.find(({ metadata }) => metadata.name === runs);
  const license = licenses.find(({ metadata }) => metadata.namespace === namespace && metadata.name === cluster.status?.license?.name);
  return {
    cluster,
    nodes: nodes.filter(({ spec }) => spec.clusterUid === uid),
    services: release === undefined ? undefined : servicesOf(cluster.spec, release),
    unheard: undefined,
    hosts,
    virtualDataCenter: dataCenters.find(
      ({ metadata }) => metadata.namespace === namespace && metadata.name === cluster.spec.virtualDataCenter,
    ),
    syncGraceDays: license?.spec.syncGraceDays,
    control,
  };
}

/** All of it in a few words, without the name of the cluster. `failover`: spec.availability.failover, which says what is promised. */
export function readinessSentence(forecasts: readonly Forecast[], failover: string): string {
  const bad = forecasts.filter(({ promised }) => !promised).length;
  if (isUnready(forecasts)) return `NOT READY: of ${forecasts.length} failures ${bad} would be worse than promised`;
  const outages = forecasts.filter(({ verdict }) => verdict === 'Outage').length;
  if (outages === 0) return 'nothing would stop that should go on';
  const counted = outages === 1 ? '1 outage is' : `${outages} outages are`;
  return `nothing would stop that spec.availability.failover ${failover} keeps running; ${counted} as promised`;
}

/** What to do about it; undefined: nothing. What was promised to be so needs no advice, unless it is an outage all the same. */
export function adviceOf({ remedy, promised, verdict }: Forecast): string | undefined {
  return promised && verdict !== 'Outage' ? undefined : remedy;
}

/** Forecasts that say the same of several subjects, once. */
export function groupedForecasts(forecasts: readonly Forecast[]): readonly Forecast[] {
  const without = (text: string | undefined, { subject }: Forecast): string =>
    subject === '' ? (text ?? '') : (text ?? '').replaceAll(subject, '…');
  const alike = Map.groupBy(forecasts, (one) =>
    [one.row, one.verdict, one.promised, ...[one.failure, one.effect, one.because, one.remedy].map((text) => without(text, one))].join('|'),
  );
  return [...alike.values()].flatMap(([first, ...others]) => {
    if (first === undefined) return [];
    const all = together([first, ...others].map(({ subject }) => subject));
    const said = (text: string): string =>
      others.length === 0 ? text : text.replaceAll(first.subject, first.row === 'instance' ? 'it' : all);
    return [
      {
        ...first,
        failure: others.length === 0 ? first.failure : first.failure.replaceAll(first.subject, all),
        effect: said(first.effect),
        because: said(first.because),
      },
    ];
  });
}
