/**
 * How a machine gets its certificates: joining by a single-use token, renewing by the certificate it has.
 *
 * The subject of a request is ignored: what the certificate says is decided by the token, or by the old certificate.
 *
 * I1: one token, one certificate: of several requests at once exactly one wins, by compare-and-swap on the token's Secret.
 * I2: the same request again gets the same certificate, so that a lost answer is no dead end.
 * I3: unknown and wrong tokens are refused with the same sentence; that a token is expired or used hears only who knows all of it.
 * I4: a certificate is given only for a node that is there, is wanted, and whose incarnation is not newer than the one asked for; or a Host that is there.
 * I5: what a joined machine says of itself is judged before its token is spent: another machine's node, a host's node, another node in its folder, and a
 *     clock that is far off are refused, and the token still holds.
 * I6: a revoked certificate is not renewed, or whoever stole it would be rid of the revocation.
 */

import { timingSafeEqual } from 'node:crypto';
import { parseToken, readTokenFields, tokenData, tokenSecretName } from '../../model/bootstrap-token.ts';
import type { BootstrapToken, TokenBearer, TokenFields } from '../../model/bootstrap-token.ts';
import { holderText, machineHolding } from '../../model/joined-machine.ts';
import type { JsonObject } from '../../model/json.ts';
import { LIMITS } from '../../model/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EntityStore, StoredEntity } from '../../ports/store.ts';
import type { CertificateIssuer, RequestFacts } from '../../ports/x509.ts';
import { forbiddenStatus } from './answer.ts';
import type { Issued, StoreAuthority } from './authority.ts';
import { isRefused, SYSTEM_NAMESPACE } from './identity.ts';
import type { AuthAnswer, Identity } from './identity.ts';
import type { NodeFacts, Relations } from './relations.ts';
import { sha256 } from './service-account.ts';
import { replaceObject, secretData, secretKey, text, timeText } from './stored-object.ts';
import { identityOf } from './subject.ts';

/** What a machine that joins by hand says of itself. */
export interface JoiningMachine {
  readonly name: string;
  /** Its wall clock. */
  readonly nowMs: number;
  /** The node that its folder holds already, for a sentence. */
  readonly holds?: { readonly uid: string; readonly name: string };
}

export interface JoinParts {
  readonly store: EntityStore;
  readonly clock: Clock;
  readonly x509: CertificateIssuer;
  readonly authority: StoreAuthority;
  readonly relations: Relations;
}

const NO_GOOD =
  'This token lets nobody join: this director knows none like it. Copy the whole of what outrigger token create printed, or create another one.';
const USED =
  'This token was used already, by another machine or by an earlier try whose key is lost. Each lets one machine in, once: create another one.';
/** Compare-and-swap rounds: somebody else's change of the Secret's labels must not cost a join. */
const ROUNDS = 3;
/** Compared with when there is no token of that id, so that both cases take the same time. */
const NO_HASH = '0'.repeat(64);

/** `token` as its bearer gave it, `request` checked. `machine`: what a joined machine says of itself; absent: an agent or host daemon asks. */
export async function join(
  parts: JoinParts,
  token: string,
  request: RequestFacts,
  machine: JoiningMachine | undefined,
  signal: AbortSignal,
): Promise<AuthAnswer> {
  const parsed = parseToken(token);
  const requestHash = sha256(request.der);
  await parts.store.fresh(signal);
  for (let round = 0; round < ROUNDS; round++) {
    const found = parsed === undefined ? undefined : findToken(parts, parsed);
    if (!matches(found?.fields, parsed) || found === undefined || parsed === undefined) return forbiddenStatus(NO_GOOD);
    if (found.fields.usedBy !== undefined) return repeated(parts, found.fields, requestHash);
    const nowMs = parts.clock.nowMs();
    if (Date.parse(found.fields.expiresAt) <= nowMs) return forbiddenStatus(expiredText(found.fields.expiresAt, nowMs));
    const { bearer } = found.fields;
    const why =
      unwanted(parts.relations, parsed.namespace, bearer) ?? wrongMachine(parts.relations, parsed.namespace, bearer, machine, nowMs);
    if (why !== undefined) return forbiddenStatus(why);
    const issued = await issue(parts, found.fields.bearer, request);
    const outcome = await replaceObject(parts.store, found.secret, usedSecret(found, requestHash, issued), signal);
    if (outcome.ok) return certificateAnswer(parts, issued.certificatePem, issued.notAfterMs, bearer);
    if (outcome.reason !== 'stale') return forbiddenStatus(NO_GOOD);
  }
  return forbiddenStatus(NO_GOOD);
}

