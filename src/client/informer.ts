/**
 * Informer: a copy of one resource, kept current by list and watch.
 *
 * Decisions are made on such copies, which may lag; whatever destroys is decided anew on live reads (src/extension/act.ts, src/host/keeper.ts).
 *
 * I1: the copy never goes back: an older revision of the same object (by uid) is ignored. Only a list that was made after the known one is the truth
 *     whatever it shows: then the store itself went back, to an older copy, under a new era (its revisions are above all that was ever served).
 * I2: a watch resumes from the last revision seen; when that is too old the resource is listed again, and objects that are gone are reported gone.
 * I3: of what a write answered, a copy of a whole resource takes in new objects too, when they are newer than all that the watch has told: their
 *     deletion cannot have been told then. A list that was made before is not the word on them.
 * I4: failures are met with back-off and never end the informer; only the signal does.
 */

import { backoffMs } from '../base/backoff.ts';
import type { AnyEntity, ResourceAddress } from '../model/core-kinds.ts';
import { isFault } from '../model/fault.ts';
import type { EntityApi, Selection, WatchEvent } from '../ports/api.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Random } from '../ports/random.ts';

export interface InformerDeps {
  readonly api: EntityApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** The director refused a list or watch: there may be a reason that another read tells. */
  readonly onRefused?: () => void;
}

/** Called with the object as it is now; `gone` when it was deleted. */
export type ChangeListener<T> = (object: T, gone: boolean) => void;

export interface Informer<T extends AnyEntity> {
  /** False until the first list has arrived. */
  synced(): boolean;
  get(namespace: string, name: string): T | undefined;
  list(): Iterable<T>;
  /** Revision of the last list; 0 before the first. What was known at it or below, and is not in the copy, is past. */
  listedAt(): number;
  onChange(listener: ChangeListener<T>): void;
  /** Takes in an object that the director answered to a write, before the watch says it (I1, I3). */
  learn(object: T): void;
  /** Follows the resource until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

const RETRY = { baseMs: 200, capMs: 5_000, jitter: 0.5 };

/** `trim`: what of an object is kept, where there are many and little of each is needed; its metadata must name the same state of the same object. */
export function createInformer<T extends AnyEntity>(
  deps: InformerDeps,
  address: ResourceAddress<T>,
  selection: Selection = {},
  trim: (object: T) => T = (object) => object,
): Informer<T> {
  const copy = createCopy<T>(trim);
  let synced = false;
  let listedAt = 0;
  let revision = '';
  const isWhole = Object.values(selection).every((part) => part === undefined);

  const onEvent = (event: WatchEvent<T>): void => {
    if (event.type === 'BOOKMARK') revision = event.resourceVersion;
    else {
      revision = event.object.metadata.resourceVersion;
      if (event.type === 'DELETED') copy.drop(event.object);
      else copy.put(event.object);
    }
  };
  const relist = async (signal: AbortSignal): Promise<boolean> => {
    const answer = await deps.api.list(address, selection, signal);
    if (!answer.ok) {
      deps.log.warn(`The list of ${address.plural} was refused: ${answer.message}`);
      deps.onRefused?.();
      return false;
    }
    revision = answer.value.resourceVersion;
    listedAt = Number(revision);
    copy.become(answer.value.items, listedAt);
    synced = true;
    return true;
  };
  /** One list (when needed) and one watch. True: it went well. */
  const follow = async (signal: AbortSignal): Promise<boolean> => {
    if (revision === '' && !(await relist(signal))) return false;
    const ended = await deps.api.watch(address, { ...selection, resourceVersion: revision }, onEvent, signal);
    if (ended.ok) return true;
    if (ended.reason === 'Expired') revision = '';
    else {
      deps.log.warn(`The watch of ${address.plural} was refused: ${ended.message}`);
      deps.onRefused?.();
    }
    return ended.reason === 'Expired';
  };

  return {
    synced: () => synced,
    get: (namespace, name) => copy.objects.get(`${namespace}/${name}`),
    list: () => copy.objects.values(),
    listedAt: () => listedAt,
    onChange: (listener) => void copy.listeners.push(listener),
    learn: (object) => {
      const known = copy.objects.get(keyOf(object));
      const isNews = known === undefined && isWhole && revision !== '' && Number(object.metadata.resourceVersion) > Number(revision);
      if (isNews || known?.metadata.uid === object.metadata.uid) copy.put(object);
    },
    run: (signal) => followForever(deps, address, follow, signal),
  };
}

interface Copy<T> {
  readonly objects: Map<string, T>;
  readonly listeners: ChangeListener<T>[];
  put(object: T): void;
  drop(object: T): void;
  /** Takes a whole list, made at this revision, for the truth. */
  become(items: readonly T[], madeAt: number): void;
}

function createCopy<T extends AnyEntity>(trim: (object: T) => T): Copy<T> {
  const objects = new Map<string, T>();
  const listeners: ChangeListener<T>[] = [];
  const notify = (object: T, gone: boolean): void => {
    for (const listener of listeners) listener(object, gone);
  };
  /** `madeAt`: it is known to be so at that revision; of an event or an answer nothing is known beyond its own. */
  const put = (object: T, madeAt = Number(object.metadata.resourceVersion)): void => {
    const key = keyOf(object);
    const known = objects.get(key);
    const same = known?.metadata.uid === object.metadata.uid;
    const { resourceVersion } = object.metadata;
    if (same && (known?.metadata.resourceVersion === resourceVersion || Number(known?.metadata.resourceVersion) >= madeAt)) return;
    // The same name with another uid: the old one is gone, even though no event said so.
    if (known !== undefined && !same) notify(known, true);
    const kept = trim(object);
    objects.set(key, kept);
    notify(kept, false);
  };
  const drop = (object: T): void => {
    const known = objects.get(keyOf(object));
    if (known === undefined || known.metadata.uid !== object.metadata.uid) return;
    objects.delete(keyOf(object));
    notify(object, true);
  };
  const become = (items: readonly T[], madeAt: number): void => {
    const seen = new Set(items.map(keyOf));
    for (const [key, object] of objects) if (!seen.has(key) && Number(object.metadata.resourceVersion) <= madeAt) drop(object);
    for (const object of items) put(object, madeAt);
  };
  return { objects, listeners, put, drop, become };
}

async function followForever(
  deps: InformerDeps,
  address: ResourceAddress,
  follow: (signal: AbortSignal) => Promise<boolean>,
  signal: AbortSignal,
): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    const startedMs = deps.clock.monotonicMs();
    const well = await attempt(deps, address, follow, signal);
    // A watch that ends at once, again and again, is a failure too: never spin.
    const lasted = deps.clock.monotonicMs() - startedMs > RETRY.capMs;
    failures = well && lasted ? 0 : Math.min(failures + 1, 32);
    if (!signal.aborted) await deps.clock.sleep(backoffMs(RETRY, failures, deps.random.float()), signal).catch(() => undefined);
  }
}

async function attempt(
  deps: InformerDeps,
  address: ResourceAddress,
  follow: (signal: AbortSignal) => Promise<boolean>,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    return await follow(signal);
  } catch (cause) {
    if (signal.aborted) return true;
    if (!isFault(cause)) throw cause;
    deps.log.warn(`${address.plural} cannot be followed: ${cause.message}`);
    return false;
  }
}

function keyOf(object: AnyEntity): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}
