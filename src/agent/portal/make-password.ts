/**
 * A new password for the portal of a node's cluster, made by whoever owns the machine: who may write the node's folder may do it.
 *
 * I1: the password is returned once and kept nowhere; the record holds its hash. What was valid before is not any more, and sessions end.
 */

import { Fault } from '../../model/fault.ts';
import type { Json } from '../../model/json.ts';
import { PORTS } from '../../model/ports.ts';
import type { IdentityStore } from '../../ports/director.ts';
import type { NodeStore } from '../../ports/node-store.ts';
import type { Passwords } from '../../ports/passwords.ts';
import type { NodeFile } from '../node-file.ts';
import { PORTAL_RECORD } from './access.ts';

export interface PasswordParts {
  readonly node: NodeFile;
  readonly store: NodeStore;
  readonly identity: IdentityStore;
  readonly passwords: Passwords;
  /** SHA-256 thumbprint of a certificate in PEM, as browsers show it. */
  readonly thumbprint: (certificate: string) => string | undefined;
}

export interface MadePassword {
  readonly password: string;
  readonly url: string;
  /** Of the certificate that the portal shows; undefined: the node has not joined yet. */
  readonly thumbprint: string | undefined;
}

/** Throws `Fault` UsageWrong on a node that was not born primary: the portal is not there. */
export async function makePortalPassword(parts: PasswordParts): Promise<MadePassword> {
  const { node, store, identity, passwords } = parts;
  if (node.role !== 'Primary')
    throw new Fault(
      'UsageWrong',
      `${node.node} is a worker, and the portal of ${node.namespace}/${node.cluster} is on its primary. Give the folder of that node, on its machine.`,
    );
  const password = passwords.fresh();
  await store.write(PORTAL_RECORD, { password: (await passwords.hash(password)) as unknown as Json });
  const known = await identity.load();
  const host = node.address.includes(':') ? `[${node.address}]` : node.address;
  return {
    password,
    url: `https://${host}:${PORTS.portal}/`,
    thumbprint: known === undefined ? undefined : parts.thumbprint(known.certificate),
  };
}
