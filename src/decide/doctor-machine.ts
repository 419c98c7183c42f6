/**
 * The doctor on this machine: parts of a data folder, nodes in their folders, and processes and folders that belong to nothing.
 *
 * I1: a process is called an orphan only when it bears this data folder's mark and a node's uid of which there is neither a folder nor a record here.
 */

import { notice, well, wrong } from './doctor.ts';
import type { Finding } from './doctor.ts';
import type { NodeFolderFacts } from './own-sight.ts';

export interface PartFacts {
  readonly part: string;
  readonly alive: boolean;
}

/** `up`: the part that looks after the others. */
export function judgeParts(data: string, parts: readonly PartFacts[], up: string): readonly Finding[] {
  const area = 'This machine';
  const living = parts.filter(({ alive }) => alive).map(({ part }) => part);
  const gone = parts.filter(({ alive, part }) => !alive && part !== up).map(({ part }) => part);
  if (parts.length === 0) return [];
  if (living.length === 0) return [notice(area, `Nothing runs in ${data}.`, startIt(data))];
  if (!living.includes(up))
    return [
      wrong(
        area,
        `Nobody looks after ${living.join(', ')}: outrigger up is gone.`,
        `outrigger up --data ${data} takes them over; outrigger down --data ${data} stops them.`,
      ),
    ];
  return gone.length === 0
    ? [well(area, `${living.length} parts of ${data} run.`)]
    : [wrong(area, `Gone: ${gone.join(', ')}.`, 'outrigger up starts them again within seconds; if they stay away, see their logs.')];
}

/** The one cause: after `outrigger down`, or before anything was started; then the rest is not asked. */
export function nothingRuns(data: string): Finding {
  return wrong('This machine', `Nothing runs here: no part and no node of ${data} lives, so nothing else was asked.`, startIt(data));
}

function startIt(data: string): string {
  return `Start it: outrigger up --data ${data}`;
}

export function judgePort(what: string, address: string, answers: boolean): Finding {
  return answers
    ? well('This machine', `${what} listens on ${address}.`)
    : wrong('This machine', `${what} does not listen on ${address}.`, 'See that its process runs, and who else holds the port (ss -ltnp).');
}

export function judgeNodeFolder(facts: NodeFolderFacts): readonly Finding[] {
  const { node, fate, agentAlive, balancerAlive, plan, listening, pods, damaged, answers } = facts;
  const log = `see ${facts.folder}/logs`;
  const silent = Object.entries(answers).filter(([, answered]) => !answered);
  const found = [
    ...damaged.map((message) =>
      wrong('Nodes', `${node.name}: ${message}`, 'It is written anew from what the cluster knows; if that does not happen, see the disk.'),
    ),
    ...(fate === undefined
      ? [
          ...(agentAlive
            ? []
            : [wrong('Nodes', `The agent of ${node.name} does not run.`, `See that the host daemon runs (outrigger host); ${log}.`)]),
          ...(plan === undefined || balancerAlive
            ? []
            : [wrong('Nodes', `The balancer of ${node.name} does not run.`, `Its agent starts it; ${log}.`)]),
          ...unserved(facts),
        ]
      : pods.length === 0
        ? []
        : [
            notice(
              'Nodes',
              `${node.name} is over (${fate.why}) and still runs ${pods.join(', ')}.`,
              `It stops them by itself; ${log} if it does not.`,
            ),
          ]),
    ...silent.map(([name]) =>
      wrong(
        'Nodes',
        `${name} does not answer ${node.name} on its peer port.`,
        'See that its machine and its agent run, and that the network lets it through.',
      ),
    ),
  ];
  return found.length > 0
    ? found
    : [well('Nodes', `${node.name}: agent, balancer (${listening.length} listen) and ${pods.length} services run here.`)];
}

function unserved({ node, plan, listening, balancerAlive }: NodeFolderFacts): readonly Finding[] {
  if (!balancerAlive || plan === undefined) return [];
  const deaf = plan.balanced.map(({ name }) => name).filter((name) => !listening.includes(name));
  return deaf.length === 0
    ? []
    : [
        wrong(
          'Nodes',
          `The balancer of ${node.name} does not listen for ${deaf.join(', ')}.`,
          'Another program may hold the port; its status says why.',
        ),
      ];
}

export interface MarkedProcess {
  readonly pid: number;
  readonly role: string;
  /** Uid of the node that it says it belongs to. */
  readonly nodeUid: string;
}

/** `known`: uids of nodes that have a folder or a record here, or that the director knows. */
export function judgeProcesses(processes: readonly MarkedProcess[], known: ReadonlySet<string>): readonly Finding[] {
  const orphans = processes.filter(({ nodeUid }) => !known.has(nodeUid));
  return orphans.map(({ pid, role, nodeUid }) =>
    wrong(
      'This machine',
      `Process ${pid} (${role === '' ? 'of no role' : role}) belongs to the node ${nodeUid}, of which nobody here knows: an orphan.`,
      `Look what it is (ps -fp ${pid}); end it with kill ${pid}.`,
    ),
  );
}

/** Folders of nodes of which the host has no record: nothing starts them, and nobody takes them away. */
export function judgeFolders(
  folders: readonly { readonly folder: string; readonly hasRecord: boolean; readonly lives: boolean }[],
): readonly Finding[] {
  return folders
    .filter(({ hasRecord }) => !hasRecord)
    .map(({ folder, lives }) =>
      lives
        ? wrong(
            'This machine',
            `${folder} has no record of its host, and something of it lives.`,
            'See what the host daemon says of it; it touches nothing without a record.',
          )
        : notice(
            'This machine',
            `${folder} was left behind: its host has no record of it, and nothing of it lives.`,
            `Take it away when nothing in it is needed: rm -r ${folder}`,
          ),
    );
}
