/**
 * The chronicle of a control plane: watches that stay open (resumed where they ended) while parts are killed, and a scribe who writes all the time.
 *
 * Proves at the end: every write that was acknowledged is there and was seen; each watch saw every event once and in order, as a fresh watch from
 * the same revision sees them.
 */
import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { CLUSTERS, CLUSTER_NODES } from '../../src/model/addresses.ts';
import type { AnyEntity, ResourceAddress } from '../../src/model/core-kinds.ts';
import { isFault } from '../../src/model/fault.ts';
import type { WatchEvent } from '../../src/ports/api.ts';
import type { DirectorApi } from '../../src/ports/director.ts';
import { NAMESPACE, openApi, patiently, say } from './control-plane.ts';
import type { ControlPlane } from './control-plane.ts';
import { eventually } from './eventually.ts';

interface ConfigMap extends AnyEntity {
  readonly data?: Readonly<Record<string, string>>;
}

const CONFIG_MAPS: ResourceAddress<ConfigMap> = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', scope: 'Namespaced' };
const SCRIBE = 'scribe';
const WRITE_EVERY_MS = 50;
const CALL_MS = 15_000;
const CATCH_UP_MS = 30_000;

export interface Seen {
  readonly type: string;
  readonly name: string;
  readonly uid: string;
  readonly revision: number;
  /** Of the scribe's object: what stood in it. */
  readonly count: string | undefined;
}

export interface OpenWatch {
  readonly address: ResourceAddress<AnyEntity>;
  readonly from: string;
  readonly seen: readonly Seen[];
  /** How often it had to be opened. */
  opened(): number;
  close(): Promise<void>;
}

/** Follows a resource from a revision on, and goes on where it ended for as long as it takes. A revision that is too old is a failure. */
export function openWatch(api: DirectorApi, address: ResourceAddress<AnyEntity>, from: string): OpenWatch {
  const seen: Seen[] = [];
  const end = new AbortController();
  let [revision, times] = [from, 0];
  const onEvent = (event: WatchEvent<AnyEntity>): void => {
    const next = event.type === 'BOOKMARK' ? event.resourceVersion : event.object.metadata.resourceVersion;
    assert.ok(
      event.type === 'BOOKMARK' ? Number(next) >= Number(revision) : Number(next) > Number(revision),
      `${address.plural}: ${event.type} ${next} came after ${revision}`,
    );
    revision = next;
    if (event.type === 'BOOKMARK') return;
    const { name, namespace = '', uid } = event.object.metadata;
    const count = (event.object as ConfigMap).data?.['count'];
    seen.push({ type: event.type, name: `${namespace}/${name}`, uid, revision: Number(next), count });
  };
  const follow = async (): Promise<void> => {
    while (!end.signal.aborted) {
      times += 1;
      try {
        const answer = await api.watch<AnyEntity>(address, { resourceVersion: revision }, onEvent, end.signal);
        if (!answer.ok) throw new Error(`The watch of ${address.plural} from ${revision} was refused: ${answer.reason} ${answer.message}`);
      } catch (cause) {
        if (!isFault(cause)) throw cause;
        times -= 1;
      }
      if (!end.signal.aborted) await wait(100);
    }
  };
  const done = follow();
  done.catch(() => undefined);
  return {
    address,
    from,
    seen,
    opened: () => times,
    close: async () => {
      end.abort();
      await done;
    },
  };
}

export interface Chronicle {
  /** Of Clusters, ClusterNodes and ConfigMaps. */
  readonly watches: readonly OpenWatch[];
  /** The count of the newest acknowledged write. */
  acknowledged(): number;
  /** Sentences that writes failed with so far. */
  readonly failures: readonly string[];
  /** Ends it and judges. */
  close(): Promise<void>;
  /** Ends it, judged or not; may be called at any time. */
  abandon(): Promise<void>;
}

interface Acknowledged {
  readonly count: number;
  readonly revision: number;
}

