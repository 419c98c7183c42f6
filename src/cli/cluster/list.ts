/**
 * `outrigger cluster list`: the clusters in a table, and below it what of them needs a person.
 */

import { concernsOf } from '../../decide/attention.ts';
import { CLUSTERS } from '../../model/addresses.ts';
import type { Cluster } from '../../model/cluster.ts';
import { Fault } from '../../model/fault.ts';
import type { EntityApi } from '../../ports/api.ts';
import { clusterTitle } from '../cluster-line.ts';
import { paragraph } from '../status/lines.ts';
import { renderAge, renderTable } from '../table.ts';

/** By namespace and name. `namespace` undefined: all. Throws `Fault` DirectorRefused. */
export async function listClusters(api: EntityApi, namespace: string | undefined, signal: AbortSignal): Promise<readonly Cluster[]> {
  const answer = await api.list<Cluster>(CLUSTERS, namespace === undefined ? {} : { namespace }, signal);
  if (!answer.ok) throw new Fault('DirectorRefused', `The clusters are not shown: ${answer.message}`);
  return answer.value.items.toSorted((a, b) => clusterTitle(a).localeCompare(clusterTitle(b), 'en', { numeric: true }));
}

/** As kubectl has it: nothing is shown as nothing, so that columns can be counted. */
const NONE = '<none>';
/** Of many clusters in trouble the first are told; the table has all. */
const CONCERNS_SHOWN = 10;

export function renderClusters(clusters: readonly Cluster[], nowMs: number): string {
  if (clusters.length === 0) return 'No clusters.\n';
  const titles = ['NAMESPACE', 'NAME', 'PHASE', 'RELEASE', 'PRIMARY', 'WORKERS', 'SITE', 'LICENSE', 'AGE'];
  return `${renderTable(
    titles,
    clusters.map((cluster) => rowOf(cluster, nowMs)),
  )}${concernLines(clusters)}`;
}

function rowOf({ metadata, spec, status }: Cluster, nowMs: number): readonly string[] {
  const isLeaving = metadata.deletionTimestamp !== undefined;
  const { current, target, progress } = status?.release ?? {};
  const isChanging = progress !== undefined && target !== undefined && target !== current;
  return [
    metadata.namespace ?? NONE,
    metadata.name,
    isLeaving ? 'Deleting' : (status?.phase ?? 'Pending'),
    isChanging ? `${current ?? NONE}>${target}` : (current ?? spec.release),
    status?.primary ?? NONE,
    `${status?.workers ?? 0}/${spec.workers}`,
    spec.site ?? NONE,
    licenseOf(status?.license),
    renderAge(nowMs - Date.parse(metadata.creationTimestamp)),
  ];
}

function licenseOf(license: NonNullable<Cluster['status']>['license']): string {
  if (license === undefined) return NONE;
  return license.daysLeft === undefined ? license.state : `${license.state}(${license.daysLeft}d)`;
}

function concernLines(clusters: readonly Cluster[]): string {
  const told = clusters.flatMap((cluster) =>
    concernsOf(cluster)
      .slice(0, 1)
      .map(({ message }) => ({ title: clusterTitle(cluster), message })),
  );
  if (told.length === 0) return '';
  const shown = told.slice(0, CONCERNS_SHOWN).map(({ title, message }) => paragraph(`${title}  `, message));
  const more = told.length > CONCERNS_SHOWN ? `and ${told.length - CONCERNS_SHOWN} more\n` : '';
  return `\nNeeds a person:\n${shown.join('')}${more}`;
}
