/**
 * The doctor on what a director shows: extension servers, hosts, nodes, clusters and licenses.
 *
 * I1: what is well is told in one line a kind; what is not, in one line each.
 * I2: what belongs to nothing is orphans.ts's to tell.
 */

import type { ClusterNode } from '../model/cluster-node.ts';
import type { Cluster } from '../model/cluster.ts';
import { conditionOf } from '../model/condition.ts';
import type { Lease } from '../model/core-kinds.ts';
import { ENDED_PHASES, SITE_TARGETS } from '../model/drill.ts';
import type { Drill } from '../model/drill.ts';
import type { Host } from '../model/host.ts';
import { holderText, tokenCommand } from '../model/joined-machine.ts';
import { LIMITS } from '../model/limits.ts';
import type { UniversalLicense } from '../model/universal-license.ts';
import type { VirtualDataCenter } from '../model/virtual-data-center.ts';
import { concernsOf } from './attention.ts';
import { judgeClock, judgeVersion, notice, spanOf, well, wrong } from './doctor.ts';
import type { Finding } from './doctor.ts';
import { agentOf, isForJoined, isLeaving, isLost, isReady, machineOf, standing } from './node-facts.ts';

export interface ServersSeen {
  /** Names of those that renewed their Leases while they were looked at. */
  readonly live: readonly string[];
  /** Names of those whose Leases lie there unchanged. */
  readonly silent: readonly string[];
  /** Of those that live and say it: which ServerConfig they obey. */
  readonly obeys?: ReadonlyMap<string, string>;
}

/** `runningHere`: parts of this machine that live (`extension-1`); a server is called after its part, with a suffix of its own in each life. */
export function judgeServers({ live, silent }: ServersSeen, runningHere: readonly string[] = []): readonly Finding[] {
  const area = 'Extension servers';
  const hung = runningHere.filter((part) => !live.some((server) => server === part || server.startsWith(`${part}-`)));
  const gone = silent.filter((server) => !hung.some((part) => server.startsWith(part)));
  const found = [
    ...hung.map((part) =>
      wrong(
        area,
        `${part} lives on this machine and does not renew its Lease: it hangs, is stopped, or reaches no director.`,
        `See its log; end it with kill -9, it is started again.`,
      ),
    ),
    ...gone.map((server) =>
      notice(
        area,
        `The Lease of ${server} lies there unchanged: it was killed, hangs, or reaches no director.`,
        'Its work is done by others; where it is gone for good, its Lease goes after ten minutes.',
      ),
    ),
  ];
  if (live.length === 0)
    return [
      ...found,
      wrong(
        area,
        'None is alive: clusters are neither created nor deleted, and no lost primary is replaced.',
        'Start one: outrigger extension.',
      ),
    ];
  const one = live.length === 1 ? [notice(area, 'Only one is alive.', 'Start a second one, so that nobody notices its death.')] : [];
  return [...found, well(area, `${live.length} alive: ${live.join(', ')}.`), ...one];
}

/** Hosts and agents renew every minute. A Lease's time is of its holder's clock. */
export function judgeRenewals(leases: readonly Lease[], names: ReadonlyMap<string, string>, nowMs: number): readonly Finding[] {
  return leases.flatMap(({ metadata, spec }) => {
    const who = names.get(metadata.name);
    const ageMs = nowMs - Date.parse(spec.renewTime ?? '');
    if (who === undefined || Number.isNaN(ageMs)) return [];
    if (ageMs < -CLOCK_SLACK_MS) return [judgeClock(who, -ageMs)];
    if (ageMs < LIMITS.nodeLeaseTtlMs) return [];
    const message = `${who} renewed its Lease ${spanOf(ageMs)} ago by its own clock: it is silent, or its clock is behind.`;
    return [
      notice(
        who.startsWith('host ') ? 'Hosts' : 'Nodes',
        message,
        'See that it runs, reaches a director, and knows the time. Silence proves nothing: nothing is replaced for it.',
      ),
    ];
  });
}

/** What a Date in whole seconds and the way of an answer leave uncertain. */
const CLOCK_SLACK_MS = 5_000;

export function judgeHosts(hosts: readonly Host[], version: string): readonly Finding[] {
  const found = hosts.flatMap((host) => judgeHost(host, version));
  const fine = hosts.length - new Set(found.map(({ message }) => message.split(' ')[0])).size;
  if (hosts.length === 0)
    return [
      wrong(
        'Hosts',
        'There is no host: nothing can run nodes.',
        'Lend a machine: outrigger token create --host NAME, and run what it prints there.',
      ),
    ];
  return fine === 0
    ? found
    : [...found, well('Hosts', `${fine} of ${hosts.length} ${hosts.length === 1 ? 'is' : 'are'} as they should be.`)];
}

