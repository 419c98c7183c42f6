/**
 * Where sites pull their license: POST /outrigger/v1/license by a node, and POST /outrigger/v1/license/rotate-key by an administrator.
 *
 *   {serial?, term, site?, use?, nonce?} → {token}        or a refusal whose message is a sentence for a person
 *
 * The caller is known by its certificate; what it says about itself decides nothing. The sync is written into UniversalLicense.status first, by
 * compare-and-swap; the revision of that write is the statement's serial, so serials grow with every sync, over all directors and across restores.
 *
 * I1: a statement is signed only for the cluster of the node that asks, and only while that cluster is plugged into a site with a license.
 * I2: no license assigned is an error, never a statement: absence takes nothing away from a site.
 */

import { ledgerAfter, readSeatUse } from '../../decide/license-ledger.ts';
import { isJsonObject } from '../../model/json.ts';
import type { JsonObject } from '../../model/json.ts';
import { LIMITS } from '../../model/limits.ts';
import { LICENSE_NONCE } from '../../model/license-statement.ts';
import type { LicenseStatement, SeatUse } from '../../model/license-statement.ts';
import { API_GROUP } from '../../model/resource.ts';
import type { SiteSpec, SiteStatus } from '../../model/site.ts';
import type { UniversalLicenseSpec } from '../../model/universal-license.ts';
import type { Log } from '../../ports/log.ts';
import type { EntityKey, StoredEntity } from '../../ports/store.ts';
import {
  badRequestStatus,
  conflictStatus,
  forbiddenStatus,
  methodStatus,
  notFoundStatus,
  tooManyStatus,
  unauthorizedStatus,
} from '../auth/answer.ts';
import { isRefused } from '../auth/identity.ts';
import type { AuthAnswer, Authenticator, OwnRequest } from '../auth/identity.ts';
import { numberOf } from '../auth/relations.ts';
import type { NodeFacts, Relations } from '../auth/relations.ts';
import { part, replaceObject, text, timeText } from '../auth/stored-object.ts';
import { openLicenseTime, EARNEST_DAY_MS } from './license-day.ts';
import type { LicenseTime } from './license-day.ts';
import { createRateLimit } from './rate-limit.ts';
import type { RateLimit } from './rate-limit.ts';
import { openSigningKeys } from './signing-keys.ts';
import type { KeyParts, SigningKeys } from './signing-keys.ts';

export interface DeskParts extends KeyParts {
  readonly log: Log;
  readonly authenticator: Authenticator;
  readonly relations: Relations;
  /** How long a day of license time takes. */
  readonly dayMs: number;
}

export interface LicenseDesk {
  sync(request: OwnRequest, signal: AbortSignal): Promise<AuthAnswer>;
  rotate(request: OwnRequest, signal: AbortSignal): Promise<AuthAnswer>;
}

interface Desk extends DeskParts {
  readonly keys: SigningKeys;
  readonly time: LicenseTime;
  readonly limit: RateLimit;
}

const HOUR_MS = 3600 * 1000;
const DAY_MS = 24 * HOUR_MS;

/** Makes the first signing key where there is none. `signal` ends what goes on in the background. */
export async function openLicenseDesk(parts: DeskParts, signal: AbortSignal): Promise<LicenseDesk> {
  const desk: Desk = {
    ...parts,
    keys: await openSigningKeys(parts, signal),
    time: await openLicenseTime(parts, parts.dayMs, signal),
    // Where days are short, syncs come often: three a day are not too many.
    limit: createRateLimit(parts.clock, Math.max(LIMITS.licenseSyncsPerMinute, Math.ceil((3 * 60_000) / parts.dayMs))),
  };
  if (desk.time.rate !== 1)
    parts.log.warn('License time runs faster than it should, for people to watch; contracts end early by it.', {
      dayMs: parts.dayMs,
      licenseTime: timeText(desk.time.nowMs()),
      earnestDayMs: EARNEST_DAY_MS,
    });
  return { sync: (request, work) => sync(desk, request, work), rotate: (request, work) => rotate(desk, request, work) };
}

async function rotate({ keys, authenticator, log }: Desk, request: OwnRequest, signal: AbortSignal): Promise<AuthAnswer> {
  if (request.method !== 'POST') return methodStatus('POST');
  const identity = await authenticator.authenticate(request.credentials);
  if (isRefused(identity)) return unauthorizedStatus(identity.refused);
  if (identity.kind !== 'admin') return forbiddenStatus('Only an administrator may make another key to sign licenses with.');
  const key = await keys.rotate(signal);
  log.info('Licenses are signed with another key from now on.', { key, by: identity.name });
  return { status: 200, body: { key } };
}

