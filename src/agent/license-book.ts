/**
 * What of the license comes from outside is verified here before the machine hears of it: signature, CA, cluster, site, serial.
 *
 * I1: what is tampered with, cut short, for another site or cluster, or older than what is held is answered with a sentence, and changes nothing.
 */

import { readRecord } from '../decide/license-claims.ts';
import { refusalOf } from '../decide/license-keeper.ts';
import type { LicenseRecord, LicenseStatement } from '../model/license-statement.ts';
import type { AgentDeps } from './deps.ts';

type BookDeps = Pick<AgentDeps, 'identity' | 'readLicenseToken' | 'node'>;

/** The statement in a token that is genuine, or a sentence. */
async function verifiedStatement(deps: BookDeps, token: string): Promise<LicenseStatement | string> {
  const identity = await deps.identity.load();
  if (identity === undefined) return 'This node has not joined yet, so it cannot know whether the license is genuine.';
  const read = deps.readLicenseToken(token, identity.authority);
  return read.ok ? read.statement : read.why;
}

/** The statement in the answer to the request that bore `nonce`, or a sentence. */
export async function verifiedAnswer(deps: BookDeps, token: string, nonce: string): Promise<LicenseStatement | string> {
  const statement = await verifiedStatement(deps, token);
  if (typeof statement === 'string' || statement.nonce === nonce) return statement;
  return 'The license was not signed for this request, but is the answer to another one that somebody kept; it was not used.';
}

/**
 * The record of another node of the cluster, verified as if nobody had done so before; or a sentence. The site is not judged: the other node has done it,
 * and may know before this one (which may reach no director now) that the cluster was paired with another one.
 */
export async function verifiedRecord(deps: BookDeps, body: unknown, own: LicenseRecord | undefined): Promise<LicenseRecord | string> {
  const sent = readRecord(body);
  if (typeof sent === 'string') return sent;
  const statement = own?.token === sent.token ? own.statement : await verifiedStatement(deps, sent.token);
  if (typeof statement === 'string') return statement;
  const foreign = refusalOf(statement, { clusterUid: deps.node.clusterUid, siteUid: undefined, heldSerial: undefined });
  if (foreign !== undefined) return foreign;
  if (own !== undefined && statement.serial < own.statement.serial)
    return `The license has the serial ${statement.serial}, and ${own.statement.serial} is held here already; it was not used.`;
  // What it says of the statement counts for nothing beside the token.
  return { token: sent.token, statement, since: sent.since };
}
