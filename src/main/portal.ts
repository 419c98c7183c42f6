/**
 * `outrigger portal password`, composed: for the owner of a node's machine.
 */

import { Command } from 'commander';
import { readNodeFile } from '../agent/node-file.ts';
import { makePortalPassword } from '../agent/portal/make-password.ts';
import { Fault } from '../model/fault.ts';
import { certificates } from '../platform/certificate.ts';
import { absoluteFolder } from '../platform/durable-file.ts';
import { systemFiles } from '../platform/files.ts';
import { identityStore } from '../platform/identity-store.ts';
import { thumbprintOf } from '../platform/mutual-http.ts';
import { nodeStore } from '../platform/node-store.ts';
import { passwords } from '../platform/passwords.ts';
import { addCommand } from './command.ts';

export function registerPortal(program: Command): void {
  const portal = new Command('portal').description("Look after a cluster's portal.");
  program.addCommand(portal.copyInheritedSettings(program));
  addCommand(portal, {
    name: 'password',
    summary: "Make a new password for a cluster's portal and show it once",
    description:
      "Run it on the machine of the cluster's primary, as its owner. The password that held before holds no more. A browser warns of the portal's\ncertificate, which the control plane signed and no public authority did: compare the thumbprint.",
    examples: [['outrigger portal password --dir .outrigger/host/nodes/UID', 'shows where the portal is, and its new password']],
    settings: [],
    options: [
      ['--dir <path>', "the primary's folder, as its host made it"],
      ['--json', 'as JSON'],
    ],
    run: async ({ options, terminal }) => {
      if (typeof options['dir'] !== 'string') throw new Fault('UsageWrong', "The node's folder is needed: --dir DIR.");
      const dir = absoluteFolder(options['dir']);
      const made = await makePortalPassword({
        node: readNodeFile(systemFiles(), dir),
        store: nodeStore(`${dir}/store`),
        identity: identityStore(`${dir}/identity`, certificates()),
        passwords: passwords(),
        thumbprint: (certificate) => thumbprintOf(derOf(certificate)),
      });
      const lines = [
        `Portal    ${made.url}`,
        `Password  ${made.password}`,
        `Shows     ${made.thumbprint ?? 'no certificate yet: the node has not joined'}`,
      ];
      terminal.write(options['json'] === true ? `${JSON.stringify(made, undefined, 2)}\n` : `${lines.join('\n')}\n`);
      return 0;
    },
  });
}

function derOf(pem: string): Buffer {
  return Buffer.from(pem.replaceAll(/-----[A-Z ]+-----|\s/g, ''), 'base64');
}
