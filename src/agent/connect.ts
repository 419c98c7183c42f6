/**
 * Who this node is to the directors: joins once by its token, then knows itself by its certificate, which it renews in time.
 *
 * I1: the key never leaves this machine; a lost answer to the join is repeated with the same request.
 * I2: neither joining nor renewing ever holds up what runs here.
 * I3: the youngest era that was met is remembered, so that an older life of the store is not obeyed after a restart either.
 * I4: a certificate is given up only for a new one: by renewal, or by a token that the host made to replace this very certificate.
 * I5: no wall clock is read: trusted time says when to renew, and so does a director that refuses the certificate.
 */

import { renewalDue } from '../decide/renewal.ts';
import { isFault } from '../model/fault.ts';
import { Fault } from '../model/fault.ts';
import { LIMITS } from '../model/limits.ts';
import type { DirectorApi, Identity } from '../ports/director.ts';
import type { AgentDeps } from './deps.ts';
import type { Memory } from './memory.ts';
import { forgetToken } from './node-file.ts';
import type { TrustedClock } from './trusted-time.ts';

const JOIN_RETRY_MS = 2_000;

/** The directors, spoken to as this node; joins when it has not yet. Throws `Fault` JoinRefused or CertificateInvalid. */
export async function connectDirectors(deps: AgentDeps, memory: Memory, trusted: TrustedClock, signal: AbortSignal): Promise<DirectorApi> {
  const identity = await ensureIdentity(deps, signal);
  await trusted.learn();
  const known = memory.get('era');
  const era = known === undefined ? undefined : { number: known.number, id: known.id };
  const api = deps.directors.open({ directors: deps.node.directors, identity, era, trustedNowMs: trusted.now });
  api.onEra((next) => {
    void memory.keep('era', { ...next, revision: 0 }).catch((cause: unknown) => {
      deps.log.warn('The era of the store cannot be remembered.', { error: cause });
    });
  });
  void keepRenewed(deps, api, trusted, signal);
  return api;
}

async function ensureIdentity(deps: AgentDeps, signal: AbortSignal): Promise<Identity> {
  const known = await knownIdentity(deps);
  if (known !== undefined) {
    forgetToken(deps.files, deps.dir);
    return known;
  }
  const { token, directors, caHash } = deps.node;
  if (token === undefined) {
    throw new Fault(
      'JoinRefused',
      `${deps.node.node} has neither a certificate nor a token to join with; its host gives it one when a director answers.`,
    );
  }
  const fromMs = deps.clock.nowMs();
  const request = await deps.identity.request();
  for (;;) {
    try {
      const identity = await deps.identity.save(
        await deps.directors.join({ directors, caHash, token, request, traceparent: deps.trace?.join }, signal),
      );
      forgetToken(deps.files, deps.dir);
      deps.trace?.joined(fromMs);
      deps.log.info('This node has joined.');
      return identity;
    } catch (cause) {
      if (!isFault(cause, 'DirectorUnreachable') || signal.aborted) throw cause;
      deps.log.warn('No director answers; joining is tried again.', { error: cause });
      await deps.clock.sleep(JOIN_RETRY_MS, signal);
    }
  }
}

/** The identity that is there, unless a token is here that replaces it, or it cannot be read and a token is here. */
async function knownIdentity(deps: AgentDeps): Promise<Identity | undefined> {
  const { token, replaces } = deps.node;
  try {
    const known = await deps.identity.load();
    if (known === undefined || token === undefined || replaces === undefined) return known;
    return deps.certificates.read(known.certificate)?.serialNumber === replaces ? undefined : known;
  } catch (cause) {
    if (token === undefined || !isFault(cause, 'NodeStoreDamaged')) throw cause;
    deps.log.error('What this node knew itself by cannot be read; it joins anew.', { error: cause });
    return undefined;
  }
}

async function keepRenewed(deps: AgentDeps, api: DirectorApi, trusted: TrustedClock, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const settled = await renewIfDue(deps, api, trusted, signal);
    await deps.clock.sleep(settled ? LIMITS.renewalLookMs : LIMITS.renewalRetryMs, signal).catch(() => undefined);
  }
}

/** False: it is to be tried again soon. */
async function renewIfDue(deps: AgentDeps, api: DirectorApi, trusted: TrustedClock, signal: AbortSignal): Promise<boolean> {
  try {
    const identity = await deps.identity.load();
    const life = identity === undefined ? undefined : deps.certificates.read(identity.certificate);
    if (life === undefined) return true;
    const view = { life, trustedNowMs: trusted.now(), wallNowMs: undefined, heldMs: 0 };
    // Where it is due by time no director need be asked.
    const refused = !renewalDue({ ...view, refused: false }) && (await isRefused(api, signal));
    if (!renewalDue({ ...view, refused })) return true;
    api.useIdentity(await deps.identity.save(await deps.directors.renew(api, await deps.identity.request(), signal)));
    await trusted.learn();
    deps.log.info('The certificate of this node was renewed.');
    return true;
  } catch (cause) {
    if (signal.aborted) return true;
    if (!isFault(cause)) throw cause;
    deps.log.warn('The certificate of this node was not renewed; it is tried again.', { error: cause });
    return false;
  }
}

/** Whether a director does not take our certificate. Throws `Fault` when none answers. */
async function isRefused(api: DirectorApi, signal: AbortSignal): Promise<boolean> {
  const answer = await api.post('/outrigger/v1/hello', {}, signal);
  return !answer.ok && answer.reason === 'Unauthorized';
}
