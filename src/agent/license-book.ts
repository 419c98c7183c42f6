/**
 * The license record of this node: the newest signed statement, and how long it has been running since (memory record `license`).
 *
 * It comes from the director (a token) or from another node (a record); either way it is verified here before it is taken.
 *
 * I1: a statement that is tampered with, for another site or cluster, or older than the one held changes nothing and is answered with a sentence.
 * I2: what is taken is on disk before anybody acts by it; running time is stored every minute and never falls under one serial.
 */

import { countRunning, startedNow } from '../decide/license-clock.ts';
import { readRecord } from '../decide/license-claims.ts';
import { mergeRecords } from '../decide/license-exchange.ts';
import type { LicenseRecord, LicenseStatement } from '../model/license-statement.ts';
import type { AgentDeps } from './deps.ts';
import type { Memory } from './memory.ts';
import { bootReading } from './trusted-time.ts';

/** `isNew`: its serial is higher than that of what was held. */
export type Taken = { readonly ok: true; readonly isNew: boolean } | { readonly ok: false; readonly why: string };

export interface LicenseBook {
  /** As of the last time it was stored; count with src/decide/license-clock.ts. */
  record(): LicenseRecord | undefined;
  /** A statement that was signed just now. */
  takeToken(token: string): Promise<Taken>;
  /** What another node holds, as it was sent. */
  takeRecord(body: unknown): Promise<Taken>;
  /** Stores the running time; what another node is told. */
  counted(): Promise<LicenseRecord | undefined>;
  /** After each statement with a higher serial. */
  onNew(listener: () => void): void;
}

type BookDeps = Pick<AgentDeps, 'clock' | 'bootId' | 'identity' | 'node' | 'readLicenseToken'>;

/** What H4's framework.json and everybody else reads. */
export function licenseRecord(memory: Memory): LicenseRecord | undefined {
  return memory.get('license');
}

/** `siteUid`: of the site that this cluster is paired with, where that is known. */
export function openLicenseBook(deps: BookDeps, memory: Memory, siteUid: () => string | undefined): LicenseBook {
  const listeners: (() => void)[] = [];
  const verified = async (token: string): Promise<LicenseStatement | string> => {
    const identity = await deps.identity.load();
    if (identity === undefined) return 'This node has not joined yet, so it cannot know whether the license is genuine.';
    const read = deps.readLicenseToken(token, identity.authority);
    if (!read.ok) return read.why;
    return notOurs(deps, siteUid(), read.statement) ?? read.statement;
  };
  const take = async (token: string, since: LicenseRecord['since']): Promise<Taken> => {
    const statement = await verified(token);
    if (typeof statement === 'string') return { ok: false, why: statement };
    const own = memory.get('license');
    if (own !== undefined && statement.serial < own.statement.serial)
      return {
        ok: false,
        why: `The license has the serial ${statement.serial}, older than ${own.statement.serial}, which is held here; it was not used.`,
      };
    const merged = mergeRecords(own, { token, statement, since }, bootReading(deps));
    if (merged === undefined) return { ok: true, isNew: false };
    await memory.keep('license', merged);
    const isNew = merged.statement.serial !== own?.statement.serial;
    if (isNew) for (const listener of listeners) listener();
    return { ok: true, isNew };
  };
  return {
    record: () => memory.get('license'),
    takeToken: (token) => take(token, startedNow(bootReading(deps))),
    takeRecord: async (body) => {
      const record = readRecord(body);
      return typeof record === 'string' ? { ok: false, why: record } : await take(record.token, record.since);
    },
    counted: async () => {
      const own = memory.get('license');
      if (own === undefined) return undefined;
      const counted = { ...own, since: countRunning(own.since, bootReading(deps)) };
      await memory.keep('license', counted);
      return counted;
    },
    onNew: (listener) => void listeners.push(listener),
  };
}

function notOurs({ node }: BookDeps, siteUid: string | undefined, { clusterUid, site }: LicenseStatement): string | undefined {
  if (clusterUid !== node.clusterUid) return `The license was signed for another cluster (${clusterUid}), so it was not used here.`;
  if (siteUid !== undefined && site.uid !== siteUid)
    return `The license was signed for the site ${site.namespace}/${site.name} (${site.uid}), and this cluster is paired with another one (${siteUid}), so it was not used.`;
  return undefined;
}
