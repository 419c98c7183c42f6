/**
 * The director's own paths of identity: `/outrigger/v1/join`, `/renew`, `/hello` and `/tombstones`.
 *
 * POST join  {token, csr}      → {certificate, ca, notAfter, era}   open to everybody who holds a token; of a node's token, with what it is: node
 *            machine: {name, now, holds?}                           what a machine says of itself on which a person runs `outrigger agent join`
 * POST renew {csr}             → the same                           by the old certificate, expired or not
 * POST hello {era, revision}   → {era, revision, version, sighting} by anybody with an identity
 * POST tombstones {uids}       → {era, tombstones}                  by hosts (tombstones.ts)
 *
 * I1: bodies are bounded and checked before anything is looked up.
 * I2: only the director's own kind (nodes, hosts, admins, extension servers) can make it begin another era.
 */

import { isJsonObject } from '../../model/json.ts';
import type { Json, JsonObject } from '../../model/json.ts';
import { isMachineName } from '../../model/joined-machine.ts';
import { LIMITS } from '../../model/limits.ts';
import type { Log } from '../../ports/log.ts';
import type { Era } from '../../ports/store.ts';
import type { RequestFacts } from '../../ports/x509.ts';
import { badRequestStatus, methodStatus, notFoundStatus, tooManyStatus, unauthorizedStatus } from './answer.ts';
import { EXTENSION_ACCOUNT } from './authorizer.ts';
import { isRefused, SYSTEM_NAMESPACE } from './identity.ts';
import type { AuthAnswer, Authenticator, Identity, OwnPaths, OwnRequest, OwnRoute } from './identity.ts';
import { join, renew } from './join.ts';
import type { JoiningMachine, JoinParts } from './join.ts';
import { serviceAccountName } from './rbac.ts';
import { createRefusalLimit } from './refusal-limit.ts';
import type { RefusalLimit } from './refusal-limit.ts';
import { part, text } from './stored-object.ts';
import { answerTombstones, TOMBSTONES_PATH } from './tombstones.ts';

/** A P-256 request is 0.4 kB in PEM; larger keys are refused anyway. */
const REQUEST_CHARACTERS = 8192;
const TOKEN_CHARACTERS = 256;
/** `<namespace>/<name>`, as it is shown again. */
const NODE_TEXT = /^[a-z0-9/-]{1,127}$/;
const ERA_ID = /^[0-9A-Za-z-]{1,64}$/;

export interface OwnPathParts extends JoinParts {
  readonly authenticator: Authenticator;
  readonly log: Log;
  /** Of this program. */
  readonly version: string;
}

interface Door {
  readonly parts: OwnPathParts;
  readonly limit: RefusalLimit;
  underWay: number;
}

export function createOwnPaths(parts: OwnPathParts): OwnPaths {
  const door: Door = { parts, limit: createRefusalLimit(parts.clock), underWay: 0 };
  const added = new Map<string, OwnRoute>();
  return {
    handle: (request, signal) => added.get(request.path)?.(request, signal) ?? handle(door, request, signal),
    add: (path, route) => void added.set(path, route),
  };
}

async function handle(door: Door, request: OwnRequest, signal: AbortSignal): Promise<AuthAnswer> {
  if (request.method !== 'POST') return methodStatus('POST');
  if (request.path === '/outrigger/v1/hello') return hello(door.parts, request, signal);
  if (request.path === TOMBSTONES_PATH) return answerTombstones(door.parts, request, signal);
  if (request.path !== '/outrigger/v1/join' && request.path !== '/outrigger/v1/renew')
    return notFoundStatus(`there is nothing at ${request.path}`);
  const waitSeconds = door.limit.waitSeconds(request.remoteAddress);
  if (waitSeconds > 0) return tooManyStatus('Too many refused attempts from this address; wait a minute.', waitSeconds);
  if (door.underWay >= LIMITS.joinsUnderWay) return tooManyStatus('Too many machines join at this moment; try again.', 1);
  door.underWay++;
  try {
    const answer = await certify(door, request, signal);
    report(door, request, answer);
    return answer;
  } finally {
    door.underWay--;
  }
}

