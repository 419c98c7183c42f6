/**
 * `outrigger status --readiness`: what would happen now, from a director or from the folders of nodes on this machine, and what the exit code says.
 *
 * I1: the exit code is 1 exactly when something would stop being served that the truth table promises to go on, or when that cannot be said.
 */

import { sightOf } from '../../decide/own-sight.ts';
import type { NodeFolderFacts } from '../../decide/own-sight.ts';
import type { BootReading } from '../../decide/license-clock.ts';
import { servicesOf } from '../../decide/plan.ts';
import { isUnready, readinessOf } from '../../decide/readiness.ts';
import { together } from '../../decide/readiness-facts.ts';
import type { ControlFacts, ReadinessFacts } from '../../decide/readiness-facts.ts';
import type { Forecast } from '../../decide/readiness-forecast.ts';
import { CLUSTER_RELEASES, UNIVERSAL_LICENSES, VIRTUAL_DATA_CENTERS } from '../../model/addresses.ts';
import type { Cluster } from '../../model/cluster.ts';
import type { ClusterRelease } from '../../model/cluster-release.ts';
import type { ExitCode } from '../../model/fault.ts';
import type { UniversalLicense } from '../../model/universal-license.ts';
import type { VirtualDataCenter } from '../../model/virtual-data-center.ts';
import type { EntityApi } from '../../ports/api.ts';
import type { Clock } from '../../ports/clock.ts';
import { clusterTitle } from '../cluster-line.ts';
import { mayList, seeAll, wantedClusters } from './gather.ts';
import type { Seen, Wanted } from './gather.ts';
import { broken, SCREEN_COLUMNS } from './lines.ts';
import { watchServers } from './servers.ts';

export interface ClusterReadiness {
  readonly cluster: string;
  /** What it was judged from. */
  readonly from: 'director' | 'node';
  /** `spec.availability.failover`, which says what is promised. */
  readonly failover: string;
  /** False: something would stop being served that should not. */
  readonly ready: boolean;
  readonly forecasts: readonly Forecast[];
}

/** Throws `Fault` DirectorUnreachable or DirectorRefused; UsageWrong when the cluster that is asked for is not there. */
export async function readinessFromDirector(
  deps: { readonly api: EntityApi; readonly clock: Clock; readonly database: ControlFacts['database'] },
  wanted: Wanted,
  signal: AbortSignal,
): Promise<readonly ClusterReadiness[]> {
  const { api } = deps;
  const seen = await seeAll(api, wanted, signal);
  const clusters = wantedClusters(seen.clusters, wanted);
  const within = wanted.namespace === undefined ? {} : { namespace: wanted.namespace };
  const listed = async <T>(list: Promise<readonly T[] | string>): Promise<readonly T[]> => {
    const found = await list;
    return typeof found === 'string' ? [] : found;
  };
  const [dataCenters, releases, licenses, extensionServers] = await Promise.all([
    listed(mayList<VirtualDataCenter>(api, VIRTUAL_DATA_CENTERS, within, signal)),
    listed(mayList<ClusterRelease>(api, CLUSTER_RELEASES, {}, signal)),
    listed(mayList<UniversalLicense>(api, UNIVERSAL_LICENSES, within, signal)),
    watchServers(deps, signal),
  ]);
  const control: ControlFacts = { directorAnswers: true, extensionServers: extensionServers?.live.length, database: deps.database };
  return clusters.map((cluster) => judged('director', factsOf(cluster, { seen, dataCenters, releases, licenses, control })));
}

/** `folders`: of nodes on this machine. */
export function readinessFromNodes(folders: readonly NodeFolderFacts[], wanted: Wanted, now: BootReading): readonly ClusterReadiness[] {
  const byCluster = Map.groupBy(folders, ({ node }) => node.clusterUid);
  return [...byCluster.values()]
    .map((nodes): ReadinessFacts => {
      const silent = nodes
        .map(({ tunnel }) => (tunnel?.director === undefined ? tunnel?.sinceMs : undefined))
        .filter((ms) => ms !== undefined);
      const reached = nodes.some(({ tunnel }) => tunnel?.director !== undefined);
      return {
        ...sightOf(nodes, now),
        control: reached ? { directorAnswers: true } : { directorSilentMs: silent.length === 0 ? undefined : Math.min(...silent) },
      };
    })
    .filter(({ cluster: { metadata } }) => {
      const isNamed =
        wanted.cluster === undefined ||
        wanted.cluster === metadata.name ||
        wanted.cluster === `${metadata.namespace ?? ''}/${metadata.name}`;
      return isNamed && (wanted.namespace === undefined || wanted.namespace === metadata.namespace);
    })
    .map((facts) => judged('node', facts));
}

