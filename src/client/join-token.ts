/**
 * Makes join tokens: writes the Secret that a director checks, and returns the text that is handed to whoever shall join.
 *
 * I1: the Secret holds a hash; the secret itself is only in the text returned.
 */

import { BOOTSTRAP_TOKEN_TYPE, tokenData, tokenSecretName, tokenText } from '../model/bootstrap-token.ts';
import type { TokenBearer } from '../model/bootstrap-token.ts';
import type { Secret } from '../model/core-kinds.ts';
import { SECRETS } from '../model/core-kinds.ts';
import { LIMITS } from '../model/limits.ts';
import type { OwnerReference } from '../model/resource.ts';
import type { Answer, EntityApi } from '../ports/api.ts';
import type { NewJoinSecret } from '../ports/join-secret.ts';

export interface JoinTokenOrder {
  /** A node's own namespace, or outrigger-system for a host. */
  readonly namespace: string;
  readonly bearer: TokenBearer;
  /** Wall time in ms since 1970. */
  readonly nowMs: number;
  readonly ttlMs?: number;
  /** The token goes when this object goes. */
  readonly owner?: OwnerReference;
}

/** The token's text, `<namespace>.<id>.<secret>`. */
export async function createJoinToken(
  api: EntityApi,
  newSecret: NewJoinSecret,
  order: JoinTokenOrder,
  signal: AbortSignal,
): Promise<Answer<string>> {
  const { id, secret, hash } = newSecret();
  const { namespace, bearer, owner } = order;
  const expiresAt = new Date(order.nowMs + (order.ttlMs ?? LIMITS.bootstrapTokenTtlMs)).toISOString();
  const data = Object.entries(tokenData({ tokenHash: hash, expiresAt, bearer })).map(([key, value]) => [key, toBase64(value)]);
  const object = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: tokenSecretName(id), namespace, ...(owner === undefined ? {} : { ownerReferences: [owner] }) },
    type: BOOTSTRAP_TOKEN_TYPE,
    data: Object.fromEntries(data) as Record<string, string>,
  };
  const answer = await api.create<Secret>(SECRETS, namespace, object, signal);
  return answer.ok ? { ok: true, value: tokenText({ namespace, id, secret }) } : answer;
}

function toBase64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