// ---- a sync -----------------------------------------------------------------------------------------------------------------------------

async function sync(desk: Desk, request: OwnRequest, signal: AbortSignal): Promise<AuthAnswer> {
  if (request.method !== 'POST') return methodStatus('POST');
  const identity = await desk.authenticator.authenticate(request.credentials);
  if (isRefused(identity)) return unauthorizedStatus(identity.refused);
  if (identity.node === undefined) return forbiddenStatus('Licenses are pulled by nodes of a cluster, with the certificate of the node.');
  const waitSeconds = desk.limit(identity.node.uid);
  if (waitSeconds > 0) return tooManyStatus('This node has asked for its license too often; wait.', waitSeconds);
  const asked = readAsked(request.body);
  if (typeof asked === 'string') return badRequestStatus(asked);
  await desk.store.fresh(signal);
  const answer = await decide(desk, identity.node, asked, signal);
  const fields = { node: identity.node.uid, status: answer.status };
  if (answer.status === 200) desk.log.info('Signed a license.', { ...fields, serial: answer.body['serial'] });
  else desk.log.warn('Refused to sign a license.', { ...fields, why: answer.body['message'] });
  return answer;
}

interface Asked {
  /** uid of the site that the caller believes to be paired with; for a sentence only. */
  readonly site: string | undefined;
  readonly term: number;
  readonly use: SeatUse | undefined;
  readonly nonce: string | undefined;
}

function readAsked(body: unknown): Asked | string {
  if (!isJsonObject(body)) return 'A license is asked for by {"term": <integer>, "serial": <integer>, "site": "<uid>", "use": {…}}.';
  const term = body['term'] ?? 0;
  if (typeof term !== 'number' || !Number.isSafeInteger(term) || term < 0) return 'term must be a whole number';
  const use = body['use'] ?? undefined;
  const seats = isJsonObject(use) ? readSeatUse(use) : undefined;
  if (use !== undefined && seats === undefined)
    return 'use must have the counts concurrent, named, peakConcurrent, peakNamed and peakReset';
  const nonce = body['nonce'] ?? undefined;
  if (nonce !== undefined && (typeof nonce !== 'string' || !LICENSE_NONCE.test(nonce)))
    return 'nonce must be a text of 16 to 64 letters, digits, - and _';
  const site = body['site'];
  return { site: typeof site === 'string' ? site : undefined, term, use: seats, nonce };
}

interface Entitled {
  readonly node: NodeFacts;
  readonly site: StoredEntity;
  readonly license: StoredEntity;
}

const ROUNDS = 16;

async function decide(
  desk: Desk,
  caller: { readonly uid: string; readonly incarnation: number },
  asked: Asked,
  signal: AbortSignal,
): Promise<AuthAnswer> {
  for (let round = 0; round < ROUNDS; round++) {
    const entitled = entitlement(desk, caller, asked);
    if ('status' in entitled) return entitled;
    const nowMs = desk.time.nowMs();
    const outcome = await replaceObject(desk.store, entitled.license, recorded(desk, entitled, asked, nowMs), signal);
    if (outcome.ok) return await signed(desk, entitled, outcome.entity.revision, asked.nonce);
    await desk.store.fresh(signal);
  }
  return tooManyStatus('The license was changed by others at each try; try again.', 1);
}