function judgeHost({ metadata: { name }, spec, status }: Host, version: string): readonly Finding[] {
  const ready = conditionOf(status?.conditions, 'Ready');
  const unclaimed = status?.unclaimed ?? [];
  const lost = status?.recordLost ?? [];
  const held = status?.nodes ?? 0;
  return [
    ...(ready?.status === 'True'
      ? []
      : [
          wrong(
            'Hosts',
            `${name} is not ready: ${ready?.message ?? 'its daemon never said anything.'}`,
            `See that its daemon runs: outrigger host, on ${name}.`,
          ),
        ]),
    ...(unclaimed.length === 0
      ? []
      : [
          wrong(
            'Hosts',
            `${name} runs nodes that this director does not know: ${unclaimed.join(', ')}. They go on.`,
            'Take each in (outrigger node adopt) or have it stopped (outrigger node discard).',
          ),
        ]),
    ...(lost.length === 0
      ? []
      : [
          wrong(
            'Hosts',
            `${name} has lost its records of ${lost.join(', ')}, of which something still lives; it touches none of it.`,
            `Look on ${name} what lives, end it, then outrigger node confirm-dead.`,
          ),
        ]),
    ...(spec.cordoned
      ? [notice('Hosts', `${name} is cordoned: it takes no more nodes, and replaces none.`, `outrigger host uncordon ${name}`)]
      : []),
    ...(held >= spec.capacity.nodes
      ? [
          notice(
            'Hosts',
            `${name} is full: ${held} of ${spec.capacity.nodes} nodes.`,
            'Lend another machine: outrigger token create --host NAME.',
          ),
        ]
      : []),
    ...(status?.version === undefined || status.version === version ? [] : [judgeVersion(name, status.version, version)]),
  ];
}

/** `clusters` must have been listed after `nodes`. */
export function judgeNodes(nodes: readonly ClusterNode[], clusters: readonly Cluster[], version: string): readonly Finding[] {
  const uids = new Set(clusters.map(({ metadata }) => metadata.uid));
  const found = nodes.flatMap((node) => judgeNode(node, uids, clusters));
  const versions = [...new Set(nodes.flatMap((node) => agentOf(node)?.version ?? []))].filter((one) => one !== version);
  const ready = nodes.filter((node) => isReady(node)).length;
  return [
    ...found,
    ...versions.map((one) => judgeVersion('An agent', one, version)),
    ...(nodes.length > 0 ? [well('Nodes', `${ready} of ${nodes.length} call themselves ready.`)] : []),
  ];
}

function judgeNode(node: ClusterNode, clusterUids: ReadonlySet<string>, clusters: readonly Cluster[]): readonly Finding[] {
  const { name, namespace = '' } = node.metadata;
  const title = `${namespace}/${name}`;
  // What has no owner is told by orphans.ts.
  if (!clusterUids.has(node.spec.clusterUid) || isLeaving(node)) return [];
  const machine = machineOf(node);
  if (node.spec.host === undefined && isForJoined(node))
    return [
      wrong('Nodes', `No machine has joined as ${title}.`, `Let one in; this prints the command for it: ${tokenCommand(namespace, name)}`),
    ];
  if (node.spec.host === undefined)
    return [
      wrong('Nodes', `${title} is claimed by no host.`, 'See that a host of its VirtualDataCenter is ready, not cordoned, and has room.'),
    ];
  if (machine?.phase === 'Failed')
    return [
      wrong(
        'Nodes',
        `${title} was given up: ${machine.message ?? 'its host says no more'}`,
        `Find out why it fails, then: outrigger node restart ${name} -n ${namespace}`,
      ),
    ];
  if (isLost(node))
    return [wrong('Nodes', `${title} is gone, says its host.`, 'It is replaced by itself; where it is not, a host with room is missing.')];
  const owner = clusters.find(({ metadata }) => metadata.uid === node.spec.clusterUid);
  if (owner?.status?.availableAt === undefined) return [];
  if (isReady(node) && owner.status.nodes?.[name]?.ready === false)
    return [
      wrong(
        'Nodes',
        `${title} is not heard by its cluster.`,
        `See that its machine (${holderText(node.spec.host)}) runs; if it is off for good: outrigger node confirm-dead ${name} -n ${namespace}`,
      ),
    ];
  if (!isReady(node)) return [wrong('Nodes', `${standing(node)}.`, `See its log on ${holderText(node.spec.host)}.`)];
  return agentOf(node)?.balancer === 'Stopped'
    ? [
        wrong(
          'Nodes',
          `The balancer of ${title} does not run: nobody reaches services through it.`,
          `See its log on ${holderText(node.spec.host)}.`,
        ),
      ]
    : [];
}

