/**
 * Who another node is, by its certificate: `CN=outrigger:node:<uid>:<incarnation>`, `O=outrigger:nodes`.
 *
 * That our CA signed it is judged before (src/platform/mutual-http.ts); here is judged whether that node belongs to this cluster, in this life.
 *
 * I1: a node of another cluster, an earlier or later life of a member, and everything that is no node is refused, with a sentence.
 * I2: so is a certificate of a member that was revoked, as far as that was heard here.
 */

import type { FrameworkMember } from '../model/framework.ts';
import { isRevoked } from './renewal.ts';

/** What of a certificate is looked at (CertificateFacts). */
export interface Subject {
  readonly commonNames: readonly string[];
  readonly organizations: readonly string[];
  readonly notBeforeMs: number;
}

const NODES = 'outrigger:nodes';
const NODE_NAME = /^outrigger:node:([^:]{1,63}):([1-9][0-9]{0,8})$/;

/** Whose certificate it is; undefined: no node's. */
export function nodeOfSubject({
  commonNames,
  organizations,
}: Omit<Subject, 'notBeforeMs'>): { readonly uid: string; readonly incarnation: number } | undefined {
  const [commonName] = commonNames;
  const found = commonName === undefined || commonNames.length !== 1 ? null : NODE_NAME.exec(commonName);
  if (found === null || organizations.length !== 1 || organizations[0] !== NODES) return undefined;
  return { uid: found[1] ?? '', incarnation: Number(found[2]) };
}

export type MemberJudgement = { readonly member: FrameworkMember } | { readonly refused: string };

/** Which member of the cluster it is, or why it is none. */
export function memberOfSubject(subject: Subject, members: readonly FrameworkMember[]): MemberJudgement {
  const node = nodeOfSubject(subject);
  if (node === undefined) return { refused: 'The certificate is not that of a node; only nodes of this cluster are spoken to here.' };
  const member = members.find(({ uid }) => uid === node.uid);
  if (member === undefined) return { refused: `The node with uid ${node.uid} does not belong to this cluster.` };
  if (isRevoked(subject, member.revokedBefore)) return { refused: `The certificate of ${member.name} was revoked (spec.revokedBefore).` };
  if (member.incarnation === node.incarnation) return { member };
  return {
    refused: `The certificate is that of incarnation ${node.incarnation} of ${member.name}, and incarnation ${member.incarnation} is known here.`,
  };
}

/** Our CA gives certificates for servers that name no organization to directors alone. */
export function isDirectorSubject(
  facts: Pick<Subject, 'organizations'> & { readonly serverAuth: boolean; readonly isAuthority: boolean },
): boolean {
  return facts.serverAuth && !facts.isAuthority && facts.organizations.length === 0;
}
