/**
 * `outrigger cluster`: the verbs for clusters, and `accept`, composed.
 */

import type { Command } from 'commander';
import { acceptSpec } from '../cli/cluster-accept.ts';
import { parseTtl } from '../cli/token.ts';
import { systemClock } from '../platform/clock.ts';
import { personAtTerminal } from '../platform/terminal.ts';
import { neededApi } from './api-access.ts';
import { registerCreate, registerDelete, registerScale, registerUpgrade } from './cluster-change.ts';
import { registerList, registerLogs } from './cluster-look.ts';
import { CLUSTER_SETTINGS, NAMESPACE, clusterNameOf } from './cluster-options.ts';
import { addCommand, addGroup } from './command.ts';

export function registerCluster(program: Command): void {
  const cluster = addGroup(program, 'cluster', 'Order clusters, change them, look at them and delete them.', [
    ['outrigger cluster create pier -n demo', 'a primary and a worker; waits until it is available'],
    ['outrigger cluster list', 'all of them, and what needs a person'],
    ['outrigger cluster scale pier -n demo --workers 2', 'one worker more'],
    ['outrigger cluster upgrade pier -n demo --release 1.0.1', 'node by node, without an outage'],
    ['outrigger cluster logs pier hello -n demo --follow', 'what a service writes, on all nodes'],
    ['outrigger cluster delete pier -n demo', 'says what will go, and asks for the name'],
  ]);
  registerCreate(cluster);
  registerList(cluster);
  registerScale(cluster);
  registerUpgrade(cluster);
  registerLogs(cluster);
  registerDelete(cluster);
  registerAccept(cluster);
}

function registerAccept(cluster: Command): void {
  addCommand(cluster, {
    name: 'accept',
    summary: 'Have a cluster obey a spec that is older than the one it carries out',
    description:
      'A director that was restored from an older copy shows an older spec, and the cluster does not obey it (Progressing is False, SpecOlder).\nThis shows what would change, asks, and lets it be obeyed. The other way is to set the spec to what it should be first.\nExits with 3 when nothing was accepted.',
    examples: [
      ['outrigger cluster accept harbor -n demo', 'shows what would change, and asks'],
      ['outrigger cluster accept harbor -n demo --yes', 'in a script'],
    ],
    settings: CLUSTER_SETTINGS,
    arguments: [['<name>', 'the cluster']],
    options: [NAMESPACE, ['-y, --yes', 'do not ask'], ['--timeout <time>', 'how long to wait for the cluster (default 60s)']],
    run: async ({ settings, options, args, terminal, signal }) => {
      const deps = {
        api: neededApi(settings),
        clock: systemClock(),
        show: (text: string) => terminal.write(text),
        ask: personAtTerminal(),
      };
      const timeout = options['timeout'];
      const order = {
        ...clusterNameOf(args, options),
        yes: options['yes'] === true,
        deadlineMs: parseTtl(typeof timeout === 'string' ? timeout : '60s', '--timeout'),
      };
      return await acceptSpec(deps, order, signal);
    },
  });
}
