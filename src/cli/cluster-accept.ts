/**
 * `outrigger cluster accept`: a person's word that a site obeys the spec that a restored director shows, older than the one it carries out.
 *
 * I1: what would change is shown before anything is asked; nothing is written without a yes.
 * I2: what is accepted is the generation that was shown, and no other.
 */

import { conditionOf } from '../model/condition.ts';
import { CLUSTER_NODES, CLUSTERS } from '../model/addresses.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import type { Cluster } from '../model/cluster.ts';
import { Fault } from '../model/fault.ts';
import type { ExitCode } from '../model/fault.ts';
import { ANNOTATION_ACCEPT_GENERATION, LABEL_CLUSTER_UID } from '../model/labels.ts';
import type { EntityApi } from '../ports/api.ts';
import type { Clock } from '../ports/clock.ts';

export interface AcceptDeps {
  readonly api: EntityApi;
  readonly clock: Clock;
  readonly show: (text: string) => void;
  /** Asks the person; undefined: there is nobody to ask. */
  readonly ask: ((question: string, signal: AbortSignal) => Promise<string>) | undefined;
}

export interface AcceptOrder {
  readonly namespace: string;
  readonly name: string;
  /** True: said yes already. */
  readonly yes: boolean;
  readonly deadlineMs: number;
}

const LOOK_EVERY_MS = 300;

/** The exit code: 0 accepted and obeyed (or nothing to accept), 3 not accepted, 5 the cluster has not taken it up in time. */
export async function acceptSpec(deps: AcceptDeps, order: AcceptOrder, signal: AbortSignal): Promise<ExitCode> {
  const { api, clock, show } = deps;
  const cluster = await readCluster(api, order, signal);
  const { uid, generation = 0 } = cluster.metadata;
  if (!isOlder(cluster)) {
    show(`Cluster ${order.name} obeys its spec (generation ${generation}); there is nothing to accept.\n`);
    return 0;
  }
  const nodes = await nodesOf(api, cluster, signal);
  show(`${conditionOf(cluster.status?.conditions, 'Progressing')?.message ?? ''}\n\n${changesOf(cluster, nodes).join('')}\n`);
  if (!(await isYes(deps, order, generation, signal))) {
    show(`Nothing was accepted. With --yes it is: outrigger cluster accept ${order.name} -n ${order.namespace} --yes\n`);
    return 3;
  }
  // Should the spec change meanwhile, it has another generation, and this word does not speak of it.
  const patch = { metadata: { uid, annotations: { [ANNOTATION_ACCEPT_GENERATION]: String(generation) } } };
  const answer = await api.mergePatch<Cluster>(CLUSTERS, order.namespace, order.name, patch, signal);
  if (!answer.ok) throw new Fault('DirectorRefused', `Generation ${generation} was not accepted: ${answer.message}`);
  const endMs = clock.monotonicMs() + order.deadlineMs;
  while (isOlder(await readCluster(api, order, signal))) {
    if (clock.monotonicMs() >= endMs) {
      show(`Accepted; the primary has not taken it up yet. See whether it is heard: outrigger status\n`);
      return 5;
    }
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
  show(`Generation ${generation} is accepted, and obeyed from now on.\n`);
  return 0;
}

async function readCluster(api: EntityApi, { namespace, name }: AcceptOrder, signal: AbortSignal): Promise<Cluster> {
  const answer = await api.get<Cluster>(CLUSTERS, namespace, name, signal);
  if (answer.ok) return answer.value;
  if (answer.reason === 'NotFound') throw new Fault('UsageWrong', `There is no Cluster ${name} in the namespace ${namespace}.`);
  throw new Fault('DirectorRefused', `Cluster ${name} is not shown: ${answer.message}`);
}

async function nodesOf(api: EntityApi, { metadata, status }: Cluster, signal: AbortSignal): Promise<readonly ClusterNode[]> {
  const selection = { namespace: metadata.namespace ?? '', labelSelector: `${LABEL_CLUSTER_UID}=${metadata.uid}` };
  const answer = await api.list<ClusterNode>(CLUSTER_NODES, selection, signal);
  if (!answer.ok) throw new Fault('DirectorRefused', `The nodes of ${metadata.name} are not shown: ${answer.message}`);
  return answer.value.items.filter((node) => node.spec.attempt === status?.attempt);
}

function isOlder(cluster: Cluster): boolean {
  return conditionOf(cluster.status?.conditions, 'Progressing')?.reason === 'SpecOlder';
}

async function isYes(deps: AcceptDeps, { yes, name }: AcceptOrder, generation: number, signal: AbortSignal): Promise<boolean> {
  if (yes) return true;
  if (deps.ask === undefined) return false;
  const answer = await deps.ask(`Accept generation ${generation} of ${name} as it stands? [y/N] `, signal);
  return /^y(es)?$/i.test(answer.trim());
}

/** What obeying the shown spec would change, a line each. */
function changesOf({ spec, metadata }: Cluster, nodes: readonly ClusterNode[]): readonly string[] {
  const workers = nodes.filter((node) => node.spec.index > 0 && node.spec.retired !== true);
  const going = workers.filter((node) => node.spec.index > spec.workers).map((node) => node.metadata.name);
  const releases = [...new Set(nodes.flatMap((node) => node.status?.agent?.release ?? []))].filter((release) => release !== spec.release);
  const run = [...new Set(nodes.flatMap((node) => Object.keys(node.status?.agent?.services ?? {})))].sort();
  const lines = [
    going.length === 0 ? undefined : `workers: ${workers.length} now, ${spec.workers} asked for; drained and let go: ${going.join(', ')}`,
    workers.length >= spec.workers ? undefined : `workers: ${workers.length} now, ${spec.workers} asked for; more are made`,
    releases.length === 0 ? undefined : `release: ${releases.join(', ')} now, ${spec.release} asked for`,
    `services: ${run.join(', ') || 'none'} run now; asked for are those of release ${spec.release}${ownServices(spec.services)}`,
  ].filter((line) => line !== undefined);
  const head = `Obeying generation ${metadata.generation ?? 0} of ${metadata.name} as it stands means:\n`;
  return [head, ...lines.map((line) => `  ${line}\n`)];
}

function ownServices(services: Cluster['spec']['services']): string {
  return services.length === 0 ? '' : ` and ${services.map((service) => service.name).join(', ')}`;
}