interface FoundToken {
  readonly secret: StoredEntity;
  readonly fields: TokenFields;
}

function findToken({ store }: JoinParts, token: BootstrapToken): FoundToken | undefined {
  const secret = store.get(secretKey(token.namespace, tokenSecretName(token.id)));
  if (secret === undefined) return undefined;
  const object = secret.object();
  const fields = readTokenFields(text(object['type']), secretData(object));
  return fields === undefined ? undefined : { secret, fields };
}

function matches(fields: TokenFields | undefined, token: BootstrapToken | undefined): boolean {
  const stored = Buffer.from(fields?.tokenHash ?? NO_HASH, 'latin1');
  const given = Buffer.from(sha256(token?.secret ?? ''), 'latin1');
  return timingSafeEqual(stored, given) && fields !== undefined && token !== undefined;
}

/** The token was used: by this very request, then its certificate again; else as if there were none. */
function repeated(parts: JoinParts, fields: TokenFields, requestHash: string): AuthAnswer {
  const { usedBy = '', certificate = '', bearer } = fields;
  const facts = parts.x509.read(certificate);
  // Whoever may write Secrets could have put another text there.
  const ours = facts !== undefined && parts.x509.isIssuedBy(certificate, parts.authority.certificatePem);
  if (usedBy !== requestHash || !ours) return forbiddenStatus(USED);
  return certificateAnswer(parts, certificate, facts.notAfterMs, bearer);
}

/** Why nobody may have a certificate for the bearer now. Only who holds a good token hears this. */
function unwanted(relations: Relations, namespace: string, bearer: TokenBearer): string | undefined {
  if (bearer.kind === 'host') {
    if (namespace !== SYSTEM_NAMESPACE) return NO_GOOD;
    return relations.host(bearer.name) === undefined ? `There is no Host ${bearer.name}. Create it, then join again.` : undefined;
  }
  const node = relations.nodeAt(namespace, bearer.name);
  if (node === undefined || node.uid !== bearer.uid) return `The ClusterNode ${bearer.name} that this token is for is gone.`;
  if (node.deleting || node.retired) return `The ClusterNode ${bearer.name} is to go, so nobody may join as it.`;
  if (node.incarnation === bearer.incarnation) return undefined;
  return `The ClusterNode ${bearer.name} is at incarnation ${node.incarnation}; this token was for ${bearer.incarnation}. Create another one.`;
}

/** What stands against this very machine (I5); a sentence. */
function wrongMachine(
  relations: Relations,
  namespace: string,
  bearer: TokenBearer,
  machine: JoiningMachine | undefined,
  nowMs: number,
): string | undefined {
  if (bearer.kind === 'host')
    return machine === undefined
      ? undefined
      : `This token is for the host daemon of ${bearer.name}, not for a node: outrigger host --host-name ${bearer.name}.`;
  const node = relations.nodeAt(namespace, bearer.name);
  if (node === undefined) return undefined;
  const { name } = node;
  if (machine === undefined)
    return node.machine === 'Joined' ? `${name} waits for a machine that joins with outrigger agent join, as its token says.` : undefined;
  if (node.machine !== 'Joined')
    return `${name} is run by a host, because its cluster has spec.nodes: Provisioned; machines join only clusters with spec.nodes: Joined.`;
  const offMs = machine.nowMs - nowMs;
  if (Math.abs(offMs) > LIMITS.joinClockOffMs)
    return `The clock of this machine says ${timeText(machine.nowMs)}, the director's says ${timeText(nowMs)}: ${Math.round(Math.abs(offMs) / 60_000)} min apart. Set this machine's clock (timedatectl set-ntp true), then run the same command again.`;
  const holder = machineHolding(node.host);
  if (node.host !== undefined && holder !== machine.name)
    return `${namespace}/${name} is held by ${holderText(node.host)} already, and this is ${machine.name}. If that one is off for good: outrigger node confirm-dead ${name} -n ${namespace}, then create another token.`;
  if (machine.holds === undefined || machine.holds.uid === node.uid) return undefined;
  return `The folder of this machine holds the node ${machine.holds.name}, and this token is for ${namespace}/${name}. Give another --data, or end that node first.`;
}

function expiredText(expiresAt: string, nowMs: number): string {
  return `This token expired at ${timeText(Date.parse(expiresAt))}; the director's clock says ${timeText(nowMs)}. Create another one, and look at the clock of the machine that makes tokens when it was new.`;
}

