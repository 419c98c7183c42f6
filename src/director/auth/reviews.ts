/**
 * What callers may ask about themselves, and tokens for ServiceAccounts: SelfSubjectAccessReview, SelfSubjectReview and TokenRequest.
 *
 * I1: `auth can-i` answers what `authorize` decides for the same attributes.
 */

import { isJsonObject } from '../../model/json.ts';
import type { Json, JsonObject } from '../../model/json.ts';
import { LIMITS } from '../../model/limits.ts';
import type { EntityStore } from '../../ports/store.ts';
import { badRequestStatus, notFoundStatus } from './answer.ts';
import type { Attributes, AuthAnswer, Authorizer, Identity, Reviews } from './identity.ts';
import { API_AUDIENCE } from './service-account.ts';
import type { ServiceAccountTokens } from './service-account.ts';
import { part, text, timeText } from './stored-object.ts';

const MAX_AUDIENCES = 16;
const AUTHENTICATION = 'authentication.k8s.io/v1';
const AUTHORIZATION = 'authorization.k8s.io/v1';

export interface ReviewParts {
  readonly store: EntityStore;
  readonly tokens: ServiceAccountTokens;
  readonly authorizer: Authorizer;
}

export function createReviews(parts: ReviewParts): Reviews {
  return {
    tokenRequest: (namespace, serviceAccount, body, signal) => tokenRequest(parts, namespace, serviceAccount, body, signal),
    selfSubjectAccessReview: (identity, body) => accessReview(parts.authorizer, identity, body),
    selfSubjectReview: (identity) => selfReview(identity),
  };
}

async function tokenRequest(
  { store, tokens }: ReviewParts,
  namespace: string,
  name: string,
  body: Json | undefined,
  signal: AbortSignal,
): Promise<AuthAnswer> {
  const spec = part(body, 'spec');
  const { audiences = [], expirationSeconds = LIMITS.serviceAccountTokenMs / 1000 } = spec;
  if (!Array.isArray(audiences) || audiences.length > MAX_AUDIENCES || audiences.some((one) => typeof one !== 'string' || one === '')) {
    return badRequestStatus(`spec.audiences must be at most ${MAX_AUDIENCES} names`);
  }
  if (typeof expirationSeconds !== 'number' || !Number.isSafeInteger(expirationSeconds))
    return badRequestStatus('spec.expirationSeconds must be an integer');
  if (isJsonObject(spec['boundObjectRef'] ?? null))
    return badRequestStatus('spec.boundObjectRef is not supported: tokens are bound to their ServiceAccount only');
  if (expirationSeconds * 1000 < LIMITS.serviceAccountTokenMinMs) {
    return badRequestStatus(`spec.expirationSeconds must be at least ${LIMITS.serviceAccountTokenMinMs / 1000}`);
  }
  await store.fresh(signal);
  const account = store.get({ group: '', resource: 'serviceaccounts', namespace, name });
  if (account === undefined) return notFoundStatus(`serviceaccounts "${name}" not found`);
  const wanted = audiences.length === 0 ? [API_AUDIENCE] : (audiences as string[]);
  const minted = await tokens.mint({ namespace, name, uid: account.uid }, wanted, expirationSeconds * 1000);
  return {
    status: 201,
    body: {
      kind: 'TokenRequest',
      apiVersion: AUTHENTICATION,
      metadata: { name, namespace },
      spec: { audiences: wanted, expirationSeconds },
      status: { token: minted.token, expirationTimestamp: timeText(minted.expiresAtMs) },
    },
  };
}

function accessReview(authorizer: Authorizer, identity: Identity, body: Json | undefined): AuthAnswer {
  const spec = part(body, 'spec');
  const attributes = reviewed(spec);
  if (attributes === undefined) return badRequestStatus('spec must hold either resourceAttributes or nonResourceAttributes');
  const decision = authorizer.authorize(identity, attributes);
  const status: JsonObject = decision.allowed ? { allowed: true, reason: decision.reason } : { allowed: false, reason: decision.reason };
  return { status: 201, body: { kind: 'SelfSubjectAccessReview', apiVersion: AUTHORIZATION, metadata: {}, spec, status } };
}

/** The attributes that the review asks about. What is left out is '', which matches only a rule for all (`*`). */
function reviewed(spec: JsonObject): Attributes | undefined {
  const ofPath = spec['nonResourceAttributes'] ?? null;
  const ofResource = spec['resourceAttributes'] ?? null;
  const nothing = { group: '', version: '', resource: '', namespace: '', name: '' };
  if (isJsonObject(ofPath) === isJsonObject(ofResource)) return undefined;
  if (isJsonObject(ofPath)) return { ...nothing, verb: text(ofPath['verb']) ?? '', path: text(ofPath['path']) ?? '' };
  const asked = ofResource as JsonObject;
  const field = (name: string): string => text(asked[name]) ?? '';
  return {
    verb: field('verb'),
    group: field('group'),
    version: field('version'),
    resource: field('resource'),
    ...(field('subresource') === '' ? {} : { subresource: field('subresource') }),
    namespace: field('namespace'),
    name: field('name'),
  };
}

function selfReview(identity: Identity): AuthAnswer {
  const userInfo = { username: identity.name, ...(identity.uid === undefined ? {} : { uid: identity.uid }), groups: [...identity.groups] };
  return { status: 201, body: { kind: 'SelfSubjectReview', apiVersion: AUTHENTICATION, metadata: {}, status: { userInfo } } };
}
