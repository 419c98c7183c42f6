/**
 * Tells people of the license through the director: the section `status.license` of the Cluster, and Events.
 *
 * I1: the section is written by the node with authority only, at most once a second, and when it differs from what the director is known to have.
 * I2: an Event bears a name made from what it says, so that telling it twice makes no second one; while no director answers, the newest ones wait.
 * I3: nothing here holds up the license; no wall clock is read: Events bear trusted time.
 */

import { hash32 } from '../base/ring.ts';
import type { LicenseEffect } from '../decide/license-keeper.ts';
import { licenseSection } from '../decide/license-report.ts';
import { mergeDiff } from '../decide/merge-diff.ts';
import { eventOf } from '../decide/request.ts';
import { CLUSTERS } from '../model/addresses.ts';
import type { Cluster } from '../model/cluster.ts';
import { EVENTS } from '../model/core-kinds.ts';
import type { EventReason } from '../model/event-reason.ts';
import { Fault } from '../model/fault.ts';
import { LIMITS } from '../model/limits.ts';
import type { EntityApi } from '../ports/api.ts';
import type { AgentDeps } from './deps.ts';
import type { Following } from './following.ts';
import type { LicenseKeeping } from './license-keeper.ts';
import { pokeLoop } from './poke-loop.ts';
import { bootReading } from './trusted-time.ts';
import type { TrustedTime } from './trusted-time.ts';

export type LicenseNews = Extract<LicenseEffect, { kind: 'ReportState' | 'Warn' | 'ReportFailure' }>;

export interface LicenseClerk {
  tell(news: LicenseNews): void;
  /** What is shown may have changed. */
  poke(): void;
  /** A director was reached for the first time. */
  connect(api: EntityApi, following: Following): void;
  settled(): Promise<void>;
}

type ClerkDeps = Pick<AgentDeps, 'clock' | 'bootId' | 'random' | 'log' | 'node'>;

export interface ClerkParts {
  readonly deps: ClerkDeps;
  readonly keeping: () => Pick<LicenseKeeping, 'state'>;
  readonly hasAuthority: () => boolean;
  readonly trustedNow: TrustedTime;
}

interface Note {
  readonly key: string;
  readonly type: 'Normal' | 'Warning';
  readonly reason: EventReason;
  readonly message: string;
}

const EVERY_MS = 1_000;
/** Days left change without any event of the machine. */
const RESYNC_MS = 30_000;

export function licenseClerk(parts: ClerkParts, signal: AbortSignal): LicenseClerk {
  const notes: Note[] = [];
  let director: { readonly api: EntityApi; readonly following: Following } | undefined;
  const loop = pokeLoop(
    parts.deps,
    { what: 'Telling of the license', everyMs: EVERY_MS, resyncMs: RESYNC_MS },
    async (work) => {
      if (director === undefined) return;
      await sendNotes(parts, director.api, director.following, notes, work);
      await writeSection(parts, director.api, director.following, work);
    },
    signal,
  );
  return {
    tell: (news) => {
      const note = noteOf(news);
      parts.deps.log[note.type === 'Warning' ? 'warn' : 'info'](note.message, { reason: note.reason });
      notes.push(note);
      if (notes.length > LIMITS.licenseEventsKept) notes.shift();
      loop.poke();
    },
    poke: () => loop.poke(),
    connect: (api, following) => {
      director = { api, following };
      loop.poke();
    },
    settled: () => loop.settled(),
  };
}

function noteOf(news: LicenseNews): Note {
  switch (news.kind) {
    case 'ReportState': {
      const isFirst = news.from === 'Inactive' && news.view.state === 'Active';
      const isBad = news.view.severity === 'Warning' || news.view.severity === 'Danger';
      return {
        key: news.key,
        type: isBad ? 'Warning' : 'Normal',
        reason: isFirst ? 'LicenseActivated' : 'LicenseStateChanged',
        message: news.view.message,
      };
    }
    case 'Warn':
      return { key: news.key, type: 'Warning', reason: 'LicenseWarning', message: news.view.message };
    case 'ReportFailure':
      return {
        key: `failure-${news.message}`,
        type: 'Warning',
        reason: 'LicenseSyncFailed',
        message: `The license was not synced: ${news.message}`,
      };
  }
}

/** In their order; a director that is away keeps them. */
async function sendNotes(
  { deps, trustedNow }: ClerkParts,
  api: EntityApi,
  following: Following,
  notes: Note[],
  signal: AbortSignal,
): Promise<void> {
  const { node } = deps;
  // Only once the cluster was seen does the director know us, and we it.
  if (following.cluster() === undefined) return;
  for (let note = notes[0]; note !== undefined && !signal.aborted; note = notes[0]) {
    const about = { kind: 'Cluster' as const, namespace: node.namespace, name: node.cluster, uid: node.clusterUid };
    const name = `${node.cluster}.license-${hash32(`${node.clusterUid} ${note.reason} ${note.key}`).toString(16).padStart(8, '0')}`;
    const effect = { kind: 'RecordEvent' as const, about, type: note.type, reason: note.reason, message: note.message.slice(0, 1024) };
    const now = `${new Date(trustedNow()).toISOString().slice(0, 19)}Z`;
    await api.create(EVENTS, node.namespace, eventOf(effect, node.node, name, now), signal);
    if (notes[0] === note) notes.shift();
  }
}

async function writeSection(
  { deps, keeping, hasAuthority }: ClerkParts,
  api: EntityApi,
  following: Following,
  signal: AbortSignal,
): Promise<void> {
  const cluster = following.cluster();
  if (!hasAuthority() || cluster?.status?.availableAt === undefined || cluster.metadata.deletionTimestamp !== undefined) return;
  const section = licenseSection({ ...keeping().state(), hasSite: cluster.spec.site !== undefined }, bootReading(deps));
  const status = mergeDiff({ license: cluster.status.license }, { license: section });
  if (status === undefined) return;
  const { namespace, cluster: name, clusterUid } = deps.node;
  const answer = await api.mergePatch<Cluster>(CLUSTERS, namespace, name, { metadata: { uid: clusterUid }, status }, signal, 'status');
  if (!answer.ok) throw new Fault('DirectorRefused', answer.message);
  following.learnCluster(answer.value);
}
