/**
 * `outrigger cluster create|scale|upgrade|delete`, composed.
 */

import type { Command } from 'commander';
import { changeSpec, deleteCluster, deletionWords, mayDelete, readCluster, reachableWords, upgradeProblem } from '../cli/cluster/change.ts';
import { createCluster, orderWords, releasesOf, settleOrder } from '../cli/cluster/create.ts';
import type { CreateOrder } from '../cli/cluster/create.ts';
import { follow, nodesOf } from '../cli/cluster/follow.ts';
import { judgeCreation, judgeDeletion, judgeScale, judgeUpgrade, workersText } from '../cli/cluster/progress.ts';
import type { Judge } from '../cli/cluster/progress.ts';
import { tryCreate } from '../client/person-calls.ts';
import { CLUSTERS } from '../model/addresses.ts';
import type { Cluster } from '../model/cluster.ts';
import { Fault } from '../model/fault.ts';
import type { ExitCode } from '../model/fault.ts';
import { systemClock } from '../platform/clock.ts';
import { personAtTerminal } from '../platform/terminal.ts';
import { neededApi, neededKubeconfig } from './api-access.ts';
import { CLUSTER_SETTINGS, NAMESPACE, NO_WAIT, TIMEOUT, clusterNameOf, deadlineOf, textOf, workersOf } from './cluster-options.ts';
import type { Options } from './cluster-options.ts';
import { addCommand } from './command.ts';
import type { CommandContext } from './command.ts';
import { OUTPUT, formatOf, inFormat, screenFor } from './output.ts';

type Context = CommandContext<(typeof CLUSTER_SETTINGS)[number]>;

export function registerCreate(cluster: Command): void {
  addCommand(cluster, {
    name: 'create',
    summary: 'Order a cluster, and see how it comes to be',
    description:
      'Tells each attempt as it goes: steps, what they wait for, what failed and what is done about it. Ctrl-C ends the telling, not the cluster.\n' +
      'Exits with 0 when it is available, 1 when it stays in Error, 3 when the director refused it, 4 when none answers, 5 when it took too long\n' +
      '(it goes on by itself).',
    examples: [
      ['outrigger cluster create pier -n demo', 'a primary and a worker, of the newest release'],
      ['outrigger cluster create pier -n demo --workers 0 --release 1.0.0', 'a primary alone'],
      ['outrigger cluster create pier -n demo --dry-run', 'what the director would say'],
      ['outrigger cluster create pier -n demo --dry-run -o yaml', 'its manifest, for kubectl apply and for git'],
      ['outrigger cluster create pier -n demo --no-wait', 'only order it'],
    ],
    settings: CLUSTER_SETTINGS,
    arguments: [['<name>', 'the cluster']],
    options: [
      NAMESPACE,
      ['--workers <number>', 'workers besides the primary, 0 to 8 (default 1)'],
      ['--release <name>', 'ClusterRelease to run (default: the newest)'],
      ['--virtual-data-center <name>', 'where the capacity comes from (default: the only one of the namespace)'],
      ['--site <name>', 'the site that it is paired with'],
      ['--joined', 'its nodes are machines that people let in (outrigger agent join)'],
      ['--no-auto-repair', 'a creation that failed stays as it is, for inspection'],
      ['--dry-run', 'ask the director, and make nothing'],
      NO_WAIT,
      TIMEOUT,
      OUTPUT,
    ],
    run: create,
  });
}

async function create(context: Context): Promise<ExitCode> {
  const { settings, options, terminal, signal } = context;
  const [api, format] = [neededApi(settings), formatOf(options)];
  const screen = screenFor(format, terminal);
  const manifest = await settleOrder(api, createOrderOf(context), signal);
  if (options['dryRun'] === true) {
    const { namespace = '' } = manifest.metadata;
    const answer = await tryCreate({ file: neededKubeconfig(settings) }, CLUSTERS, namespace, manifest, signal);
    if (!answer.ok) throw new Fault('DirectorRefused', `The cluster would not be made: ${answer.message}`);
    screen.line(`${orderWords(manifest)}. The director would take it; nothing was made.`);
    if (format !== undefined) terminal.write(inFormat(format, manifest));
    return 0;
  }
  const made = await createCluster(api, manifest, signal);
  screen.line(`${orderWords(manifest)}.`);
  return await awaited(context, made, judgeCreation);
}

function createOrderOf({ args, options }: Context): CreateOrder {
  return {
    ...clusterNameOf(args, options),
    workers: workersOf(textOf(options['workers']) ?? '1'),
    release: textOf(options['release']),
    virtualDataCenter: textOf(options['virtualDataCenter']),
    site: textOf(options['site']),
    joined: options['joined'] === true,
    autoRepair: options['autoRepair'] !== false,
  };
}

/** Follows what was asked for, unless it is not waited for, and prints the object for programs. */
async function awaited({ settings, options, terminal, signal }: Context, cluster: Cluster, judge: Judge): Promise<ExitCode> {
  const format = formatOf(options);
  const deadlineMs = deadlineOf(options);
  const deps = { api: neededApi(settings), clock: systemClock(), screen: screenFor(format, terminal) };
  const done = deadlineMs === undefined ? { exit: 0 as const, cluster } : await follow(deps, cluster, judge, deadlineMs, signal);
  if (format !== undefined) terminal.write(inFormat(format, done.cluster ?? null));
  return done.exit;
}

