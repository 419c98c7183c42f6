/**
 * Makes one-time links to the console: writes the Secret that a director checks, and returns the link for the person at the terminal.
 *
 * I1: the Secret holds a hash; the code itself is only in the link returned.
 */

import { CONSOLE_LINK_TYPE, consoleData, consoleLink, linkCode, linkSecretName } from '../model/console-session.ts';
import { SECRETS } from '../model/core-kinds.ts';
import type { Secret } from '../model/core-kinds.ts';
import { LIMITS } from '../model/limits.ts';
import type { Answer, EntityApi } from '../ports/api.ts';
import type { NewJoinSecret } from '../ports/join-secret.ts';

const SYSTEM_NAMESPACE = 'outrigger-system';

export interface ConsoleLinkOrder {
  /** `https://host:port`, as a browser reaches the director. */
  readonly director: string;
  /** Wall time in ms since 1970. */
  readonly nowMs: number;
}

/** The link; it lets in once, within LIMITS.consoleLinkTtlMs, with all rights of an administrator. */
export async function createConsoleLink(
  api: EntityApi,
  newSecret: NewJoinSecret,
  { director, nowMs }: ConsoleLinkOrder,
  signal: AbortSignal,
): Promise<Answer<string>> {
  const { id, secret, hash } = newSecret();
  const expiresAt = new Date(nowMs + LIMITS.consoleLinkTtlMs).toISOString();
  const data = Object.entries(consoleData({ tokenHash: hash, expiresAt, user: 'admin' })).map(([key, value]) => [key, btoa(value)]);
  const object = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: linkSecretName(id), namespace: SYSTEM_NAMESPACE },
    type: CONSOLE_LINK_TYPE,
    data: Object.fromEntries(data) as Record<string, string>,
  };
  const answer = await api.create<Secret>(SECRETS, SYSTEM_NAMESPACE, object, signal);
  return answer.ok ? { ok: true, value: consoleLink(director, linkCode({ id, secret })) } : answer;
}