function issue({ authority, relations }: JoinParts, bearer: TokenBearer, request: RequestFacts): Promise<Issued> {
  if (bearer.kind === 'host') return authority.issueHost(bearer.name, request.publicKeyDer);
  return authority.issueNode(bearer.uid, bearer.incarnation, request.publicKeyDer, relations.node(bearer.uid)?.revokedBeforeMs);
}

function usedSecret({ secret, fields }: FoundToken, requestHash: string, issued: Issued): ReturnType<StoredEntity['object']> {
  const data = Object.entries(tokenData({ ...fields, usedBy: requestHash, certificate: issued.certificatePem }));
  return {
    ...secret.object(),
    data: Object.fromEntries(data.map(([name, value]) => [name, Buffer.from(value, 'utf8').toString('base64')])),
  };
}

/** With what the bearer of a node's token has to know of that node. */
function certificateAnswer(
  { store, authority, relations }: JoinParts,
  certificate: string,
  notAfterMs: number,
  bearer?: TokenBearer,
): AuthAnswer {
  const { number, id } = store.era();
  const node = bearer?.kind === 'node' ? relations.node(bearer.uid) : undefined;
  const body = { certificate, ca: authority.certificatePem, notAfter: timeText(notAfterMs), era: { number, id } };
  return {
    status: 200,
    body: node === undefined || bearer?.kind !== 'node' ? body : { ...body, node: nodeText(node, bearer.incarnation) },
  };
}

function nodeText({ namespace, name, uid, cluster, clusterUid, attempt, role }: NodeFacts, incarnation: number): JsonObject {
  return { namespace, name, uid, incarnation, cluster, clusterUid, attempt, role };
}

/** `certificate`: what the caller showed in the TLS handshake, which proved that it holds the key; it may have expired. */
export async function renew(parts: JoinParts, certificate: Uint8Array | undefined, request: RequestFacts): Promise<AuthAnswer> {
  const renewed = renewing(parts, certificate);
  if (typeof renewed === 'string') return forbiddenStatus(renewed);
  const { identity, notBeforeMs } = renewed;
  const why = notRenewed(parts.relations, identity, notBeforeMs);
  if (why !== undefined) return forbiddenStatus(why);
  const { node, host } = identity;
  const bearer: TokenBearer = node === undefined ? { kind: 'host', name: host ?? '' } : { kind: 'node', name: '', ...node };
  const issued = await issue(parts, bearer, request);
  return certificateAnswer(parts, issued.certificatePem, issued.notAfterMs);
}

/** Whose certificate it is; a sentence when it cannot be renewed. */
function renewing(
  { x509, authority, clock }: JoinParts,
  certificate: Uint8Array | undefined,
): { readonly identity: Identity; readonly notBeforeMs: number } | string {
  const facts = certificate === undefined ? undefined : x509.read(certificate);
  if (certificate === undefined || facts === undefined) return 'Renewing needs the old client certificate in the TLS handshake.';
  if (!x509.isIssuedBy(certificate, authority.certificatePem) || !facts.clientAuth)
    return "The client certificate was not signed by this director's authority. Join again with a new token.";
  const nowMs = clock.nowMs();
  if (nowMs < facts.notBeforeMs) return 'The client certificate is not valid yet; compare the clocks.';
  if (nowMs - facts.notAfterMs > LIMITS.renewalAcceptedMs)
    return 'The client certificate expired more than 400 days ago. Join again with a new token.';
  const identity = identityOf(facts);
  if (isRefused(identity)) return identity.refused;
  if (identity.kind === 'node' || identity.kind === 'host') return { identity, notBeforeMs: facts.notBeforeMs };
  return 'Only nodes and hosts renew their certificates here; a director writes new kubeconfigs at its start.';
}

function notRenewed(relations: Relations, { node, host }: Identity, notBeforeMs: number): string | undefined {
  if (node === undefined)
    return relations.host(host ?? '') === undefined ? `This director knows no Host ${host}; go on as you are.` : undefined;
  const known = relations.node(node.uid);
  if (known === undefined) return `This director knows no ClusterNode with uid ${node.uid}; go on as you are.`;
  if (known.revokedBeforeMs !== undefined && notBeforeMs < known.revokedBeforeMs)
    return `The certificate of ${known.name} was revoked: it proves nothing any more, and is not renewed. Its host gives it a new token; a joined machine gets one from a person.`;
  if (node.incarnation >= known.incarnation) return undefined;
  return `Incarnation ${known.incarnation} of ${known.name} has replaced incarnation ${node.incarnation}: stop its pods.`;
}