export function registerScale(cluster: Command): void {
  addCommand(cluster, {
    name: 'scale',
    summary: 'Change how many workers a cluster has',
    description:
      'A worker more is made and joins; one less is drained and let go, the one with the highest number first. It needs no extension server.\n' +
      'Exits with 0 when they are ready, 1 when the quota does not hold them, 3 when it was refused, 4 when no director answers, 5 when it took too long.',
    examples: [
      ['outrigger cluster scale harbor -n demo --workers 2', 'waits until both are ready'],
      ['outrigger cluster scale harbor -n demo --workers 0', 'the primary alone: nothing stands in for it'],
    ],
    settings: CLUSTER_SETTINGS,
    arguments: [['<name>', 'the cluster']],
    options: [NAMESPACE, ['--workers <number>', 'workers besides the primary, 0 to 8'], NO_WAIT, TIMEOUT, OUTPUT],
    run: async (context) => {
      const { settings, options, args, terminal, signal } = context;
      const wanted = textOf(options['workers']);
      if (wanted === undefined) throw new Fault('UsageWrong', 'Say how many: --workers NUMBER.');
      const workers = workersOf(wanted);
      const api = neededApi(settings);
      const before = await readCluster(api, clusterNameOf(args, options), signal);
      const after = await changeSpec(api, before, { workers }, signal);
      const screen = screenFor(formatOf(options), terminal);
      screen.line(`${before.metadata.name} is to have ${workersText(workers)}; it asked for ${before.spec.workers} before.`);
      return await awaited(context, after, judgeScale(workers, after.metadata.generation ?? 0));
    },
  });
}

export function registerUpgrade(cluster: Command): void {
  addCommand(cluster, {
    name: 'upgrade',
    summary: 'Have a cluster run another release, node by node',
    description:
      'Workers first, then the primary. A node that is not ready in time makes all of it go back by itself. It goes on when this command, every\n' +
      'extension server or the director dies.\n' +
      'Exits with 0 when every node runs it, 1 when it went back, 3 when there is no way between the releases (with those that can be reached), 4 when\n' +
      'no director answers, 5 when it took too long.',
    examples: [
      ['outrigger cluster upgrade harbor -n demo', 'which releases can be reached'],
      ['outrigger cluster upgrade harbor -n demo --release 1.0.1', 'goes there, and tells how'],
    ],
    settings: CLUSTER_SETTINGS,
    arguments: [['<name>', 'the cluster']],
    options: [
      NAMESPACE,
      ['--release <name>', 'the ClusterRelease to run; without it: which ones can be reached'],
      NO_WAIT,
      TIMEOUT,
      OUTPUT,
    ],
    run: upgrade,
  });
}

async function upgrade(context: Context): Promise<ExitCode> {
  const { settings, options, args, terminal, signal } = context;
  const [api, release] = [neededApi(settings), textOf(options['release'])];
  const screen = screenFor(formatOf(options), terminal);
  const before = await readCluster(api, clusterNameOf(args, options), signal);
  const releases = await releasesOf(api, signal);
  if (release === undefined) {
    screen.line(reachableWords(before, releases));
    return 0;
  }
  const problem = upgradeProblem(before, release, releases);
  if (problem !== undefined) throw new Fault('DirectorRefused', `Cluster ${before.metadata.name} was not changed: ${problem}`);
  const after = await changeSpec(api, before, { release }, signal);
  screen.line(`${before.metadata.name} is to run ${release}; it asked for ${before.spec.release} before.`);
  return await awaited(context, after, judgeUpgrade(release, after.metadata.generation ?? 0));
}

export function registerDelete(cluster: Command): void {
  addCommand(cluster, {
    name: 'delete',
    summary: 'Delete a cluster: says what will go, and asks for its name',
    description:
      'Without a terminal it is refused, unless --yes says that all of it shall go.\n' +
      'Exits with 0 when it is gone, 3 when nothing was deleted, 4 when no director answers, 5 when it took too long (it goes on by itself).',
    examples: [
      ['outrigger cluster delete pier -n demo', 'asks for the name'],
      ['outrigger cluster delete pier -n demo --yes', 'in a script'],
    ],
    settings: CLUSTER_SETTINGS,
    arguments: [['<name>', 'the cluster']],
    options: [NAMESPACE, ['-y, --yes', 'do not ask'], NO_WAIT, TIMEOUT],
    run: remove,
  });
}

async function remove({ settings, options, args, terminal, signal }: Context): Promise<ExitCode> {
  const [api, which, deadlineMs] = [neededApi(settings), clusterNameOf(args, options), deadlineOf(options)];
  const screen = screenFor(undefined, terminal);
  const cluster = await readCluster(api, which, signal);
  for (const line of deletionWords(cluster, await nodesOf(api, which.namespace, cluster.metadata.uid, signal))) screen.line(line);
  if (!(await mayDelete({ yes: isYes(options), ask: personAtTerminal() }, which, signal))) {
    screen.line('That is not its name; nothing was deleted.');
    return 3;
  }
  await deleteCluster(api, cluster, signal);
  if (deadlineMs === undefined) {
    screen.line(`${which.name} is being deleted.`);
    return 0;
  }
  const deps = { api, clock: systemClock(), screen };
  return (await follow(deps, cluster, judgeDeletion(which.name), deadlineMs, signal)).exit;
}

function isYes(options: Options): boolean {
  return options['yes'] === true;
}
