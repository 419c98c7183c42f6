/**
 * `outrigger drill`, composed.
 */

import type { Command } from 'commander';
import { dataPaths } from '../cli/data-folder.ts';
import { DRILL_WORDS, listDrills, renderDrills, runDrill } from '../cli/drill.ts';
import { Fault } from '../model/fault.ts';
import type { ExitCode } from '../model/fault.ts';
import { SITE_TARGETS } from '../model/drill.ts';
import type { DrillSpec } from '../model/drill.ts';
import { systemClock } from '../platform/clock.ts';
import { systemFiles } from '../platform/files.ts';
import { systemRandom } from '../platform/random.ts';
import type { EntityApi } from '../ports/api.ts';
import { apiOf } from './api-access.ts';
import { addCommand } from './command.ts';
import type { CommandContext } from './command.ts';
import { OUTPUT, formatOf, inFormat } from './output.ts';

type Context = CommandContext<'data' | 'kubeconfig'>;

const LIST = 'list';
const UNIQUE_CHARS = 6;

export function registerDrill(program: Command): void {
  addCommand(program, {
    name: 'drill',
    summary: 'Kill something for real, and measure what becomes of it',
    description:
      `Says what should happen, loads a living node's balancer, kills, waits, and holds what it measured against the promise.\n` +
      `Targets: ${Object.keys(DRILL_WORDS).join(', ')}. The record stays as an entity of kind Drill; "kubectl create -f" of one does the same.\n` +
      'Exits with 0 when every promise was kept, 1 when one was broken or it could not be measured, 3 when it was refused (with the reason; nothing was\n' +
      'killed), 4 when no director answers, 5 when nobody carried it out in time.',
    examples: [
      ['outrigger drill instance harbor -n demo', 'one instance of its first HTTP service'],
      ['outrigger drill node harbor -n demo --node harbor-a1-n1', 'everything of that node'],
      ['outrigger drill director harbor -n demo', 'the director, while the services of harbor are asked'],
      ['outrigger drill list', 'all drills, and what they measured'],
    ],
    settings: ['data', 'kubeconfig'],
    arguments: [
      ['[target]', `${Object.keys(DRILL_WORDS).join(', ')}; or list`],
      ['[cluster]', 'the cluster; needed for the first four'],
    ],
    options: [
      ['-n, --namespace <name>', 'namespace (default: default; list: all)'],
      ['--service <name>', 'the service that is asked, and of which an instance dies'],
      ['--node <name>', 'the ClusterNode on which something dies (default: a worker)'],
      ['--seconds <number>', 'how long the service is asked, at least (default 20)'],
      ['--accept-outage', 'also when something stops being served meanwhile'],
      OUTPUT,
      ['--json', 'the Drill, or the list, as JSON, like -o json'],
    ],
    run: async (context) => {
      return context.args[0] === LIST ? await showList(context) : await drill(context);
    },
  });
}

function apiFor({ settings }: Context): EntityApi {
  const api = apiOf(systemFiles(), dataPaths(settings.data), settings.kubeconfig);
  if (api !== undefined) return api;
  throw new Fault('UsageWrong', 'There are no credentials; give --kubeconfig, or --data of a folder in which outrigger up ran.');
}

async function showList(context: Context): Promise<ExitCode> {
  const { options, terminal, signal } = context;
  const drills = await listDrills(apiFor(context), textOf(options['namespace']), signal);
  const format = formatOf(options);
  terminal.write(format === undefined ? renderDrills(drills, systemClock().nowMs()) : inFormat(format, drills));
  return 0;
}

async function drill(context: Context): Promise<ExitCode> {
  const { options, terminal, signal } = context;
  const spec = specOf(context);
  const format = formatOf(options);
  const random = systemRandom();
  const deps = {
    api: apiFor(context),
    clock: systemClock(),
    unique: () => random.uuid().replaceAll('-', '').slice(0, UNIQUE_CHARS),
    show: (text: string) => (format === undefined ? terminal.write(text) : terminal.writeError(text)),
  };
  const outcome = await runDrill(deps, { namespace: textOf(options['namespace']) ?? 'default', spec }, signal);
  if (format !== undefined) terminal.write(inFormat(format, outcome.drill ?? null));
  return outcome.exit;
}

function specOf({ args, options }: Context): DrillSpec {
  const [word = '', cluster] = args;
  const target = DRILL_WORDS[word];
  if (word === '')
    throw new Fault('UsageWrong', `Say what dies: outrigger drill TARGET; there are ${Object.keys(DRILL_WORDS).join(', ')}, and list.`);
  if (target === undefined)
    throw new Fault('UsageWrong', `There is no drill "${word}"; there are ${Object.keys(DRILL_WORDS).join(', ')}, and list.`);
  const [service, node, seconds] = [textOf(options['service']), textOf(options['node']), textOf(options['seconds'])];
  if (cluster === undefined && SITE_TARGETS.some((one) => one === target))
    throw new Fault('UsageWrong', `Name the cluster: outrigger drill ${word} CLUSTER -n NAMESPACE`);
  return {
    target,
    seconds: seconds === undefined ? 20 : wholeSeconds(seconds),
    connectionsPerSecond: 200,
    keepAliveClients: 8,
    acceptOutage: options['acceptOutage'] === true,
    ...(cluster === undefined ? {} : { cluster }),
    ...(service === undefined ? {} : { service }),
    ...(node === undefined ? {} : { node }),
  };
}

function wholeSeconds(text: string): number {
  const seconds = Number(text);
  if (Number.isInteger(seconds) && seconds >= 5 && seconds <= 300) return seconds;
  throw new Fault('UsageWrong', `--seconds ${text} is not a whole number from 5 to 300.`);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