function judged(from: ClusterReadiness['from'], facts: ReadinessFacts): ClusterReadiness {
  const forecasts = readinessOf(facts);
  return {
    cluster: clusterTitle(facts.cluster),
    from,
    failover: facts.cluster.spec.availability?.failover ?? 'None',
    ready: !isUnready(forecasts),
    forecasts,
  };
}

interface World {
  readonly seen: Seen;
  readonly dataCenters: readonly VirtualDataCenter[];
  readonly releases: readonly ClusterRelease[];
  readonly licenses: readonly UniversalLicense[];
  readonly control: ControlFacts;
}

function factsOf(cluster: Cluster, { seen, dataCenters, releases, licenses, control }: World): ReadinessFacts {
  const { namespace, uid } = cluster.metadata;
  const runs = cluster.status?.release?.current ?? cluster.spec.release;
  const release = releases.find(({ metadata }) => metadata.name === runs);
  const license = licenses.find(({ metadata }) => metadata.namespace === namespace && metadata.name === cluster.status?.license?.name);
  return {
    cluster,
    nodes: seen.nodes.filter(({ spec }) => spec.clusterUid === uid),
    services: release === undefined ? undefined : servicesOf(cluster.spec, release),
    unheard: undefined,
    hosts: seen.hosts,
    virtualDataCenter: dataCenters.find(
      ({ metadata }) => metadata.namespace === namespace && metadata.name === cluster.spec.virtualDataCenter,
    ),
    syncGraceDays: license?.spec.syncGraceDays,
    control,
  };
}

const VERDICTS = { NoEffect: 'no effect', Degraded: 'degraded', Outage: 'OUTAGE', Unknown: 'unknown' } as const;
/** Of the three columns; with two blanks between them they fill the screen. */
const WIDTHS = [28, 48, SCREEN_COLUMNS - 28 - 48 - 4] as const;

/** For people: WHAT DIES, THEN, BECAUSE; what is worse than promised is marked with an exclamation mark. */
export function renderReadiness(all: readonly ClusterReadiness[]): string {
  if (all.length === 0) return 'No clusters.\n';
  return all.map(renderCluster).join('\n');
}

function renderCluster({ cluster, from, failover, ready, forecasts }: ClusterReadiness): string {
  const source = from === 'director' ? '' : ', as its nodes on this machine know it';
  if (forecasts.length === 0) return `${cluster}: is being deleted; there is nothing to be ready for.\n`;
  const bad = forecasts.filter(({ promised }) => !promised).length;
  const outages = forecasts.filter(({ verdict }) => verdict === 'Outage').length;
  const said = ready
    ? outages === 0
      ? 'nothing would stop that should go on'
      : `nothing would stop that spec.availability.failover ${failover} keeps running; ${outages} ${outages === 1 ? 'outage is' : 'outages are'} as promised`
    : `NOT READY: of ${forecasts.length} failures ${bad} would be worse than promised`;
  const rows = grouped(forecasts).map(renderForecast);
  return `${ready ? '✔' : '✖'} ${cluster}${source}: ${said}\n\n${columns([['WHAT DIES'], ['THEN'], ['BECAUSE']])}${rows.join('')}`;
}

function renderForecast({ failure, verdict, promised, effect, because, remedy }: Forecast): string {
  // What was promised to be so needs no advice, unless it is an outage all the same.
  const advice = remedy === undefined || (promised && verdict !== 'Outage') ? [] : [`→ ${remedy}`];
  const [left, middle, right] = WIDTHS;
  return columns([
    broken(`${promised ? '' : '! '}${failure}`, left),
    broken(`${VERDICTS[verdict]}. ${effect}`, middle),
    [because, ...advice].flatMap((text) => broken(text, right)),
  ]);
}

/** Columns of lines side by side, and an empty line below. */
function columns(cells: readonly (readonly string[])[]): string {
  const height = Math.max(...cells.map((lines) => lines.length));
  const rows = Array.from({ length: height }, (_, row) =>
    cells
      .map((lines, column) => (lines[row] ?? '').padEnd(WIDTHS[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return `${rows.join('\n')}\n\n`;
}

/** Forecasts that say the same of several subjects, once. */
function grouped(forecasts: readonly Forecast[]): readonly Forecast[] {
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

export function readinessExit(all: readonly ClusterReadiness[]): ExitCode {
  return all.every(({ ready }) => ready) ? 0 : 1;
}
