/**
 * What a framework service knows of its node: `framework.json` and the node's identity, as the agent keeps them in the node's folder, and what follows
 * from them (trusted time, who may talk to us). And the door by which it tells the agent how it is: `framework/<service>.json`.
 *
 * I1: the last good record holds: one that is damaged, missing or being replaced takes nothing away. An agent that is dead is not noticed here.
 * I2: who is let in was signed by our CA, is a member of this cluster in `framework.json`, in that incarnation.
 * I3: no wall clock is read.
 * I4: nothing at the site stops because no director renewed the certificates of its nodes.
 */

import { canonicalJson } from '../base/canonical.ts';
import { certainNowMs } from '../decide/certain-time.ts';
import type { BootReading } from '../decide/license-clock.ts';
import { memberOfSubject } from '../decide/peer-trust.ts';
import type { MemberJudgement } from '../decide/peer-trust.ts';
import { isFault } from '../model/fault.ts';
import { FRAMEWORK_RECORD } from '../model/framework.ts';
import type { FrameworkConfig, FrameworkService } from '../model/framework.ts';
import { isJsonObject } from '../model/json.ts';
import type { Json, JsonObject } from '../model/json.ts';
import { LIMITS } from '../model/limits.ts';
import type { Clock } from '../ports/clock.ts';
import type { Identity } from '../ports/director.ts';
import type { Log } from '../ports/log.ts';
import type { JudgeCertificate, Trust } from '../ports/mutual-http.ts';
import type { NodeStore, RecordRead } from '../ports/node-store.ts';
import type { Certificates } from '../ports/x509.ts';

export interface FrameworkDeps {
  readonly service: FrameworkService;
  /** Follows a record below the node's folder, named without `.json`. */
  readonly watch: (record: string, onRead: (read: RecordRead<JsonObject>) => void, signal: AbortSignal) => void;
  /** `<node folder>/framework`. */
  readonly statuses: NodeStore;
  readonly certificates: Certificates;
  readonly judgeCertificate: JudgeCertificate;
  readonly clock: Clock;
  readonly bootId: string;
  readonly log: Log;
}

export interface Framework {
  readonly service: FrameworkService;
  /** The newest that is known. */
  config(): FrameworkConfig;
  /** Of this node; another one after it was renewed. A server renews its TLS in `onChange`. */
  identity(): Identity;
  /** This boot's running time now. */
  reading(): BootReading;
  /** Ms since 1970, for judging dates in certificates. */
  trustedNowMs(): number;
  /** Called after config or identity became another. */
  onChange(listener: () => void): void;
  /** Which member of this cluster showed `der`, or why that is none of ours: a sentence. `where` names who showed it. */
  judgeMember(der: Uint8Array | undefined, where: string): MemberJudgement;
  /** How to know another member (or one of `uids`) as the other end of a connection that we open. */
  memberTrust(uids?: readonly string[]): Trust;
  /** Writes `framework/<service>.json` when it changed. A disk that refuses is logged and tried again with the next call; it stops nothing. */
  tell(status: Json): Promise<void>;
}

const IDENTITY_RECORD = 'identity/identity';

interface Known {
  config: FrameworkConfig | undefined;
  identity: Identity | undefined;
  notBeforeMs: number;
  /** What was last wrong with `framework.json`, said once. */
  damage: string | undefined;
}

/** Resolves once both records were read; follows them until the signal aborts. Rejects when it aborts before. */
export async function openFramework(deps: FrameworkDeps, signal: AbortSignal): Promise<Framework> {
  const known: Known = { config: undefined, identity: undefined, notBeforeMs: 0, damage: undefined };
  const listeners = new Set<() => void>();
  await new Promise<void>((done, failed) => {
    signal.addEventListener('abort', () => failed(signal.reason as Error), { once: true });
    const changed = (): void => {
      if (known.config === undefined || known.identity === undefined) return;
      done();
      for (const listener of listeners) listener();
    };
    deps.watch(FRAMEWORK_RECORD, (read) => takeConfig(deps, known, read) && changed(), signal);
    deps.watch(IDENTITY_RECORD, (read) => takeIdentity(deps, known, read) && changed(), signal);
    if (signal.aborted) failed(signal.reason as Error);
  });
  return opened(deps, known as Known & { config: FrameworkConfig; identity: Identity }, listeners);
}

