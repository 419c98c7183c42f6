/**
 * `outrigger agent`, `outrigger balancer` and `outrigger service` as commands that a person types: help and wrong options. Plain calls go past this
 * (src/main/node-roles.ts).
 */

import type { Command } from 'commander';
import { Fault } from '../model/fault.ts';
import { FRAMEWORK_SERVICES } from '../model/framework.ts';
import { absoluteFolder } from '../platform/durable-file.ts';
import { runAgent } from './agent.ts';
import { registerAgentJoin } from './agent-join.ts';
import { runBalancer } from './balancer.ts';
import { addCommand } from './command.ts';
import { runService } from './service.ts';

const DIR_OPTION = ['--dir <path>', "the node's folder, as its host or outrigger agent join made it"] as const;

export function registerAgent(program: Command): void {
  const agent = addCommand(program, {
    name: 'agent',
    summary: 'Run the agent of a node; or let this machine join as one',
    description:
      "Runs a node's services and keeps them running, with or without a director. When it ends, they go on; it finds them again.",
    examples: [
      ['outrigger agent --dir .outrigger/host/nodes/UID', 'runs until it is told to stop'],
      ['outrigger agent --dir .outrigger/host/nodes/UID --stop', 'drains and stops everything of the node'],
      ['outrigger agent --dir /var/lib/outrigger/node', 'on a joined machine; waits while there is no node'],
    ],
    settings: [],
    options: [DIR_OPTION, ['--stop', 'stop everything of the node instead: pods, balancer and agent']],
    daemon: true,
    run: ({ options, signal }) => runAgent({ dir: dirOf(options), stop: options['stop'] === true }, signal),
  });
  // What is typed after a verb of it is the verb's, not its own.
  program.enablePositionalOptions();
  registerAgentJoin(agent.enablePositionalOptions());
}

export function registerBalancer(program: Command): void {
  addCommand(program, {
    name: 'balancer',
    summary: "Run a node's balancer (started by its agent)",
    description: 'Listens on the node for every replicated service and forwards to a ready instance anywhere in the cluster.',
    examples: [['outrigger balancer --dir .outrigger/host/nodes/UID', 'runs until it is told to stop']],
    settings: ['balancer'],
    options: [DIR_OPTION],
    daemon: true,
    run: ({ options, settings, signal }) =>
      runBalancer({ dir: dirOf(options), stop: false, balancer: settings.balancer ?? 'auto' }, signal),
  });
}

export function registerService(program: Command): void {
  addCommand(program, {
    name: 'service',
    summary: "Run one of Outrigger's own services of a node (started by its agent)",
    description: `What a ClusterRelease runs on each node: ${FRAMEWORK_SERVICES.join(', ')}.\nIt finds the node by OUTRIGGER_NODE_FOLDER, which its agent sets.`,
    examples: [['outrigger service connection-server-proxy', 'runs until it is told to stop']],
    arguments: [['<name>', FRAMEWORK_SERVICES.join(', ')]],
    settings: [],
    daemon: true,
    run: async ({ args, signal }) => {
      const service = FRAMEWORK_SERVICES.find((one) => one === args[0]);
      if (service === undefined)
        throw new Fault('UsageWrong', `"${args[0] ?? ''}" is no service; there are ${FRAMEWORK_SERVICES.join(', ')}.`);
      return await (
        await runService(service)
      )(signal);
    },
  });
}

function dirOf(options: Readonly<Record<string, unknown>>): string {
  if (typeof options['dir'] === 'string') return absoluteFolder(options['dir']);
  throw new Fault('UsageWrong', "The node's folder is needed: --dir DIR.");
}
