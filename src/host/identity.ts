/**
 * Who this host is: joins once, by token, and renews its certificate at two thirds of its life.
 *
 * I1: the private key never leaves this machine; a token is used once, and a lost answer is repeated with the same request.
 * I2: a failed renewal is tried again and stops nothing.
 */

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
const RENEW_LOOK_MS = 60 * 60 * 1000;
/** Share of a certificate's life after which it is renewed. */
const RENEW_AT = 2 / 3;

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

/** Renews in time, until the signal aborts. */
export async function keepRenewed(deps: IdentityDeps, api: DirectorApi, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await renewIfDue(deps, api, signal);
    await deps.clock.sleep(RENEW_LOOK_MS, signal).catch(() => undefined);
  }
}

async function renewIfDue(deps: IdentityDeps, api: DirectorApi, signal: AbortSignal): Promise<void> {
  const identity = await deps.store.load();
  const facts = identity === undefined ? undefined : deps.certificates.read(identity.certificate);
  const life = facts === undefined ? LIMITS.leafLifetimeMs : facts.notAfterMs - facts.notBeforeMs;
  if (facts === undefined || deps.clock.nowMs() < facts.notBeforeMs + life * RENEW_AT) return;
  try {
    api.useIdentity(await deps.store.save(await deps.directors.renew(api, await deps.store.request(), signal)));
    deps.log.info('The certificate of this host was renewed');
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    if (!signal.aborted) deps.log.warn('The certificate of this host was not renewed; it is tried again', { error: cause });
  }
}
