/**
 * The way of a sync out of the site: through this node's balancer to an instance of connector-client, which passes it on to a director.
 *
 * I1: nothing is sent to anybody but a member of this cluster.
 * I2: whatever comes back is a token or a sentence; nothing is thrown but a bug.
 */

import { memberOfSubject } from '../decide/peer-trust.ts';
import { isFault } from '../model/fault.ts';
import type { FrameworkConfig } from '../model/framework.ts';
import { isJsonObject } from '../model/json.ts';
import type { JsonObject } from '../model/json.ts';
import { LIMITS } from '../model/limits.ts';
import { PORTS } from '../model/ports.ts';
import type { MutualAnswer } from '../ports/mutual-http.ts';
import type { AgentDeps } from './deps.ts';
import type { SyncAsk, SyncSaid } from './license-keeper.ts';
import type { TrustedTime } from './trusted-time.ts';

type SyncDeps = Pick<AgentDeps, 'node' | 'http' | 'identity'>;

export const LICENSE_SYNC_PATH = '/license/sync';
const SAID_MAX = 700;

export async function askThroughConnector(
  deps: SyncDeps,
  config: FrameworkConfig | undefined,
  trustedNow: TrustedTime,
  ask: SyncAsk,
  signal: AbortSignal,
): Promise<SyncSaid> {
  const identity = await deps.identity.load();
  if (identity === undefined) return { why: 'This node has not joined yet.' };
  const port = config?.services.find(({ framework }) => framework === 'connector-client')?.port ?? PORTS.connectorClient;
  try {
    const answer = await deps.http.call(
      {
        method: 'POST',
        url: `https://${urlHost(deps.node.address)}:${port}${LICENSE_SYNC_PATH}`,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(ask),
        trust: {
          kind: 'authority',
          authority: identity.authority,
          endedForMs: LIMITS.renewalAcceptedMs,
          accepts: (facts) => {
            const judged = memberOfSubject(facts, config?.members ?? []);
            return 'refused' in judged ? judged.refused : undefined;
          },
        },
        identity,
        deadlineMs: LIMITS.licenseCallMs,
        maxAnswerBytes: LIMITS.peerBodyBytes,
        trustedNowMs: trustedNow(),
      },
      signal,
    );
    return outcomeOf(answer);
  } catch (cause) {
    if (isFault(cause)) return { why: `connector-client could not be asked for the license: ${cause.message}` };
    if (signal.aborted) return { why: `connector-client did not answer within ${LIMITS.licenseCallMs / 1000} s.` };
    throw cause;
  }
}

function outcomeOf({ status, body }: MutualAnswer): SyncSaid {
  const said = jsonOf(body);
  const token = said?.['token'];
  if (status === 200 && typeof token === 'string') return { token };
  const message = said?.['message'];
  if (typeof message === 'string') return { why: message.slice(0, SAID_MAX), isRefused: status >= 400 && status < 500 };
  return { why: `The answer to the sync was no license (status ${status}); look at the log of connector-client.` };
}

function jsonOf(bytes: Buffer): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function urlHost(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}