async function certify({ parts }: Door, request: OwnRequest, signal: AbortSignal): Promise<AuthAnswer> {
  const body = isJsonObject(request.body ?? null) ? (request.body as JsonObject) : {};
  const csr = await readRequest(parts, body['csr']);
  if ('status' in csr) return csr;
  if (request.path === '/outrigger/v1/renew') {
    const { peerCertificate } = request.credentials;
    return renew(parts, typeof peerCertificate === 'function' ? peerCertificate() : peerCertificate, csr);
  }
  const token = text(body['token']) ?? '';
  if (token.length === 0 || token.length > TOKEN_CHARACTERS)
    return badRequestStatus('token must be the text that `outrigger token create` printed');
  const machine = readMachine(body['machine']);
  if (machine === 'damaged') return badRequestStatus('machine takes {"name": <text>, "now": <ms since 1970>, "holds": {"uid", "name"}}');
  return join(parts, token, csr, machine, signal);
}

function readMachine(body: Json | undefined): JoiningMachine | undefined | 'damaged' {
  if (body === undefined) return undefined;
  if (!isJsonObject(body)) return 'damaged';
  const [name, nowMs] = [text(body['name']), body['now']];
  if (name === undefined || !isMachineName(name) || !isCount(nowMs)) return 'damaged';
  if (body['holds'] === undefined) return { name, nowMs };
  const holds = part(body, 'holds');
  const [uid, node] = [text(holds['uid']), text(holds['name'])];
  return uid === undefined || node === undefined || !NODE_TEXT.test(node) ? 'damaged' : { name, nowMs, holds: { uid, name: node } };
}

async function readRequest(parts: OwnPathParts, csr: Json | undefined): Promise<RequestFacts | AuthAnswer> {
  if (typeof csr !== 'string' || csr.length > REQUEST_CHARACTERS)
    return badRequestStatus('csr must be a PKCS#10 certificate request in PEM');
  const request = await parts.x509.readRequest(csr);
  return 'refused' in request ? badRequestStatus(request.refused) : request;
}

/** Neither token nor certificate is logged. */
function report({ parts, limit }: Door, request: OwnRequest, answer: AuthAnswer): void {
  const fields = { path: request.path, remoteAddress: request.remoteAddress };
  if (answer.status === 200) return parts.log.info('Signed a certificate.', fields);
  limit.refused(request.remoteAddress);
  parts.log.warn('Refused to sign a certificate.', { ...fields, status: answer.status, why: answer.body['message'] });
}

async function hello(parts: OwnPathParts, request: OwnRequest, signal: AbortSignal): Promise<AuthAnswer> {
  const identity = await parts.authenticator.authenticate(request.credentials);
  if (isRefused(identity)) return unauthorizedStatus(identity.refused);
  const claim = readClaim(request.body);
  if (claim === 'damaged') return badRequestStatus('hello takes {"era": {"number": <integer>, "id": "<text>"}, "revision": <integer>}');
  const sighting = claim === undefined || !maySight(identity) ? undefined : await parts.store.observeEra(claim.era, claim.revision, signal);
  if (sighting === 'implausible') return badRequestStatus('no store can have served that era and revision');
  if (sighting === 'opened' || sighting === 'foreign')
    parts.log.warn('A caller knows another life of this store.', { caller: identity.name, sighting });
  const { number, id } = parts.store.era();
  const body = { era: { number, id }, revision: parts.store.revision(), version: parts.version };
  return { status: 200, body: sighting === undefined ? body : { ...body, sighting } };
}

function maySight(identity: Identity): boolean {
  if (identity.kind === 'node' || identity.kind === 'host' || identity.kind === 'admin') return true;
  return identity.name === serviceAccountName(SYSTEM_NAMESPACE, EXTENSION_ACCOUNT);
}

/** Undefined: the caller has seen no era yet. */
function readClaim(body: Json | undefined): { readonly era: Era; readonly revision: number } | undefined | 'damaged' {
  if (body === undefined || body === null) return undefined;
  if (!isJsonObject(body)) return 'damaged';
  if (body['era'] === undefined || body['era'] === null) return undefined;
  const era = part(body, 'era');
  const [number, id, revision] = [era['number'], text(era['id']), body['revision'] ?? 0];
  if (!isCount(number) || !isCount(revision) || id === undefined || !ERA_ID.test(id)) return 'damaged';
  return { era: { number, id }, revision };
}

function isCount(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
