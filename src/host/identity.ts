/**
 * Who this host is: joins once, by token, and renews its certificate at two thirds of its life.
 *
 * I1: the private key never leaves this machine; a token is used once, and a lost answer is repeated with the same request.
 * I2: a failed renewal is tried again and stops nothing.
 * I3: a host has no license and so no trusted time of a site. It judges by the least that the time can be: when its own certificate was issued, and
 *     running time since this daemon began. That never runs ahead, so no wrong wall clock cuts a host off; at worst a director's certificate that ended
 *     meanwhile is still taken. Whether to renew may be asked too often but not missed: the wall clock, and a director that refuses us, count as hints.
 */

import { issuedMs, renewalDue } from '../decide/renewal.ts';
import { isFault } from '../model/fault.ts';
import { Fault } from '../model/fault.ts';
import { LIMITS } from '../model/limits.ts';
import type { Clock } from '../ports/clock.ts';
import type { DirectorApi, Directors, Identity, IdentityStore } from '../ports/director.ts';
import type { Era } from '../ports/store.ts';
import type { Log } from '../ports/log.ts';
import type { Certificates } from '../ports/x509.ts';

export interface IdentityDeps {
  readonly store: IdentityStore;
  readonly directors: Directors;
  readonly certificates: Certificates;
  readonly clock: Clock;
  readonly log: Log;
}

/** What a host joins with; `token` is absent when it is to have joined already. */
export interface ControlPlane {
  readonly directors: readonly string[];
  /** `sha256:<hex>`; absent: that of the identity which is there. */
  readonly caHash?: string;
  readonly token?: string;
}

export interface Identified {
  readonly identity: Identity;
  /** Set when this host has joined just now: the era of that control plane, whatever it knew before of another one. */
  readonly joinedEra?: Era;
}

const RETRY_MS = 2_000;

/**
 * The identity that is there, when it is of this control plane; else a new one by the token. Waits for a director. A token together with
 * another CA is a person's word that this host now belongs elsewhere.
 */
export async function ensureIdentity(deps: IdentityDeps, plane: ControlPlane, signal: AbortSignal): Promise<Identified> {
  const known = await deps.store.load();
  if (known !== undefined && (plane.caHash === undefined || deps.certificates.publicKeyHash(known.authority) === plane.caHash))
    return { identity: known };
  const { caHash, token } = plane;
  if (caHash === undefined || token === undefined) {
    throw new Fault(
      'UsageWrong',
      'This host has not joined this control plane. Make a token there with "outrigger token create --host NAME" and start the host with the command that it prints.',
    );
  }
  const request = await deps.store.request();
  for (;;) {
    try {
      const issued = await deps.directors.join({ directors: plane.directors, caHash, token, request }, signal);
      deps.log.info('This host has joined');
      return { identity: await deps.store.save(issued), joinedEra: issued.era };
    } catch (cause) {
      if (!isFault(cause, 'DirectorUnreachable') || signal.aborted) throw cause;
      deps.log.warn('No director answers; joining is tried again', { error: cause });
      await deps.clock.sleep(RETRY_MS, signal);
    }
  }
}

/** The least that the time can be (I3), ms since 1970; it grows while the process runs. Call `learn` with each new certificate. */
export interface LeastTime {
  readonly now: () => number;
  readonly heldMs: () => number;
  learn(identity: Identity): void;
}

export function leastTime({ certificates, clock }: Pick<IdentityDeps, 'certificates' | 'clock'>, identity: Identity): LeastTime {
  const sinceMs = (): number => clock.monotonicMs() - base.bootMs;
  const base = { ms: 0, bootMs: clock.monotonicMs() };
  const learn = ({ certificate }: Identity): void => {
    const facts = certificates.read(certificate);
    base.ms = Math.max(base.ms + sinceMs(), facts === undefined ? 0 : issuedMs(facts));
    base.bootMs = clock.monotonicMs();
  };
  learn(identity);
  return { now: () => base.ms + sinceMs(), heldMs: sinceMs, learn };
}

/** Renews in time, until the signal aborts. */
export async function keepRenewed(deps: IdentityDeps, api: DirectorApi, time: LeastTime, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const settled = await renewIfDue(deps, api, time, signal);
    await deps.clock.sleep(settled ? LIMITS.renewalLookMs : LIMITS.renewalRetryMs, signal).catch(() => undefined);
  }
}

/** False: it is to be tried again soon. */
async function renewIfDue(deps: IdentityDeps, api: DirectorApi, time: LeastTime, signal: AbortSignal): Promise<boolean> {
  try {
    const identity = await deps.store.load();
    const life = identity === undefined ? undefined : deps.certificates.read(identity.certificate);
    if (life === undefined) return true;
    const view = { life, trustedNowMs: time.now(), wallNowMs: deps.clock.nowMs(), heldMs: time.heldMs() };
    const refused = !renewalDue({ ...view, refused: false }) && (await isRefused(api, signal));
    if (!renewalDue({ ...view, refused })) return true;
    const renewed = await deps.store.save(await deps.directors.renew(api, await deps.store.request(), signal));
    api.useIdentity(renewed);
    time.learn(renewed);
    deps.log.info('The certificate of this host was renewed');
    return true;
  } catch (cause) {
    if (signal.aborted) return true;
    if (!isFault(cause)) throw cause;
    deps.log.warn('The certificate of this host was not renewed; it is tried again', { error: cause });
    return false;
  }
}

/** Whether a director does not take our certificate. Throws `Fault` when none answers. */
async function isRefused(api: DirectorApi, signal: AbortSignal): Promise<boolean> {
  const answer = await api.post('/outrigger/v1/hello', {}, signal);
  return !answer.ok && answer.reason === 'Unauthorized';
}
