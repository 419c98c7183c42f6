/**
 * `outrigger cluster accept`, composed.
 */

import { Command } from 'commander';
import { acceptSpec } from '../cli/cluster-accept.ts';
import { dataPaths } from '../cli/data-folder.ts';
import { parseTtl } from '../cli/token.ts';
import { Fault } from '../model/fault.ts';
import { systemClock } from '../platform/clock.ts';
import { systemFiles } from '../platform/files.ts';
import { personAtTerminal } from '../platform/terminal.ts';
import { apiOf } from './api-access.ts';
import { addCommand } from './command.ts';

export function registerCluster(program: Command): void {
  const cluster = new Command('cluster').description('Look after single clusters.');
  program.addCommand(cluster.copyInheritedSettings(program));
  addCommand(cluster, {
    name: 'accept',
    summary: 'Have a cluster obey a spec that is older than the one it carries out',
    description:
      'A director that was restored from an older copy shows an older spec, and the cluster does not obey it (Progressing is False, SpecOlder).\nThis shows what would change, asks, and lets it be obeyed. The other way is to set the spec to what it should be first.\nExits with 3 when nothing was accepted.',
    examples: [
      ['outrigger cluster accept harbor -n demo', 'shows what would change, and asks'],
      ['outrigger cluster accept harbor -n demo --yes', 'in a script'],
    ],
    settings: ['data', 'kubeconfig'],
    arguments: [['<name>', 'the cluster']],
    options: [
      ['-n, --namespace <name>', 'namespace (default: default)'],
      ['-y, --yes', 'do not ask'],
      ['--timeout <time>', 'how long to wait for the cluster (default 60s)'],
    ],
    run: async ({ settings, options, args, terminal, signal }) => {
      const api = apiOf(systemFiles(), dataPaths(settings.data), settings.kubeconfig);
      if (api === undefined)
        throw new Fault('UsageWrong', 'There are no credentials; give --kubeconfig, or --data of a folder in which outrigger up ran.');
      const deps = { api, clock: systemClock(), show: (text: string) => terminal.write(text), ask: personAtTerminal() };
      const timeout = options['timeout'];
      const order = {
        namespace: typeof options['namespace'] === 'string' ? options['namespace'] : 'default',
        name: args[0] ?? '',
        yes: options['yes'] === true,
        deadlineMs: parseTtl(typeof timeout === 'string' ? timeout : '60s', '--timeout'),
      };
      return await acceptSpec(deps, order, signal);
    },
  });
}
