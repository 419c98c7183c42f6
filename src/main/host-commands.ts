/**
 * `outrigger host list|cordon|uncordon|drain|confirm-dead`, composed. What reaches the API is loaded only when one of them runs: the host daemon itself
 * must stay light.
 */

import type { Command } from 'commander';
import { dataPaths } from '../cli/data-folder.ts';
import { Fault } from '../model/fault.ts';
import { systemClock } from '../platform/clock.ts';
import { systemFiles } from '../platform/files.ts';
import { personAtTerminal } from '../platform/terminal.ts';
import type { EntityApi } from '../ports/api.ts';
import { addCommand } from './command.ts';
import { OUTPUT, formatOf, inFormat } from './output.ts';

const SETTINGS = ['data', 'kubeconfig'] as const;
const NAME = ['<name>', 'the Host'] as const;

interface Access {
  readonly data: string;
  readonly kubeconfig: string | undefined;
}

export function registerHostCommands(host: Command): void {
  addCommand(host, {
    name: 'list',
    summary: 'Show the hosts: whether they are ready, cordoned, and how full',
    settings: SETTINGS,
    options: [OUTPUT, ['--json', 'as JSON, like -o json']],
    run: async ({ settings, options, terminal, signal }) => {
      const { hostRows, renderHosts } = await import('../cli/host-orders.ts');
      const rows = await hostRows(await apiAt(settings), signal);
      const format = formatOf(options);
      terminal.write(format === undefined ? renderHosts(rows) : inFormat(format, rows));
      return 0;
    },
  });
  for (const cordoned of [true, false]) {
    addCommand(host, {
      name: cordoned ? 'cordon' : 'uncordon',
      summary: cordoned ? 'Let a host take no more nodes; those it has go on' : 'Let a host take nodes again',
      settings: SETTINGS,
      arguments: [NAME],
      run: async ({ settings, args, terminal, signal }) => {
        const { cordonHost } = await import('../cli/host-orders.ts');
        terminal.write(await cordonHost(await apiAt(settings), args[0] ?? '', cordoned, signal));
        return 0;
      },
    });
  }
  registerDrain(host);
  registerConfirmDead(host);
}

function registerDrain(host: Command): void {
  addCommand(host, {
    name: 'drain',
    summary: 'Cordon a host and move its workers to other hosts, one by one',
    description:
      'Of each cluster one node at a time, each only when the cluster is redundant and another host has room; waits until the replacement is ready.\nPrimaries are named and left. Exit codes: 0 empty, 3 something is left, 5 time is up.',
    examples: [
      ['outrigger host drain rack1 --dry-run', 'what would be moved first'],
      ['outrigger host drain rack1 --include-primaries', 'all of it, before the machine is switched off'],
    ],
    settings: SETTINGS,
    arguments: [NAME],
    options: [
      ['--include-primaries', 'move primaries too, last: their singletons, portal and license sync stop meanwhile'],
      ['--dry-run', 'change nothing'],
      ['--timeout <time>', 'how long to wait in all (default 30m)'],
      ['--json', 'as JSON, at the end'],
    ],
    run: async ({ settings, options, args, terminal, signal }) => {
      const [{ drainHost }, { parseTtl }] = [await import('../cli/host-drain.ts'), await import('../cli/token.ts')];
      const timeout = options['timeout'];
      const order = {
        name: args[0] ?? '',
        includePrimaries: options['includePrimaries'] === true,
        dryRun: options['dryRun'] === true,
        json: options['json'] === true,
        timeoutMs: parseTtl(typeof timeout === 'string' ? timeout : '30m', '--timeout'),
      };
      const deps = { api: await apiAt(settings), clock: systemClock(), write: (text: string) => terminal.write(text) };
      return await drainHost(deps, order, signal);
    },
  });
}

function registerConfirmDead(host: Command): void {
  addCommand(host, {
    name: 'confirm-dead',
    summary: 'Vouch that a machine is off for good, so that its nodes start elsewhere',
    description:
      'Every node that ran there in its present boot is replaced by a higher incarnation, which another host of its VirtualDataCenter claims.\nRefused while the host still renews its Lease. In that very boot the host takes no more nodes; after a restart of its machine it does again.',
    examples: [['outrigger host confirm-dead rack1', 'its power supply burned out']],
    settings: SETTINGS,
    arguments: [NAME],
    options: [
      ['--yes', 'do not ask for the name'],
      ['--force', 'do not look whether it still renews its Lease'],
    ],
    run: async ({ settings, options, args, terminal, signal }) => {
      const { confirmHostDead } = await import('../cli/host-orders.ts');
      const write = (text: string): void => terminal.write(text);
      const deps = { api: await apiAt(settings), clock: systemClock(), write, ask: personAtTerminal() };
      await confirmHostDead(deps, { name: args[0] ?? '', yes: options['yes'] === true, force: options['force'] === true }, signal);
      return 0;
    },
  });
}

async function apiAt({ data, kubeconfig }: Access): Promise<EntityApi> {
  const { apiOf } = await import('./api-access.ts');
  const api = apiOf(systemFiles(), dataPaths(data), kubeconfig);
  if (api === undefined)
    throw new Fault('UsageWrong', 'There are no credentials; give --kubeconfig, or --data of a folder in which outrigger up ran.');
  return api;
}