function opened(
  deps: FrameworkDeps,
  known: { config: FrameworkConfig; identity: Identity; notBeforeMs: number },
  listeners: Set<() => void>,
): Framework {
  const reading = (): BootReading => ({ bootId: deps.bootId, bootMs: deps.clock.monotonicMs() });
  const trustedNow = (): number => trustedMs(known, reading());
  const judgeMember = (der: Uint8Array | undefined, where: string): MemberJudgement => {
    const trust: Trust = { ...ofMembers(known.identity), accepts: () => undefined };
    const refused = deps.judgeCertificate(der, where, trust, trustedNow());
    const facts = der === undefined ? undefined : deps.certificates.read(der);
    if (refused !== undefined || facts === undefined) return { refused: refused ?? `${where} showed no certificate that can be read.` };
    return memberOfSubject(facts, known.config.members);
  };
  return {
    service: deps.service,
    config: () => known.config,
    identity: () => known.identity,
    reading,
    trustedNowMs: trustedNow,
    onChange: (listener) => void listeners.add(listener),
    judgeMember,
    memberTrust: (uids) => ({
      ...ofMembers(known.identity),
      accepts: (facts) => {
        const judged = memberOfSubject(facts, known.config.members);
        if ('refused' in judged) return judged.refused;
        return uids === undefined || uids.includes(judged.member.uid)
          ? undefined
          : `${judged.member.name} answered in the place of another node.`;
      },
    }),
    tell: teller(deps),
  };
}

/** A certificate that ended because no director renewed it still holds among members, for as long as directors would renew it. */
function ofMembers({ authority }: Identity): Omit<Extract<Trust, { kind: 'authority' }>, 'accepts'> {
  return { kind: 'authority', authority, endedForMs: LIMITS.renewalAcceptedMs };
}

function trustedMs({ config, notBeforeMs }: { config: FrameworkConfig; notBeforeMs: number }, now: BootReading): number {
  return certainNowMs(config.license, config.joined, now) ?? notBeforeMs + LIMITS.certificateBackdateMs;
}

/** True when it is news. */
function takeConfig(deps: FrameworkDeps, known: Known, read: RecordRead<JsonObject>): boolean {
  const damage = read.state === 'damaged' ? read.message : undefined;
  if (damage !== undefined && damage !== known.damage) deps.log.warn(`${damage} What was read before holds.`);
  known.damage = damage;
  // Written by the agent of this node, whole or not at all; another version of it may lack what this one needs.
  if (read.state !== 'found' || !isJsonObject(read.body['node'] ?? null) || !Array.isArray(read.body['members'])) return false;
  const config = read.body as unknown as FrameworkConfig;
  if (canonicalJson(config) === canonicalJson(known.config)) return false;
  known.config = config;
  return true;
}

function takeIdentity(deps: FrameworkDeps, known: Known, read: RecordRead<JsonObject>): boolean {
  if (read.state !== 'found') return false;
  const { certificate, privateKey, authority } = read.body;
  if (typeof certificate !== 'string' || typeof privateKey !== 'string' || typeof authority !== 'string') return false;
  if (known.identity?.certificate === certificate && known.identity.authority === authority) return false;
  const facts = deps.certificates.read(certificate);
  if (facts === undefined) return false;
  known.identity = { certificate, privateKey, authority };
  known.notBeforeMs = facts.notBeforeMs;
  return true;
}

function teller({ statuses, service, log }: FrameworkDeps): (status: Json) => Promise<void> {
  let told = '';
  return async (status) => {
    const text = canonicalJson(status);
    if (text === told) return;
    try {
      await statuses.write(service, status);
      told = text;
    } catch (cause) {
      if (!isFault(cause)) throw cause;
      log.warn('How this service is cannot be written down for the agent; it is tried again.', { error: cause });
    }
  };
}
