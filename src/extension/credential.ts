/**
 * The token that an extension server logs in with: read anew when its file changes, and renewed by the server itself before it ends.
 *
 * A renewed token is kept in memory alone, because a server needs no disk that it could write: one that is started anew begins with what lies in the
 * file. So a file whose token is about to end is said aloud, although this life of the server goes on without it.
 *
 * I1: what is newly written into the file goes before whatever was used until then: it is a person's word.
 * I2: it asks for tokens of the very ServiceAccount that it is, of the same lifetime, and for nothing else.
 * I3: failing to read or renew never stops anything: what is there is used on, and it is tried again with back-off.
 */

import { backoffMs } from '../base/backoff.ts';
import { isTokenDue, lifetimeSeconds, tokenLifeOf } from '../decide/token-life.ts';
import type { TokenLife } from '../decide/token-life.ts';
import { isFault } from '../model/fault.ts';
import { isJsonObject } from '../model/json.ts';
import type { Json } from '../model/json.ts';
import { LIMITS } from '../model/limits.ts';
import type { EntityApi } from '../ports/api.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Random } from '../ports/random.ts';

export interface CredentialDeps {
  /** What lies in the file now; undefined: there is no token. Throws `Fault` when it cannot be read. */
  readonly read: () => string | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export interface Credential {
  /** To log in with; undefined: the kubeconfig has another way. */
  token(): string | undefined;
  /** Keeps it, until the signal aborts. `api`: any call by it bears `token()`. */
  keep(api: EntityApi, signal: AbortSignal): Promise<void>;
}

const LOOK_MS = 5_000;
const RETRY = { baseMs: 5_000, capMs: 10 * 60_000, jitter: 0.3 };

interface Held {
  readonly token: string;
  /** When this process got it by asking (monotonic); undefined: it lay in the file. */
  readonly gotMs: number | undefined;
}

/** Throws `Fault` when the file is there and cannot be read. */
export function openCredential(deps: CredentialDeps): Credential {
  const { clock, log } = deps;
  let inFile = deps.read();
  let held: Held | undefined = inFile === undefined ? undefined : { token: inFile, gotMs: undefined };
  let failures = 0;
  let notBeforeMs = Number.NEGATIVE_INFINITY;

  const readAgain = (): void => {
    const now = readOrUndefined(deps);
    if (now === undefined || now === inFile) return;
    inFile = now;
    held = { token: now, gotMs: undefined };
    failures = 0;
    notBeforeMs = Number.NEGATIVE_INFINITY;
    log.info('The token of this server was replaced in its file; the new one is used.');
  };
  const renew = async (life: TokenLife, api: EntityApi, signal: AbortSignal): Promise<void> => {
    const asked = held;
    const answer = await requested(api, life, signal);
    if (signal.aborted || held !== asked) return;
    if ('token' in answer) {
      held = { token: answer.token, gotMs: clock.monotonicMs() };
      failures = 0;
      return log.info('The token of this server was renewed.', { ends: endOf(answer.token), inFileEnds: endOf(inFile) });
    }
    failures += 1;
    notBeforeMs = clock.monotonicMs() + backoffMs(RETRY, failures, deps.random.float());
    log.warn(`The token of this server was not renewed: ${answer.why} It ends ${endOf(held?.token)}; it is tried again.`);
  };
  return {
    token: () => held?.token,
    keep: async (api, signal) => {
      while (!signal.aborted) {
        readAgain();
        const life = held === undefined ? undefined : tokenLifeOf(held.token);
        const heldMs = held?.gotMs === undefined ? undefined : clock.monotonicMs() - held.gotMs;
        const isDue = life !== undefined && isTokenDue(life, clock.nowMs(), heldMs) && clock.monotonicMs() >= notBeforeMs;
        if (isDue) await renew(life, api, signal);
        await clock.sleep(LOOK_MS, signal).catch(() => undefined);
      }
    },
  };
}

function readOrUndefined({ read, log }: CredentialDeps): string | undefined {
  try {
    return read();
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    log.warn('The file with the token of this server cannot be read; the one that is known is used on.', { error: cause });
    return undefined;
  }
}

function endOf(token: string | undefined): string {
  const life = token === undefined ? undefined : tokenLifeOf(token);
  return life === undefined ? 'at a time that it does not say' : new Date(life.expiresMs).toISOString();
}

async function requested(
  api: EntityApi,
  life: TokenLife,
  signal: AbortSignal,
): Promise<{ readonly token: string } | { readonly why: string }> {
  const path = `/api/v1/namespaces/${life.namespace}/serviceaccounts/${life.name}/token`;
  const expirationSeconds = Math.max(lifetimeSeconds(life), LIMITS.serviceAccountTokenMinMs / 1000);
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: [], expirationSeconds } };
  try {
    const answer = await api.post(path, body, AbortSignal.any([signal, AbortSignal.timeout(LIMITS.callDeadlineMs)]));
    if (!answer.ok) return { why: `${answer.message}.`.replace(/\.\.$/, '.') };
    const token = tokenOf(answer.value);
    return token === undefined ? { why: 'the answer holds no token.' } : { token };
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    return { why: cause.message };
  }
}

function tokenOf(body: Json): string | undefined {
  const status = isJsonObject(body) ? body['status'] : undefined;
  const token = status !== undefined && isJsonObject(status) ? status['token'] : undefined;
  return typeof token === 'string' && token !== '' ? token : undefined;
}
