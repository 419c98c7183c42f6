/**
 * POST /outrigger/v1/tombstones {uids} → {era, tombstones: [{uid, revision, era}]}: what hosts ask before they stop a node that is not there
 * any more; and what a joined machine asks about its own node.
 *
 * That an object is not there says nothing: this director may have been restored from an older copy. Its tombstone says that somebody deleted it.
 *
 * I1: the answer is linearizable, and names the era that it was given in.
 * I2: only hosts that this director knows are answered, about nothing but uids; a node is answered about its own uid alone.
 */

import { isJsonObject } from '../../model/json.ts';
import type { Json, JsonObject } from '../../model/json.ts';
import { LIMITS } from '../../model/limits.ts';
import type { EntityStore, Era, Tombstone } from '../../ports/store.ts';
import { badRequestStatus, forbiddenStatus, unauthorizedStatus } from './answer.ts';
import { isRefused } from './identity.ts';
import type { AuthAnswer, Authenticator, Identity, OwnRequest } from './identity.ts';
import type { Relations } from './relations.ts';

export const TOMBSTONES_PATH = '/outrigger/v1/tombstones';

const UID = /^[0-9A-Za-z-]{1,63}$/;

export interface TombstoneParts {
  readonly store: Pick<EntityStore, 'era' | 'fresh' | 'tombstone'>;
  readonly authenticator: Authenticator;
  readonly relations: Relations;
}

export async function answerTombstones(parts: TombstoneParts, request: OwnRequest, signal: AbortSignal): Promise<AuthAnswer> {
  const identity = await parts.authenticator.authenticate(request.credentials);
  if (isRefused(identity)) return unauthorizedStatus(identity.refused);
  const uids = readUids(request.body);
  const why = notAnswered(parts, identity, uids ?? []);
  if (why !== undefined) return forbiddenStatus(why);
  if (uids === undefined) return badRequestStatus(`tombstones takes {"uids": [<uid>, …]}, at most ${LIMITS.tombstonesAsked}`);
  await parts.store.fresh(signal);
  const found = await Promise.all(uids.map((uid) => parts.store.tombstone(uid, signal)));
  const tombstones = found.filter((one) => one !== undefined).map(shown);
  return { status: 200, body: { era: eraOf(parts.store.era()), tombstones } };
}

function notAnswered({ relations }: TombstoneParts, { host, node }: Identity, uids: readonly string[]): string | undefined {
  // Whoever holds its certificate may know whether it was deleted, also where this director does not know it any more.
  if (node !== undefined) return uids.every((uid) => uid === node.uid) ? undefined : 'a node asks for its own tombstone only';
  if (host === undefined) return 'only hosts, and joined machines about themselves, ask for tombstones';
  return relations.host(host) === undefined ? `this director knows no Host ${host}; go on as you are` : undefined;
}

function shown({ uid, revision, era }: Tombstone): JsonObject {
  return { uid, revision, era: eraOf(era) };
}

function eraOf({ number, id }: Era): JsonObject {
  return { number, id };
}

function readUids(body: Json | undefined): readonly string[] | undefined {
  const uids = isJsonObject(body ?? null) ? (body as JsonObject)['uids'] : undefined;
  if (!Array.isArray(uids) || uids.length > LIMITS.tombstonesAsked) return undefined;
  const texts = uids.filter((uid): uid is string => typeof uid === 'string' && UID.test(uid));
  return texts.length === uids.length ? texts : undefined;
}
