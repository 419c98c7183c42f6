/**
 * The caches of a process: each resource follows the store's history in order, late, and each as late as it likes.
 */

import type { AnyEntity } from '../src/model/core-kinds.ts';
import type { ChangeListener, Informer } from '../src/client/informer.ts';
import { cutLeftMs, lagMs } from './faults.ts';
import { later } from './process.ts';
import type { Life } from './process.ts';
import type { World } from './world.ts';

const LIST_MS = 30;

/** An informer that needs no watch. It begins with a list, some ms after the life's start. */
export function simulatedInformer<T extends AnyEntity>(
  world: World,
  life: Life,
  plural: string,
  wanted: (object: T) => boolean = () => true,
): Informer<T> {
  const { objects, listeners, put, drop } = createCopy<T>();
  const history = world.store.history(plural);
  let position = -1;
  let deliveredMs = 0;

  /** Takes in everything up to `upTo`, in order, whatever was planned when. */
  const catchUp = (upTo: number): void => {
    const cutMs = cutLeftMs(world.faults, life.process.name, world.scheduler.nowMs());
    if (cutMs > 0) {
      later(life, cutMs + 10, () => catchUp(upTo));
      return;
    }
    for (; position >= 0 && position < upTo; position++) {
      const commit = history[position];
      if (commit === undefined) break;
      const object = commit.object as unknown as T;
      if (!wanted(object)) continue;
      if (commit.type === 'DELETED') drop(object);
      else put(object);
    }
  };
  const sync = (): void => {
    const cutMs = cutLeftMs(world.faults, life.process.name, world.scheduler.nowMs());
    if (cutMs > 0) {
      later(life, cutMs + 10, sync);
      return;
    }
    position = history.length;
    for (const object of world.store.list(plural)) if (wanted(object as unknown as T)) put(object as unknown as T);
  };

  later(life, LIST_MS, sync);
  world.store.onCommit((commit) => {
    if (commit.plural !== plural || life.over) return;
    const nowMs = world.scheduler.nowMs();
    const upTo = history.length;
    deliveredMs = Math.max(deliveredMs, nowMs + lagMs(world.faults, life.process.name, plural, nowMs, life.process.dice));
    later(life, deliveredMs - nowMs, () => catchUp(upTo));
  });
  return {
    synced: () => position >= 0,
    get: (namespace, name) => objects.get(`${namespace}/${name}`),
    list: () => objects.values(),
    onChange: (listener) => void listeners.push(listener),
    listedAt: () => 0,
    learn: (object) => {
      if (objects.get(keyOf(object))?.metadata.uid === object.metadata.uid) put(object);
    },
    run: () => Promise.resolve(),
  };
}

interface Copy<T> {
  readonly objects: Map<string, T>;
  readonly listeners: ChangeListener<T>[];
  readonly put: (object: T) => void;
  readonly drop: (object: T) => void;
}

/** A copy that never goes back. */
function createCopy<T extends AnyEntity>(): Copy<T> {
  const objects = new Map<string, T>();
  const listeners: ChangeListener<T>[] = [];
  return {
    objects,
    listeners,
    put: (object) => {
      const known = objects.get(keyOf(object));
      if (known?.metadata.uid === object.metadata.uid && Number(known.metadata.resourceVersion) >= Number(object.metadata.resourceVersion))
        return;
      objects.set(keyOf(object), object);
      for (const listener of listeners) listener(object, false);
    },
    drop: (object) => {
      if (objects.get(keyOf(object))?.metadata.uid !== object.metadata.uid) return;
      objects.delete(keyOf(object));
      for (const listener of listeners) listener(object, true);
    },
  };
}

function keyOf(object: AnyEntity): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}
