/**
 * `outrigger status --readiness`: what would happen now, from a director or from the folders of nodes on this machine, and what the exit code says.
 *
 * I1: the exit code is 1 exactly when something would stop being served that the truth table promises to go on, or when that cannot be said.
 */

import { sightOf } from '../../decide/own-sight.ts';
import type { NodeFolderFacts } from '../../decide/own-sight.ts';
import type { BootReading } from '../../decide/license-clock.ts';
import { isUnready, readinessOf } from '../../decide/readiness.ts';
import type { ControlFacts, ReadinessFacts } from '../../decide/readiness-facts.ts';
import type { Forecast } from '../../decide/readiness-forecast.ts';
import { adviceOf, groupedForecasts, readinessFactsOf, readinessSentence } from '../../decide/readiness-summary.ts';
import { CLUSTER_RELEASES, UNIVERSAL_LICENSES, VIRTUAL_DATA_CENTERS } from '../../model/addresses.ts';
import type { ClusterRelease } from '../../model/cluster-release.ts';
import type { ExitCode } from '../../model/fault.ts';
import type { UniversalLicense } from '../../model/universal-license.ts';
import type { VirtualDataCenter } from '../../model/virtual-data-center.ts';
import type { EntityApi } from '../../ports/api.ts';
import type { Clock } from '../../ports/clock.ts';
import { clusterTitle } from '../cluster-line.ts';
import { mayList, seeAll, wantedClusters } from './gather.ts';
import type { Wanted } from './gather.ts';
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
  return clusters.map((cluster) =>
    judged('director', readinessFactsOf(cluster, { nodes: seen.nodes, hosts: seen.hosts, dataCenters, releases, licenses, control })),
  );
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
  const rows = groupedForecasts(forecasts).map(renderForecast);
  return `${ready ? '✔' : '✖'} ${cluster}${source}: ${readinessSentence(forecasts, failover)}\n\n${columns([['WHAT DIES'], ['THEN'], ['BECAUSE']])}${rows.join('')}`;
}

function renderForecast(forecast: Forecast): string {
  const { failure, verdict, promised, effect, because } = forecast;
  const advised = adviceOf(forecast);
  const advice = advised === undefined ? [] : [`→ ${advised}`];
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

export function readinessExit(all: readonly ClusterReadiness[]): ExitCode {
  return all.every(({ ready }) => ready) ? 0 : 1;
}
