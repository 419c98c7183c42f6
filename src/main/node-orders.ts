/**
 * `outrigger node restart` and `outrigger node confirm-dead`, composed.
 */

import type { Command } from 'commander';
import { dataPaths } from '../cli/data-folder.ts';
import { confirmNodeDead, restartNode } from '../cli/host-orders.ts';
import type { NodeOrder } from '../cli/host-orders.ts';
import { Fault } from '../model/fault.ts';
import { systemFiles } from '../platform/files.ts';
import { systemRandom } from '../platform/random.ts';
import type { EntityApi } from '../ports/api.ts';
import { apiOf } from './api-access.ts';
import { addCommand } from './command.ts';
import type { CommandContext } from './command.ts';

const SETTINGS = ['data', 'kubeconfig'] as const;
type Context = CommandContext<(typeof SETTINGS)[number]>;

export function registerNodeOrders(node: Command): void {
  add(node, {
    name: 'restart',
    summary: 'Have the agent of a node started anew, also after its host gave it up',
    description: 'Its services and its balancer go on. Failures of before count no more.',
    example: ['outrigger node restart harbor-a1-n0 -n demo', 'after its cause was seen to'],
    run: (api, order, signal) => restartNode(api, order, systemRandom().uuid(), signal),
  });
  add(node, {
    name: 'confirm-dead',
    summary: 'Vouch that the machine of a node is off for good, so that it is replaced',
    description:
      'It speaks of the present incarnation; a higher one takes its place. For all nodes of a machine: outrigger host confirm-dead.',
    example: ['outrigger node confirm-dead harbor-a1-n1 -n demo', 'its disk is gone'],
    run: confirmNodeDead,
  });
}

interface Spec {
  readonly name: string;
  readonly summary: string;
  readonly description: string;
  readonly example: readonly [string, string];
  readonly run: (api: EntityApi, order: NodeOrder, signal: AbortSignal) => Promise<string>;
}

function add(node: Command, { name, summary, description, example, run }: Spec): void {
  addCommand(node, {
    name,
    summary,
    description,
    examples: [example],
    settings: SETTINGS,
    arguments: [['<name>', 'the ClusterNode']],
    options: [['-n, --namespace <name>', 'namespace (default: default)']],
    run: async ({ settings, options, args, terminal, signal }: Context) => {
      const api = apiOf(systemFiles(), dataPaths(settings.data), settings.kubeconfig);
      if (api === undefined)
        throw new Fault('UsageWrong', 'There are no credentials; give --kubeconfig, or --data of a folder in which outrigger up ran.');
      const namespace = typeof options['namespace'] === 'string' ? options['namespace'] : 'default';
      terminal.write(await run(api, { namespace, name: args[0] ?? '' }, signal));
      return 0;
    },
  });
}
