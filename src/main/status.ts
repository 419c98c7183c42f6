/**
 * `outrigger status`, composed: from a director, or from the folders of nodes on this machine when none answers.
 */

import type { Command } from 'commander';
import { dataPaths } from '../cli/data-folder.ts';
import type { DataPaths } from '../cli/data-folder.ts';
import { exitCodeOf, gatherStatus, partsOf } from '../cli/status/gather.ts';
import type { StatusDeps, Wanted } from '../cli/status/gather.ts';
import { localNode, readNodeFolder, readNodeFolders } from '../cli/status/node-folders.ts';
import type { NodeFolderDeps } from '../cli/status/node-folders.ts';
import { readinessExit, readinessFromDirector, readinessFromNodes, renderReadiness } from '../cli/status/readiness.ts';
import type { ClusterReadiness } from '../cli/status/readiness.ts';
import { renderStatus } from '../cli/status/render.ts';
import type { NodeFolderFacts } from '../decide/own-sight.ts';
import { Fault, isFault } from '../model/fault.ts';
import type { ExitCode } from '../model/fault.ts';
import { systemClock } from '../platform/clock.ts';
import { absoluteFolder } from '../platform/durable-file.ts';
import { systemFiles } from '../platform/files.ts';
import { systemProcesses } from '../platform/spawn.ts';
import type { Terminal } from '../ports/terminal.ts';
import { apiOf, kubeconfigFile, serverOf } from './api-access.ts';
import { addCommand } from './command.ts';
import { OUTPUT, formatOf, inFormat } from './output.ts';
import type { Format } from './output.ts';
import { nodeFolderDeps } from './node-folder-deps.ts';

export function registerStatus(program: Command): void {
  addCommand(program, {
    name: 'status',
    summary: 'Show the whole in one screen, or what would happen if something died now',
    description:
      'Asks a director; where none answers, the nodes of this machine are read from their own folders, without any network.\n' +
      'Exits with 0 when it was answered, with 4 when not. With --readiness: 1 when something would stop that should go on.',
    examples: [
      ['outrigger status', 'parts, clusters, nodes, services, hosts'],
      ['outrigger status harbor -n demo', 'one cluster'],
      ['outrigger status --readiness', 'for each possible failure: what would happen now, and why'],
      ['outrigger status --readiness --dir .outrigger/host/nodes/UID', 'as one node knows it, without any network'],
      ['outrigger status -o json', 'the same for programs'],
    ],
    settings: ['data', 'kubeconfig'],
    arguments: [['[cluster]', 'only this cluster, NAME or NAMESPACE/NAME']],
    options: [
      ['-n, --namespace <name>', 'only this namespace'],
      ['--cluster <name>', 'only this cluster, like the argument'],
      ['--readiness', 'what would happen now, for each possible failure'],
      ['--dir <path>', 'as the node in this folder knows it; nobody else is asked'],
      OUTPUT,
      ['--json', 'as JSON, like -o json'],
    ],
    run: async ({ settings, options, args, terminal, signal }) => {
      const world = openWorld(settings.data, settings.kubeconfig);
      const order: Order = {
        format: formatOf(options),
        dir: typeof options['dir'] === 'string' ? absoluteFolder(options['dir']) : undefined,
        wanted: wantedOf(options, args[0]),
      };
      return options['readiness'] === true
        ? await sayReadiness(world, order, terminal, signal)
        : await sayStatus(world, order, terminal, signal);
    },
  });
}

interface World {
  readonly paths: DataPaths;
  readonly status: StatusDeps;
  readonly nodes: NodeFolderDeps;
}

interface Order {
  /** Undefined: for people. */
  readonly format: Format | undefined;
  /** Of one node. */
  readonly dir: string | undefined;
  readonly wanted: Wanted;
}

function openWorld(data: string, kubeconfig: string | undefined): World {
  const [files, processes, paths, clock] = [systemFiles(), systemProcesses(), dataPaths(data), systemClock()];
  const file = kubeconfigFile(files, paths, kubeconfig);
  const source = file === paths.kubeconfig ? undefined : file;
  return {
    paths,
    status: {
      files,
      processes,
      paths,
      api: apiOf(files, paths, kubeconfig),
      source,
      asked: serverOf(files, file),
      nowMs: clock.nowMs(),
    },
    nodes: nodeFolderDeps(files, processes, clock),
  };
}

async function sayStatus(world: World, { format, dir, wanted }: Order, terminal: Terminal, signal: AbortSignal): Promise<ExitCode> {
  const isLocal = dir !== undefined;
  const asked = await gatherStatus(isLocal ? { ...world.status, api: undefined } : world.status, wanted, signal);
  const folders = isLocal || asked.unreachable !== undefined ? await foldersOf(world, dir, signal) : undefined;
  const local = folders?.map((facts) => localNode(facts, world.nodes.now));
  const unreachable = isLocal ? 'not asked: --dir asks this node alone.' : asked.unreachable;
  const status = { ...asked, ...(local === undefined ? {} : { local }), unreachable };
  terminal.write(format === undefined ? renderStatus(status) : inFormat(format, status));
  return exitCodeOf(status, isLocal);
}

async function sayReadiness(world: World, { format, dir, wanted }: Order, terminal: Terminal, signal: AbortSignal): Promise<ExitCode> {
  const all = await readinessNow(world, dir, wanted, terminal, signal);
  terminal.write(format === undefined ? renderReadiness(all) : inFormat(format, all));
  return readinessExit(all);
}

async function readinessNow(
  world: World,
  dir: string | undefined,
  wanted: Wanted,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<readonly ClusterReadiness[]> {
  const { api, source } = world.status;
  const fromNodes = async (): Promise<readonly ClusterReadiness[]> =>
    readinessFromNodes(await foldersOf(world, dir, signal), wanted, world.nodes.now);
  if (dir !== undefined) return await fromNodes();
  try {
    if (api === undefined) throw new Fault('DirectorUnreachable', `There is no ${world.paths.kubeconfig}; was anything ever started here?`);
    const runsHere = partsOf(world.status).some(({ part, state }) => part === 'postgres' && state === 'Running');
    const database = source === undefined && runsHere ? 'Embedded' : undefined;
    return await readinessFromDirector({ api, clock: systemClock(), database }, wanted, signal);
  } catch (cause) {
    if (!isFault(cause) || cause.row.exit !== 4 || source !== undefined) throw cause;
    const known = await fromNodes();
    if (known.length === 0) throw cause;
    terminal.writeError(`outrigger: ${cause.message} So the nodes of this machine are asked.\n`);
    return known;
  }
}

async function foldersOf(world: World, dir: string | undefined, signal: AbortSignal): Promise<readonly NodeFolderFacts[]> {
  return dir === undefined ? await readNodeFolders(world.nodes, world.paths, signal) : [await readNodeFolder(world.nodes, dir, signal)];
}

function wantedOf(options: Readonly<Record<string, unknown>>, argument: string | undefined): Wanted {
  const { namespace, cluster } = options;
  if (argument !== undefined && cluster !== undefined)
    throw new Fault('UsageWrong', 'Say the cluster once: as the argument, or with --cluster.');
  const named = argument ?? (typeof cluster === 'string' ? cluster : undefined);
  const slash = named?.indexOf('/') ?? -1;
  const within = typeof namespace === 'string' ? namespace : undefined;
  return slash > 0 ? { cluster: named?.slice(slash + 1), namespace: named?.slice(0, slash) } : { cluster: named, namespace: within };
}
