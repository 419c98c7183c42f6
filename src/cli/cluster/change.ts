/**
 * `outrigger cluster scale`, `upgrade` and `delete`: what they write, what they refuse beforehand, and what they say that will go.
 *
 * I1: every write bears the uid of the cluster that was looked at.
 * I2: an upgrade for which there is no way is refused with the releases that can be reached, by the function that the director refuses with.
 * I3: nothing is deleted without the cluster's name, typed, or --yes.
 */

import { reachableFrom, upgradeRefusal } from '../../decide/upgrade-path.ts';
import type { ReleasePlace } from '../../decide/upgrade-path.ts';
import { CLUSTERS } from '../../model/addresses.ts';
import type { Cluster } from '../../model/cluster.ts';
import type { ClusterNode } from '../../model/cluster-node.ts';
import type { ClusterRelease } from '../../model/cluster-release.ts';
import { Fault } from '../../model/fault.ts';
import type { JsonObject } from '../../model/json.ts';
import type { EntityApi } from '../../ports/api.ts';

export interface ClusterName {
  readonly namespace: string;
  readonly name: string;
}

/** Throws `Fault` UsageWrong when there is none. */
export async function readCluster(api: EntityApi, { namespace, name }: ClusterName, signal: AbortSignal): Promise<Cluster> {
  const answer = await api.get<Cluster>(CLUSTERS, namespace, name, signal);
  if (answer.ok) return answer.value;
  if (answer.reason !== 'NotFound') throw new Fault('DirectorRefused', `Cluster ${name} is not shown: ${answer.message}`);
  throw new Fault(
    'UsageWrong',
    `There is no cluster ${name} in namespace ${namespace}; outrigger cluster list shows all, -n chooses the namespace.`,
  );
}

/** `cluster` with `spec` merged into its own. Throws `Fault` DirectorRefused with the director's own sentence. */
export async function changeSpec(api: EntityApi, cluster: Cluster, spec: JsonObject, signal: AbortSignal): Promise<Cluster> {
  const { name, namespace = '', uid } = cluster.metadata;
  const answer = await api.mergePatch<Cluster>(CLUSTERS, namespace, name, { metadata: { uid }, spec }, signal);
  if (answer.ok) return answer.value;
  throw new Fault('DirectorRefused', `Cluster ${name} was not changed: ${answer.message}`);
}

/** What runs now, or is on its way when nothing does yet. */
export function runningRelease({ spec, status }: Cluster): string {
  return status?.release?.current ?? spec.release;
}

/** Why `asked` is refused, as a sentence; undefined: it is not. An unknown release is refused here: a person meant one that exists. */
export function upgradeProblem(cluster: Cluster, asked: string, releases: readonly ClusterRelease[]): string | undefined {
  const current = runningRelease(cluster);
  const [from, to] = [releases.find(({ metadata }) => metadata.name === current), releases.find(({ metadata }) => metadata.name === asked)];
  const choice = reachableWords(cluster, releases);
  if (to === undefined) return `There is no release ${asked}. ${choice}`;
  const isNew = cluster.status?.availableAt === undefined;
  const refusal = from === undefined || isNew ? undefined : upgradeRefusal(placeOf(from), placeOf(to));
  return refusal === undefined ? undefined : `${refusal.slice(0, 1).toUpperCase()}${refusal.slice(1)}. ${choice}`;
}

/** `From 1.0.0 can be reached: 1.0.1.` */
export function reachableWords(cluster: Cluster, releases: readonly ClusterRelease[]): string {
  const current = runningRelease(cluster);
  const from = releases.find(({ metadata }) => metadata.name === current);
  const found = from === undefined ? [] : reachableFrom(placeOf(from), releases.map(placeOf));
  return found.length === 0 ? `From ${current} no other release can be reached.` : `From ${current} can be reached: ${found.join(', ')}.`;
}

function placeOf({ spec }: ClusterRelease): ReleasePlace {
  return { version: spec.version, upgradesFrom: spec.upgradesFrom };
}

// ---- deletion ---------------------------------------------------------------------------------------------------------------------------

/** What goes with the cluster, and what stays; lines, without their ends. */
export function deletionWords(cluster: Cluster, nodes: readonly ClusterNode[]): readonly string[] {
  const { metadata, spec, status } = cluster;
  const { name, namespace = '' } = metadata;
  const services = Object.keys(status?.services ?? {}).toSorted();
  const names = nodes.map((node) => node.metadata.name).toSorted();
  return [
    `This deletes cluster ${namespace}/${name} (${status?.phase ?? 'Pending'}).`,
    '',
    `  nodes     ${nodesWords(names, spec.nodes === 'Joined')}`,
    ...(services.length === 0 ? [] : [`  services  ${services.join(', ')}: stopped everywhere`]),
    ...(spec.site === undefined
      ? []
      : [`  site      ${spec.site} is unplugged: its license is taken away there, and its front door closes`]),
    `  stays     VirtualDataCenter ${spec.virtualDataCenter} (gets the quota back), release ${spec.release}${spec.site === undefined ? '' : `, site ${spec.site}`}`,
    '',
  ];
}

function nodesWords(names: readonly string[], isJoined: boolean): string {
  if (names.length === 0) return 'none';
  return `${names.join(', ')}: drained, then ${isJoined ? 'let go; the machines themselves stay' : 'removed with what they keep on disk'}`;
}

export interface DeleteConsent {
  readonly yes: boolean;
  /** Undefined: there is no person to ask. */
  readonly ask: ((question: string, signal: AbortSignal) => Promise<string>) | undefined;
}

/** True: it may go. Throws `Fault` DirectorRefused when nobody can be asked. */
export async function mayDelete({ yes, ask }: DeleteConsent, { namespace, name }: ClusterName, signal: AbortSignal): Promise<boolean> {
  if (yes) return true;
  if (ask === undefined)
    throw new Fault(
      'DirectorRefused',
      `Nothing was deleted: there is no terminal to ask at. If all of this shall go: outrigger cluster delete ${name} -n ${namespace} --yes`,
    );
  return (await ask(`Type its name to delete it: `, signal)).trim() === name;
}

/** Throws `Fault` DirectorRefused. It is well when it is gone already. */
export async function deleteCluster(api: EntityApi, { metadata }: Cluster, signal: AbortSignal): Promise<void> {
  const { name, namespace = '', uid } = metadata;
  const answer = await api.delete(CLUSTERS, namespace, name, { uid }, signal);
  if (answer.ok || answer.reason === 'NotFound') return;
  throw new Fault('DirectorRefused', `Cluster ${name} was not deleted: ${answer.message}`);
}
