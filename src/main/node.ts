/**
 * `outrigger node revoke`, composed.
 */

import type { Command } from 'commander';
import { dataPaths } from '../cli/data-folder.ts';
import { revokeNode } from '../cli/node-revoke.ts';
import { Fault } from '../model/fault.ts';
import { systemClock } from '../platform/clock.ts';
import { systemFiles } from '../platform/files.ts';
import { apiOf } from './api-access.ts';
import { addCommand, addGroup } from './command.ts';
import { registerNodeOrders } from './node-orders.ts';
import { registerUnclaimed } from './node-unclaimed.ts';

export function registerNode(program: Command): void {
  const node = addGroup(program, 'node', 'Look after single nodes of clusters.', [
    ['outrigger node confirm-dead harbor-a1-n1 -n demo', 'its machine is off for good: have it replaced'],
    ['outrigger node restart harbor-a1-n1 -n demo', 'its agent anew, after its cause was seen to'],
    ['outrigger node revoke harbor-a1-n1 -n demo', 'its certificates, after a theft'],
  ]);
  registerUnclaimed(node);
  registerNodeOrders(node);
  addCommand(node, {
    name: 'revoke',
    summary: "Revoke a node's certificates, because somebody else may have them",
    description:
      'Every director refuses them from then on, and cuts what they have open: tunnel, watches, connections. The other nodes of the cluster do the same once they hear of it.\nServices of the node go on. Its host gives it a new identity by itself.',
    examples: [['outrigger node revoke harbor-a1-n0 -n demo', 'the disk of that node was stolen']],
    settings: ['data', 'kubeconfig'],
    arguments: [['<name>', 'the ClusterNode']],
    options: [['-n, --namespace <name>', 'namespace (default: default)']],
    run: async ({ settings, options, args, terminal, signal }) => {
      const api = apiOf(systemFiles(), dataPaths(settings.data), settings.kubeconfig);
      if (api === undefined)
        throw new Fault('UsageWrong', 'There are no credentials; give --kubeconfig, or --data of a folder in which outrigger up ran.');
      const namespace = typeof options['namespace'] === 'string' ? options['namespace'] : 'default';
      const order = { namespace, name: args[0] ?? '', nowMs: systemClock().nowMs() };
      terminal.write(await revokeNode(api, order, signal));
      return 0;
    },
  });
}
