/**
 * `outrigger cluster list|logs`, composed.
 */

import type { Command } from 'commander';
import { readCluster } from '../cli/cluster/change.ts';
import { nodesOf } from '../cli/cluster/follow.ts';
import { listClusters, renderClusters } from '../cli/cluster/list.ts';
import { logSources, showLogs } from '../cli/cluster/logs.ts';
import type { LogOrder } from '../cli/cluster/logs.ts';
import { readText } from '../client/person-calls.ts';
import { Fault } from '../model/fault.ts';
import type { ExitCode } from '../model/fault.ts';
import { LIMITS } from '../model/limits.ts';
import { systemClock } from '../platform/clock.ts';
import { neededApi, neededKubeconfig } from './api-access.ts';
import { CLUSTER_SETTINGS, NAMESPACE, clusterNameOf, textOf } from './cluster-options.ts';
import type { Options } from './cluster-options.ts';
import { addCommand } from './command.ts';
import type { CommandContext } from './command.ts';
import { OUTPUT, formatOf, inFormat } from './output.ts';

type Context = CommandContext<(typeof CLUSTER_SETTINGS)[number]>;

export function registerList(cluster: Command): void {
  addCommand(cluster, {
    name: 'list',
    summary: 'Show the clusters, and what of them needs a person',
    description: 'WORKERS is ready/asked for. LICENSE says the days until new sessions are refused, when nothing changes.',
    examples: [
      ['outrigger cluster list', 'those of all namespaces'],
      ['outrigger cluster list -n demo -o yaml', 'those of one, whole'],
    ],
    settings: CLUSTER_SETTINGS,
    options: [['-n, --namespace <name>', 'only this namespace'], ['-A, --all-namespaces', 'all namespaces (the default)'], OUTPUT],
    run: async ({ settings, options, terminal, signal }) => {
      const [namespace, format] = [textOf(options['namespace']), formatOf(options)];
      if (namespace !== undefined && options['allNamespaces'] === true)
        throw new Fault('UsageWrong', 'Say either -n NAMESPACE or -A, not both.');
      const clusters = await listClusters(neededApi(settings), namespace, signal);
      terminal.write(format === undefined ? renderClusters(clusters, systemClock().nowMs()) : inFormat(format, clusters));
      return 0;
    },
  });
}

export function registerLogs(cluster: Command): void {
  addCommand(cluster, {
    name: 'logs',
    summary: 'Show what a service of a cluster writes, on one node or on all',
    description:
      'It comes through the tunnel of each node; of several nodes each line says whose it is. Without a service: which there are.\n' +
      'Exits with 0 when all were read, 4 when a node could not be reached, 3 when it was refused.',
    examples: [
      ['outrigger cluster logs harbor hello -n demo', 'of all nodes that run it'],
      ['outrigger cluster logs harbor hello -n demo --node harbor-a1-n1 --tail 20', 'the last lines of one'],
      ['outrigger cluster logs harbor ticker -n demo --follow', 'as it is written, until Ctrl-C'],
    ],
    settings: CLUSTER_SETTINGS,
    arguments: [
      ['<name>', 'the cluster'],
      ['[service]', 'the service; without it: which there are'],
    ],
    options: [
      NAMESPACE,
      ['--node <name>', 'only of this ClusterNode'],
      ['--container <name>', 'where the service has several'],
      ['--tail <number>', `the last lines (default ${LIMITS.logTailLines}, at most ${LIMITS.logTailLinesMax})`],
      ['-f, --follow', 'go on with what is written, until Ctrl-C'],
    ],
    run: logs,
  });
}

async function logs({ settings, options, args, terminal, signal }: Context): Promise<ExitCode> {
  const [api, which] = [neededApi(settings), clusterNameOf(args, options)];
  const order = logOrderOf(args[1], options);
  const cluster = await readCluster(api, which, signal);
  const sources = logSources(which.name, which.namespace, await nodesOf(api, which.namespace, cluster.metadata.uid, signal), order);
  const source = { file: neededKubeconfig(settings) };
  const deps = {
    read: ({ path, query }: (typeof sources)[number], onText: (text: string) => void, until: AbortSignal) =>
      readText(source, path, query, onText, until),
    write: (text: string) => terminal.write(text),
    complain: (text: string) => terminal.writeError(text),
  };
  return (await showLogs(deps, sources, signal)) ?? 0;
}

function logOrderOf(service: string | undefined, options: Options): LogOrder {
  const tail = textOf(options['tail']);
  if (tail !== undefined && !/^\d{1,9}$/.test(tail)) throw new Fault('UsageWrong', `--tail takes a number of lines, not "${tail}".`);
  return {
    service,
    node: textOf(options['node']),
    container: textOf(options['container']),
    tail: tail === undefined ? undefined : Number(tail),
    follow: options['follow'] === true,
  };
}
