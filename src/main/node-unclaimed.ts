/**
 * `outrigger node adopt` and `outrigger node discard`, composed.
 */

import type { Command } from 'commander';
import { dataPaths } from '../cli/data-folder.ts';
import { parseTtl } from '../cli/token.ts';
import { adoptNode, discardNode } from '../cli/unclaimed.ts';
import type { UnclaimedDeps } from '../cli/unclaimed.ts';
import { Fault } from '../model/fault.ts';
import { systemClock } from '../platform/clock.ts';
import { systemFiles } from '../platform/files.ts';
import type { Terminal } from '../ports/terminal.ts';
import { apiOf } from './api-access.ts';
import { addCommand } from './command.ts';

const SETTINGS = ['data', 'kubeconfig'] as const;
const HOST = ['--host <name>', 'the Host that it runs on'] as const;
const TIMEOUT = ['--timeout <time>', 'how long to wait for the host (default 60s)'] as const;

type Options = Readonly<Record<string, unknown>>;

export function registerUnclaimed(node: Command): void {
  addCommand(node, {
    name: 'adopt',
    summary: 'Take back a node that runs on a host and that this director does not know',
    description:
      'After the director was restored from an older copy: makes its ClusterNode anew, under the uid that it runs with, as its host reports it (Host.status.unclaimedNodes).\nFor admins. Its Cluster must be known; a node that was deleted here is not taken back.',
    examples: [
      ['outrigger node adopt harbor-a1-n2 -n demo --host rack1', 'takes it back'],
      ['outrigger node adopt harbor-a1-n2 -n demo --host rack1 --scale', 'and raises spec.workers so that it stays'],
    ],
    settings: SETTINGS,
    arguments: [['<name>', 'the ClusterNode']],
    options: [
      ['-n, --namespace <name>', 'namespace (default: default)'],
      HOST,
      ['--scale', 'raise spec.workers where it asks for fewer'],
      TIMEOUT,
    ],
    run: async ({ settings, options, args, terminal, signal }) => {
      const namespace = typeof options['namespace'] === 'string' ? options['namespace'] : 'default';
      const order = { ...common(options), namespace, name: args[0] ?? '', scale: options['scale'] === true };
      return await adoptNode(depsOf(settings, terminal), order, signal);
    },
  });
  addCommand(node, {
    name: 'discard',
    summary: 'Have a node stopped that runs on a host and that this director does not know',
    description:
      'Stops its pods and its agent, and takes its folder away: what was kept there is gone. A node that the director knows is not touched.',
    examples: [['outrigger node discard 5f0c… --host rack1', 'by its uid, as kubectl get host rack1 -o yaml shows it']],
    settings: SETTINGS,
    arguments: [['<uid>', 'of the node; its name where that is enough']],
    options: [HOST, TIMEOUT],
    run: async ({ settings, options, args, terminal, signal }) =>
      await discardNode(depsOf(settings, terminal), { ...common(options), which: args[0] ?? '' }, signal),
  });
}

function common(options: Options): { readonly host: string; readonly deadlineMs: number } {
  const { host, timeout } = options;
  if (typeof host !== 'string') throw new Fault('UsageWrong', 'Which host does it run on? --host NAME; kubectl get hosts shows them.');
  return { host, deadlineMs: parseTtl(typeof timeout === 'string' ? timeout : '60s', '--timeout') };
}

function depsOf(settings: { readonly data: string; readonly kubeconfig: string | undefined }, terminal: Terminal): UnclaimedDeps {
  const api = apiOf(systemFiles(), dataPaths(settings.data), settings.kubeconfig);
  if (api === undefined)
    throw new Fault('UsageWrong', 'There are no credentials; give --kubeconfig, or --data of a folder in which outrigger up ran.');
  return { api, clock: systemClock(), show: (text) => terminal.write(text) };
}
