/**
 * `outrigger token create`, composed.
 */

import type { Command } from 'commander';
import { dataPaths } from '../cli/data-folder.ts';
import { makeToken, parseTtl } from '../cli/token.ts';
import type { TokenOrder } from '../cli/token.ts';
import { Fault } from '../model/fault.ts';
import { publicKeyHash } from '../platform/certificate.ts';
import { systemClock } from '../platform/clock.ts';
import { systemFiles } from '../platform/files.ts';
import { newJoinSecret } from '../platform/join-secret.ts';
import { parseClusterAccess } from '../platform/kubeconfig.ts';
import { kubernetesApi } from '../client/kubernetes.ts';
import { kubeconfigFile } from './api-access.ts';
import { addCommand, addGroup } from './command.ts';
import { OUTPUT, formatOf, inFormat } from './output.ts';

export function registerToken(program: Command): void {
  const token = addGroup(program, 'token', 'Make tokens by which hosts and nodes join.', [
    ['outrigger token create --host rack1', 'for a host daemon'],
  ]);
  addCommand(token, {
    name: 'create',
    summary: 'Make a single-use token and print the command that joins with it',
    description: 'A token holds for one hour, for one host or one life of one node. Only its hash is stored: it is shown this once.',
    examples: [
      ['outrigger token create --host rack1', 'for the host daemon of the Host rack1'],
      ['outrigger token create --node demo/harbor-a1-n1', 'for the machine that is to be this node of a cluster with spec.nodes: Joined'],
    ],
    settings: ['data', 'kubeconfig'],
    options: [
      ['--host <name>', 'a Host'],
      ['--node <namespace/name>', 'a ClusterNode'],
      ['--ttl <duration>', 'how long it holds (default 1h)'],
      OUTPUT,
      ['--json', 'as JSON, like -o json'],
    ],
    run: async ({ settings, options, terminal, signal }) => {
      const [files, paths] = [systemFiles(), dataPaths(settings.data)];
      const file = kubeconfigFile(files, paths, settings.kubeconfig);
      const text = file === undefined ? undefined : files.readText(file);
      if (file === undefined || text === undefined)
        throw new Fault('UsageWrong', `There are no credentials; give --kubeconfig, or --data of a folder in which outrigger up ran.`);
      const { server, authority } = parseClusterAccess(text, file);
      const caHash = publicKeyHash(authority);
      if (caHash === undefined) throw new Fault('SettingInvalid', `${file} holds no CA certificate that can be read.`);
      const deps = { api: kubernetesApi({ file }), newJoinSecret, nowMs: systemClock().nowMs(), server, caHash };
      const made = await makeToken(deps, orderOf(options), signal);
      if (made.note !== undefined) terminal.writeError(`outrigger: ${made.note}\n`);
      const format = formatOf(options);
      terminal.write(format === undefined ? `${made.command}\n` : inFormat(format, made));
      return 0;
    },
  });
}

function orderOf(options: Readonly<Record<string, unknown>>): TokenOrder {
  const { host, node, ttl } = options;
  const ttlMs = typeof ttl === 'string' ? { ttlMs: parseTtl(ttl) } : {};
  if (typeof host === 'string' && node === undefined) return { bearer: { host }, ...ttlMs };
  if (typeof node === 'string' && host === undefined) return { bearer: { node }, ...ttlMs };
  throw new Fault('UsageWrong', 'Say for whom the token is: either --host NAME or --node NAMESPACE/NAME.');
}
