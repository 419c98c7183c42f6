/**
 * Names in certificates: what the authority writes into a subject, and what a subject makes of its bearer.
 *
 * The organization says which kind of bearer it is; the common name must then have that kind's form, and no other kind's. Both come from the
 * authority alone (the subject of a request is ignored), so what is checked here are our own mistakes and other people's certificates.
 *
 * I1: a subject is read as a node, host or admin only when organization and common name both say so.
 * I2: `identityOf` undoes `nodeSubject`, `hostSubject` and `adminSubject`.
 */

import type { CertificateFacts } from '../../ports/x509.ts';
import { GROUP_ADMINS, GROUP_AUTHENTICATED, GROUP_HOSTS, GROUP_NODES } from './identity.ts';
import type { Identity, Refused } from './identity.ts';

export interface SubjectNames {
  readonly commonName: string;
  readonly organization: string;
}

const NODE_NAME = /^outrigger:node:([0-9a-f-]{1,63}):([1-9][0-9]{0,14})$/;
const HOST_NAME = /^outrigger:host:([a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?)$/;
/** Names and groups that only the director itself gives. */
const RESERVED = /^(?:outrigger|system):/;

export function nodeSubject(uid: string, incarnation: number): SubjectNames {
  return { commonName: `outrigger:node:${uid}:${incarnation}`, organization: GROUP_NODES };
}

export function hostSubject(host: string): SubjectNames {
  return { commonName: `outrigger:host:${host}`, organization: GROUP_HOSTS };
}

export function adminSubject(name: string): SubjectNames {
  return { commonName: name, organization: GROUP_ADMINS };
}

/** Who bears a certificate of ours; signature and validity have been checked by the caller. */
export function identityOf(facts: CertificateFacts): Identity | Refused {
  const [commonName] = facts.commonNames;
  if (commonName === undefined || facts.commonNames.length > 1)
    return { refused: 'The client certificate has not exactly one common name.' };
  if (facts.organizations.length > 1) return { refused: 'The client certificate names several organizations; ours name one.' };
  const organization = facts.organizations[0] ?? '';
  if (organization === GROUP_NODES) return nodeOf(commonName);
  if (organization === GROUP_HOSTS) return hostOf(commonName);
  if (RESERVED.test(commonName))
    return { refused: `The client certificate's name ${commonName} does not fit its organization "${organization}".` };
  if (organization === GROUP_ADMINS) return { kind: 'admin', name: commonName, groups: [GROUP_ADMINS, GROUP_AUTHENTICATED] };
  if (RESERVED.test(organization)) return { refused: `The client certificate's organization ${organization} is reserved.` };
  return { kind: 'user', name: commonName, groups: [...(organization === '' ? [] : [organization]), GROUP_AUTHENTICATED] };
}

function nodeOf(commonName: string): Identity | Refused {
  const [, uid, incarnation] = NODE_NAME.exec(commonName) ?? [];
  if (uid === undefined || incarnation === undefined) return { refused: `${commonName} is not the name of a node.` };
  return { kind: 'node', name: commonName, groups: [GROUP_NODES, GROUP_AUTHENTICATED], node: { uid, incarnation: Number(incarnation) } };
}

function hostOf(commonName: string): Identity | Refused {
  const host = HOST_NAME.exec(commonName)?.[1];
  if (host === undefined) return { refused: `${commonName} is not the name of a host.` };
  return { kind: 'host', name: commonName, groups: [GROUP_HOSTS, GROUP_AUTHENTICATED], host };
}