/** `clusters` must have been listed after the data centers; `nodes` too. */
export function judgeReservations(
  dataCenters: readonly VirtualDataCenter[],
  nodes: readonly ClusterNode[],
  clusters: readonly Cluster[],
): readonly Finding[] {
  const uids = new Set(clusters.map(({ metadata }) => metadata.uid));
  const names = new Set(nodes.map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`));
  return dataCenters.flatMap(({ metadata, status }) =>
    Object.entries(status?.reservations ?? {}).flatMap(([key, { node }]) => {
      const where = `${metadata.namespace ?? ''}/${metadata.name}`;
      const uid = key.slice(0, key.lastIndexOf('.'));
      if (!uids.has(uid) || node === undefined || names.has(`${metadata.namespace ?? ''}/${node}`)) return [];
      return [
        notice(
          'Clusters',
          `${where} holds capacity for ${node}, which is not there now.`,
          'It is being made or was just deleted; look again in a minute.',
        ),
      ];
    }),
  );
}

export function judgeClusters(clusters: readonly Cluster[]): readonly Finding[] {
  const found = clusters.flatMap((cluster) => {
    const { name, namespace = '' } = cluster.metadata;
    const title = `${namespace}/${name}`;
    const remedy = remedyOf(cluster);
    return concernsOf(cluster).map(({ gravity, message }) =>
      (gravity === 'Broken' ? wrong : notice)('Clusters', `${title}: ${message}`, remedy),
    );
  });
  const fine = clusters.filter((cluster) => concernsOf(cluster).length === 0).length;
  return [...found, ...(clusters.length === 0 ? [] : [well('Clusters', `${fine} of ${clusters.length} need nobody.`)])];
}

function remedyOf({ metadata: { name, namespace = '' }, status, spec }: Cluster): string {
  const where = `${name} -n ${namespace}`;
  if (status?.license?.refusesNewSessions === true) return `outrigger license status -n ${namespace}`;
  if (status?.availableAt === undefined && !spec.autoRepairOnErrors)
    return `Correct its spec, or delete it: kubectl delete cluster ${where}`;
  return `outrigger status ${where}, and with --readiness`;
}

/** Whoever carries drills out takes one within a second; a director may be slow to tell. */
const DRILL_UNTAKEN_MS = 2 * 60_000;

export function judgeDrills(drills: readonly Drill[], nowMs: number): readonly Finding[] {
  return drills.flatMap(({ metadata: { name, namespace = '', creationTimestamp }, spec, status }) => {
    const ageMs = nowMs - Date.parse(creationTimestamp);
    if (status?.phase === 'Running' || ENDED_PHASES.some((one) => one === status?.phase) || ageMs < DRILL_UNTAKEN_MS) return [];
    const who = SITE_TARGETS.some((one) => one === spec.target)
      ? `no agent of cluster ${spec.cluster ?? ''} that could carry it out reaches a director`
      : 'no "outrigger up" that runs the parts follows this director';
    return [
      notice(
        'Clusters',
        `Nobody takes the drill ${namespace}/${name} for ${spanOf(ageMs)}: ${who}.`,
        `Nothing was killed. Delete it: kubectl -n ${namespace} delete drill ${name}`,
      ),
    ];
  });
}

/** Contracts that end so soon are spoken of. */
const CONTRACT_MS = 30 * 86_400_000;

export function judgeLicenses(licenses: readonly UniversalLicense[], nowMs: number): readonly Finding[] {
  const found = licenses.flatMap(({ metadata: { name, namespace = '' }, spec }) => {
    const leftMs = Date.parse(spec.end) - nowMs;
    const renew = `Renew it: kubectl -n ${namespace} patch universallicense ${name} --type merge -p '{"spec":{"end":"…"}}'`;
    if (leftMs <= 0)
      return [wrong('Licenses', `The contract of ${namespace}/${name} ended on ${spec.end.slice(0, 10)}; its grace runs.`, renew)];
    return leftMs < CONTRACT_MS ? [notice('Licenses', `The contract of ${namespace}/${name} ends in ${spanOf(leftMs)}.`, renew)] : [];
  });
  return found.length > 0 || licenses.length === 0
    ? found
    : [well('Licenses', `${licenses.length} run${licenses.length === 1 ? 's' : ''} for longer than 30 days.`)];
}
