/**
 * Tells people of the license through the director: the section `status.license` of the Cluster, and Events.
 *
 * I1: the section is written by the node with authority only, at most once a second, and when it differs from what the director is known to have.
 * I2: an Event bears a name made from what it says, so that telling it twice makes no second one; while no director answers, the newest ones wait.
 * I3: nothing here holds up the license; no wall clock is read: Events bear the trusted time at which it happened (src/decide/license-news.ts).
 */

import { hash32 } from '../base/ring.ts';
import { viewKeeper } from '../decide/license-keeper.ts';
import { noteOf, tellable } from '../decide/license-news.ts';
import type { LicenseNews, LicenseNote } from '../decide/license-news.ts';
import { licenseSection } from '../decide/license-report.ts';
import { mergeDiff } from '../decide/merge-diff.ts';
import { eventOf } from '../decide/request.ts';
import { CLUSTERS } from '../model/addresses.ts';
import type { Cluster } from '../model/cluster.ts';
import { EVENTS } from '../model/core-kinds.ts';
import { Fault } from '../model/fault.ts';
import { LIMITS } from '../model/limits.ts';
import type { EntityApi } from '../ports/api.ts';
import type { AgentDeps } from './deps.ts';
import type { Following } from './following.ts';
import type { LicenseKeeping } from './license-keeper.ts';
import { pokeLoop } from './poke-loop.ts';
import { bootReading } from './trusted-time.ts';
import type { TrustedTime } from './trusted-time.ts';

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

const EVERY_MS = 1_000;
/** Days left change without any event of the machine. */
const RESYNC_MS = 30_000;

export function licenseClerk(parts: ClerkParts, signal: AbortSignal): LicenseClerk {
  const notes: LicenseNote[] = [];
  let last: LicenseNote | undefined;
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
      const note = (last = noteOf(news, parts.trustedNow(), last));
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

/** In their order; a director that is away keeps them. */
async function sendNotes(
  { deps, keeping }: ClerkParts,
  api: EntityApi,
  following: Following,
  notes: LicenseNote[],
  signal: AbortSignal,
): Promise<void> {
  // Only once the cluster was seen does the director know us, and we it.
  if (following.cluster() === undefined) return;
  for (let note = notes[0]; note !== undefined && !signal.aborted; note = notes[0]) {
    const message = tellable(note, viewKeeper(keeping().state().keeper, bootReading(deps)));
    if (message !== undefined) await sendNote(deps, api, note, message, signal);
    if (notes[0] === note) notes.shift();
  }
}

async function sendNote({ node }: ClerkDeps, api: EntityApi, note: LicenseNote, message: string, signal: AbortSignal): Promise<void> {
  const about = { kind: 'Cluster' as const, namespace: node.namespace, name: node.cluster, uid: node.clusterUid };
  const name = `${node.cluster}.license-${hash32(`${node.clusterUid} ${note.reason} ${note.key}`).toString(16).padStart(8, '0')}`;
  const effect = { kind: 'RecordEvent' as const, about, type: note.type, reason: note.reason, message: message.slice(0, 1024) };
  const at = new Date(note.atMs).toISOString();
  const event = eventOf(effect, node.node, name, `${at.slice(0, 19)}Z`);
  // Those of one second keep their order by it.
  await api.create(EVENTS, node.namespace, { ...event, eventTime: at.replace('Z', '000Z') }, signal);
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
