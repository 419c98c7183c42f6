/**
 * Who this node is to the directors: joins once by its token, then knows itself by its certificate, which it renews in time.
 *
 * I1: the key never leaves this machine; a lost answer to the join is repeated with the same request.
 * I2: neither joining nor renewing ever holds up what runs here.
 * I3: the youngest era that was met is remembered, so that an older life of the store is not obeyed after a restart either.
 */

import { isFault } from '../model/fault.ts';
import { Fault } from '../model/fault.ts';
import { LIMITS } from '../model/limits.ts';
import type { DirectorApi, Identity } from '../ports/director.ts';
import type { AgentDeps } from './deps.ts';
import type { Memory } from './memory.ts';
import { forgetToken } from './node-file.ts';

const JOIN_RETRY_MS = 2_000;
const RENEW_LOOK_MS = 60 * 60 * 1000;
/** Share of a certificate's life after which it is renewed. */
const RENEW_AT = 2 / 3;

/** The directors, spoken to as this node; joins when it has not yet. Throws `Fault` JoinRefused or CertificateInvalid. */
export async function connectDirectors(deps: AgentDeps, memory: Memory, signal: AbortSignal): Promise<DirectorApi> {
  const identity = await ensureIdentity(deps, signal);
  const known = memory.get('era');
  const era = known === undefined ? undefined : { number: known.number, id: known.id };
  const api = deps.directors.open({ directors: deps.node.directors, identity, era });
  api.onEra((next) => {
    void memory.keep('era', { ...next, revision: 0 }).catch((cause: unknown) => {
      deps.log.warn('The era of the store cannot be remembered.', { error: cause });
    });
  });
  void keepRenewed(deps, api, signal);
  return api;
}

async function ensureIdentity(deps: AgentDeps, signal: AbortSignal): Promise<Identity> {
  const known = await deps.identity.load();
  if (known !== undefined) {
    forgetToken(deps.files, deps.dir);
    return known;
  }
  const { token, directors, caHash } = deps.node;
  if (token === undefined) {
    throw new Fault(
      'JoinRefused',
      `${deps.node.node} has neither a certificate nor a token to join with; its host gives it one when it starts it again.`,
    );
  }
  const request = await deps.identity.request();
  for (;;) {
    try {
      const identity = await deps.identity.save(await deps.directors.join({ directors, caHash, token, request }, signal));
      forgetToken(deps.files, deps.dir);
      deps.log.info('This node has joined.', { node: deps.node.node, incarnation: deps.node.incarnation });
      return identity;
    } catch (cause) {
      if (!isFault(cause, 'DirectorUnreachable') || signal.aborted) throw cause;
      deps.log.warn('No director answers; joining is tried again.', { error: cause });
      await deps.clock.sleep(JOIN_RETRY_MS, signal);
    }
  }
}

async function keepRenewed(deps: AgentDeps, api: DirectorApi, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await renewIfDue(deps, api, signal);
    await deps.clock.sleep(RENEW_LOOK_MS, signal).catch(() => undefined);
  }
}

async function renewIfDue(deps: AgentDeps, api: DirectorApi, signal: AbortSignal): Promise<void> {
  try {
    const identity = await deps.identity.load();
    const facts = identity === undefined ? undefined : deps.certificates.read(identity.certificate);
    const lifeMs = facts === undefined ? LIMITS.leafLifetimeMs : facts.notAfterMs - facts.notBeforeMs;
    if (facts === undefined || deps.clock.nowMs() < facts.notBeforeMs + lifeMs * RENEW_AT) return;
    api.useIdentity(await deps.identity.save(await deps.directors.renew(api, await deps.identity.request(), signal)));
    deps.log.info('The certificate of this node was renewed.');
  } catch (cause) {
    if (signal.aborted) return;
    if (!isFault(cause)) throw cause;
    deps.log.warn('The certificate of this node was not renewed; it is tried again.', { error: cause });
  }
}