/** What the caller's cluster is entitled to, or why it is not. */
function entitlement(desk: Desk, caller: { readonly uid: string; readonly incarnation: number }, asked: Asked): Entitled | AuthAnswer {
  const node = desk.relations.node(caller.uid);
  if (node === undefined) return forbiddenStatus(`There is no ClusterNode with uid ${caller.uid} here; go on as you are.`);
  const unfit = unfitNode(desk, node, caller.incarnation, asked.term);
  if (unfit !== undefined) return forbiddenStatus(unfit);
  const cluster = ours(desk, 'clusters', node.namespace, node.cluster)?.object();
  const siteName = text(part(cluster, 'spec')['site']);
  if (siteName === undefined)
    return conflictStatus(`Cluster ${node.namespace}/${node.cluster} has no site, and licenses are given to sites: name one in spec.site.`);
  const site = ours(desk, 'sites', node.namespace, siteName);
  if (site === undefined) return notFoundStatus(`Site ${node.namespace}/${siteName} of cluster ${node.cluster} does not exist; create it.`);
  const plugged = (part(site.object(), 'status') as SiteStatus).cluster;
  if (plugged?.uid !== node.clusterUid)
    return conflictStatus(
      `Site ${node.namespace}/${siteName} is not paired with cluster ${node.cluster} yet${plugged === undefined ? '' : `, but with ${plugged.name}`}; pair it first (outrigger site pair).`,
    );
  const name = (part(site.object(), 'spec') as SiteSpec).license;
  if (name === undefined)
    return conflictStatus(`No license is assigned to site ${node.namespace}/${siteName}: name a UniversalLicense in its spec.license.`);
  const license = ours(desk, 'universallicenses', node.namespace, name);
  if (license === undefined || text(part(license.object(), 'metadata')['deletionTimestamp']) !== undefined)
    return notFoundStatus(
      `UniversalLicense ${node.namespace}/${name}, which site ${siteName} names, does not exist; create it or name another.`,
    );
  return { node, site, license };
}

function unfitNode({ relations }: Desk, node: NodeFacts, incarnation: number, term: number): string | undefined {
  if (incarnation !== node.incarnation)
    return `${node.name} is known here at incarnation ${node.incarnation}, and this is incarnation ${incarnation}.`;
  if (node.retired || node.deleting) return `${node.name} is to go, so no license is signed for it.`;
  const cluster = relations.cluster(node.namespace, node.cluster);
  if (cluster === undefined || cluster.uid !== node.clusterUid) return `The cluster ${node.cluster} of ${node.name} is gone.`;
  if (cluster.term > term) return `Term ${term} is below the recorded term ${cluster.term}: another primary has taken over.`;
  return undefined;
}

function ours({ store }: Desk, resource: string, namespace: string, name: string): StoredEntity | undefined {
  const key: EntityKey = { group: API_GROUP, resource, namespace, name };
  return store.get(key);
}

/** The license with this sync in its status. */
function recorded(desk: Desk, { node, site, license }: Entitled, { use }: Asked, nowMs: number): JsonObject {
  const object = license.object();
  const spec = part(object, 'spec') as unknown as UniversalLicenseSpec;
  const status = ledgerAfter(
    {
      spec,
      generation: numberOf(part(object, 'metadata')['generation']),
      status: part(object, 'status'),
      sites: sitesNaming(desk, license),
    },
    { site: site.key.name, siteUid: site.uid, clusterUid: node.clusterUid, syncedAt: timeText(nowMs), use },
    timeText(desk.clock.nowMs()),
  );
  return { ...object, status };
}

function sitesNaming({ store }: Desk, license: StoredEntity): ReadonlyMap<string, string> {
  const sites = store.list(API_GROUP, 'sites', license.key.namespace);
  return new Map(
    sites.flatMap((site) =>
      text(part(site.object(), 'spec')['license']) === license.key.name ? [[site.key.name, site.uid] as const] : [],
    ),
  );
}

async function signed(desk: Desk, { node, site, license }: Entitled, serial: number, nonce: string | undefined): Promise<AuthAnswer> {
  const spec = part(license.object(), 'spec') as unknown as UniversalLicenseSpec;
  const statement: LicenseStatement = {
    iss: 'outrigger',
    typ: 'universal-license',
    serial,
    ...(nonce === undefined ? {} : { nonce }),
    licenseMs: desk.time.nowMs(),
    trustedMs: desk.clock.nowMs(),
    rate: desk.time.rate,
    site: { namespace: node.namespace, name: site.key.name, uid: site.uid },
    clusterUid: node.clusterUid,
    license: {
      name: license.key.name,
      uid: license.uid,
      edition: spec.edition,
      seats: spec.seats,
      model: spec.model,
      startMs: since1970(spec.start),
      endMs: since1970(spec.end),
      syncPeriodMs: spec.syncPeriodHours * HOUR_MS,
      syncGraceMs: spec.syncGraceDays * DAY_MS,
      contractGraceMs: spec.contractGraceDays * DAY_MS,
      onExpiry: spec.onExpiry,
      peakReset: spec.peakReset,
    },
  };
  const key = await desk.keys.current();
  return { status: 200, body: { token: await key.sign(statement), serial } };
}

/** Statements know no time before 1970; what began or ended earlier did so then, or sites would not read it. */
function since1970(time: string): number {
  return Math.max(0, Date.parse(time));
}