export async function beginChronicle(plane: ControlPlane): Promise<Chronicle> {
  // Its own connection: what it sees must not hang on what tests do.
  const api = openApi(plane.kubeconfig);
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: SCRIBE, namespace: NAMESPACE }, data: { count: '0' } };
  const created = await api.create<ConfigMap>(CONFIG_MAPS, NAMESPACE, object, AbortSignal.timeout(CALL_MS));
  assert.ok(created.ok, 'the scribe has a place to write');
  const from = created.value.metadata.resourceVersion;
  const watches = [CLUSTERS, CLUSTER_NODES, CONFIG_MAPS].map((address) => openWatch(api, address, from));
  const end = new AbortController();
  const written: Acknowledged[] = [];
  const failures: string[] = [];
  const writing = write(api, written, failures, end.signal);
  return {
    watches,
    acknowledged: () => written.at(-1)?.count ?? 0,
    failures,
    close: async () => {
      end.abort();
      await writing;
      for (const watch of watches) await judgeWatch(api, watch);
      judgeWrites(written, watches[2]?.seen ?? []);
      say(
        `${written.length} writes were acknowledged, ${failures.length} not; each watch was opened ${watches.map((one) => one.opened()).join(', ')} times`,
      );
    },
    abandon: async () => {
      end.abort();
      await Promise.all([writing, ...watches.map((watch) => watch.close())]).catch(() => undefined);
      api.close();
    },
  };
}

/** Each write is made once: one that failed may have happened, so the next one says something else. */
async function write(api: DirectorApi, written: Acknowledged[], failures: string[], signal: AbortSignal): Promise<void> {
  for (let count = 1; !signal.aborted; count++) {
    try {
      const patch = { data: { count: String(count) } };
      const answer = await api.mergePatch<ConfigMap>(CONFIG_MAPS, NAMESPACE, SCRIBE, patch, AbortSignal.timeout(CALL_MS));
      if (answer.ok) written.push({ count, revision: Number(answer.value.metadata.resourceVersion) });
      else failures.push(`${answer.reason}: ${answer.message}`);
    } catch (cause) {
      if (!isFault(cause)) throw cause;
      failures.push(cause.message);
    }
    await wait(WRITE_EVERY_MS);
  }
}

/** All that was acknowledged was seen under its own revision with its own content, and what stands there at the end is not older. */
function judgeWrites(written: readonly Acknowledged[], seen: readonly Seen[]): void {
  const scribe = seen.filter((one) => one.name === `${NAMESPACE}/${SCRIBE}`);
  const byRevision = new Map(scribe.map((one) => [one.revision, one.count]));
  const lost = written.filter(({ count, revision }) => byRevision.get(revision) !== String(count));
  assert.deepEqual(lost, [], 'acknowledged writes that no watch saw');
  const counts = scribe.map((one) => Number(one.count));
  assert.deepEqual(
    counts,
    counts.toSorted((a, b) => a - b),
    'the writes of one writer are seen in their order',
  );
  assert.equal(new Set(counts).size, counts.length, 'no write happened twice');
}

/** What the open watch saw up to now is what a fresh watch from the same revision sees, and nothing of it is missing from the list. */
async function judgeWatch(api: DirectorApi, watch: OpenWatch): Promise<void> {
  const { address } = watch;
  const listed = await patiently('the list to compare with', () => api.list<AnyEntity>(address, {}, AbortSignal.timeout(CALL_MS)));
  assert.ok(listed.ok);
  const now = Number(listed.value.resourceVersion);
  const replay = openWatch(api, address, watch.from);
  const told = ({ seen }: OpenWatch): readonly string[] =>
    seen.filter((one) => one.revision <= now).map((one) => `${one.revision} ${one.type} ${one.name} ${one.uid}`);
  const isWhole = (one: OpenWatch): boolean => listed.value.items.every((item) => hasSeen(one, item));
  const isSame = (): boolean => isWhole(watch) && isWhole(replay) && told(watch).join() === told(replay).join();
  await eventually('both have caught up', isSame, CATCH_UP_MS).catch(() => undefined);
  await Promise.all([watch.close(), replay.close()]);
  assert.deepEqual(told(watch), told(replay), `the open watch of ${address.plural} saw what there was to see`);
  assert.ok(isWhole(watch), `the open watch of ${address.plural} saw all that is there`);
}

function hasSeen(watch: OpenWatch, { metadata }: AnyEntity): boolean {
  const revision = Number(metadata.resourceVersion);
  return revision <= Number(watch.from) || watch.seen.some((one) => one.uid === metadata.uid && one.revision >= revision);
}
