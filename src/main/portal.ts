/**
 * `outrigger portal password`, composed: for the owner of a node's machine.
 */

import type { Command } from 'commander';
import { readNodeFile } from '../agent/node-file.ts';
import { makePortalPassword } from '../agent/portal/make-password.ts';
import { dataPaths } from '../cli/data-folder.ts';
import { findPortalNode } from '../cli/portal-node.ts';
import type { NodeFolder } from '../cli/portal-node.ts';
import { mayRunSingletons, memberId } from '../decide/authority.ts';
import type { Membership } from '../decide/authority.ts';
import type { Json } from '../model/json.ts';
import { certificates } from '../platform/certificate.ts';
import { absoluteFolder } from '../platform/durable-file.ts';
import { systemFiles } from '../platform/files.ts';
import { identityStore } from '../platform/identity-store.ts';
import { thumbprintOf } from '../platform/mutual-http.ts';
import { nodeStore } from '../platform/node-store.ts';
import { passwords } from '../platform/passwords.ts';
import type { Files } from '../ports/files.ts';
import { addCommand, addGroup } from './command.ts';
import { OUTPUT, formatOf, inFormat } from './output.ts';

export function registerPortal(program: Command): void {
  const portal = addGroup(program, 'portal', "Look after a cluster's portal.", [
    ['outrigger portal password harbor -n demo', 'a new password, shown once'],
  ]);
  addCommand(portal, {
    name: 'password',
    summary: "Make a new password for a cluster's portal and show it once",
    description:
      "Run it on the machine of the cluster's primary, as its owner. The password that held before holds no more. A browser warns of the portal's\ncertificate, which the control plane signed and no public authority did: compare the thumbprint.",
    examples: [
      ['outrigger portal password harbor -n demo', 'shows where the portal is, and its new password'],
      ['outrigger portal password --data /srv/outrigger', 'of the only cluster whose primary is on this machine'],
      ['outrigger portal password --dir .outrigger/host/nodes/UID', 'of the node in this folder'],
    ],
    settings: ['data'],
    arguments: [['[cluster]', 'name of the cluster (default: the only one here)']],
    options: [
      ['-n, --namespace <name>', 'namespace of the cluster (default: any)'],
      ['--dir <path>', "the primary's folder, as its host made it, instead of looking for it"],
      OUTPUT,
      ['--json', 'as JSON, like -o json'],
    ],
    run: async ({ settings, options, args, terminal }) => {
      const format = formatOf(options);
      const { folder: dir, ...taken } = await nodeOf(settings.data, options, args[0]);
      const made = await makePortalPassword({
        node: readNodeFile(systemFiles(), dir),
        store: nodeStore(`${dir}/store`),
        identity: identityStore(`${dir}/identity`, certificates()),
        passwords: passwords(),
        thumbprint: (certificate) => thumbprintOf(derOf(certificate)),
      });
      const lines = [
        `Node      ${taken.node} of ${taken.namespace}/${taken.cluster} (${dir})`,
        `Portal    ${made.url}`,
        `Password  ${made.password}`,
        `Shows     ${made.thumbprint ?? 'no certificate yet: the node has not joined'}`,
      ];
      const body = { ...made, namespace: taken.namespace, cluster: taken.cluster, node: taken.node, folder: dir };
      terminal.write(format === undefined ? `${lines.join('\n')}\n` : inFormat(format, body));
      return 0;
    },
  });
}

async function nodeOf(data: string, options: Readonly<Record<string, unknown>>, cluster: string | undefined): Promise<NodeFolder> {
  const files = systemFiles();
  const { dir, namespace } = options;
  if (typeof dir === 'string') {
    const folder = absoluteFolder(dir);
    const node = readNodeFile(files, folder);
    return { folder, namespace: node.namespace, cluster: node.cluster, node: node.node, primaryTerm: undefined };
  }
  const wanted = { namespace: typeof namespace === 'string' ? namespace : undefined, cluster };
  return await findPortalNode(files, dataPaths(data), wanted, (folder) => readFolder(files, folder));
}

/** Undefined: a folder that its host is just making, or taking away. */
async function readFolder(files: Files, folder: string): Promise<NodeFolder | undefined> {
  if (!files.exists(`${folder}/node.json`)) return undefined;
  const { namespace, cluster, node, nodeUid, incarnation } = readNodeFile(files, folder);
  const read = await nodeStore(`${folder}/store`).read<Membership & Json>('membership');
  const isPrimary = read.state === 'found' && mayRunSingletons(read.body, memberId(nodeUid, incarnation));
  return { folder, namespace, cluster, node, primaryTerm: isPrimary ? read.body.term : undefined };
}

function derOf(pem: string): Buffer {
  return Buffer.from(pem.replaceAll(/-----[A-Z ]+-----|\s/g, ''), 'base64');
}
