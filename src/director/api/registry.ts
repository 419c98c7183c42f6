/**
 * Which kinds are served right now: the built-in ones, and one for each CustomResourceDefinition in the store.
 *
 * Every director follows the definitions in the store by itself. `sync` compares what is compiled with what the store holds, by revision;
 * the watch only says when to look, so a lost event is no lost kind.
 *
 * I1: what `find` answers is as new as the store's copy at the last `sync`, and `sync` is called whenever that copy gets a definition.
 * I2: of two definitions that claim the same name or Kind in one group, the older one has it.
 */

import { assert } from '../../base/assert.ts';
import type { Log } from '../../ports/log.ts';
import type { EntityStore, StoredEntity, Subscription } from '../../ports/store.ts';
import { BUILT_INS, CRD_GROUP, CRD_PLURAL } from './builtins.ts';
import { readBuiltIn, readCrd } from './crd.ts';
import { metadataOf, textOf } from './metadata.ts';
import type { ResourceType } from './resource-type.ts';

export interface Registry {
  find(group: string, version: string, plural: string): ResourceType | undefined;
  findKind(apiVersion: string, kind: string): ResourceType | undefined;
  /** Sorted by group, then plural. The same array until something changes. */
  all(): readonly ResourceType[];
  /** True for the kind of definitions: writing one of them changes what is served. */
  isDefinition(type: ResourceType): boolean;
  /** Compares with the store and compiles what is new. */
  sync(): void;
  /** Follows the store until the signal aborts. */
  follow(signal: AbortSignal): void;
}

export interface RegistryOptions {
  readonly store: Pick<EntityStore, 'list' | 'subscribe' | 'revision'>;
  readonly log: Log;
}

interface Compiled {
  readonly revision: number;
  readonly uid: string;
  /** When it was created, RFC 3339. */
  readonly born: string;
  /** Undefined: it is stored, but this director cannot serve it. */
  readonly type: ResourceType | undefined;
}

interface Index {
  readonly all: readonly ResourceType[];
  readonly byPath: ReadonlyMap<string, ResourceType>;
  readonly byKind: ReadonlyMap<string, ResourceType>;
}

export function createRegistry({ store, log }: RegistryOptions): Registry {
  const builtIns = BUILT_INS.map((builtIn) => {
    const result = readBuiltIn(builtIn);
    assert(result.ok, `the built-in kind ${builtIn.kind} compiles: ${result.ok ? '' : JSON.stringify(result.causes)}`);
    return result.type;
  });
  const compiled = new Map<string, Compiled>();
  let index = indexOf(builtIns);

  const sync = (): void => {
    const stored = store.list(CRD_GROUP, CRD_PLURAL);
    let changed = dropGone(compiled, stored);
    for (const entity of stored) {
      const before = compiled.get(entity.key.name);
      if (before !== undefined && before.revision === entity.revision && before.uid === entity.uid) continue;
      compiled.set(entity.key.name, compileOne(entity, log));
      changed = true;
    }
    if (changed) index = indexOf([...builtIns, ...winners(compiled, builtIns, log)]);
  };

  return {
    find: (group, version, plural) => index.byPath.get(pathKey(group, version, plural)),
    findKind: (apiVersion, kind) => index.byKind.get(`${apiVersion}/${kind}`),
    all: () => index.all,
    isDefinition: (type) => type.group === CRD_GROUP && type.plural === CRD_PLURAL,
    sync,
    follow: (signal) => followCrds(store, sync, signal),
  };
}

function compileOne(entity: StoredEntity, log: Log): Compiled {
  const crd = entity.object();
  const result = readCrd(crd);
  if (!result.ok) {
    const causes = result.causes.map(({ field, message }) => `${field}: ${message}`);
    log.error('a stored CustomResourceDefinition cannot be served by this director; its objects are kept', {
      definition: entity.key.name,
      causes,
    });
  }
  const born = textOf(metadataOf(crd)['creationTimestamp']);
  return { revision: entity.revision, uid: entity.uid, born, type: result.ok ? result.type : undefined };
}

function dropGone(compiled: Map<string, Compiled>, stored: readonly StoredEntity[]): boolean {
  const names = new Set(stored.map((entity) => entity.key.name));
  let dropped = false;
  for (const name of compiled.keys()) {
    if (names.has(name)) continue;
    compiled.delete(name);
    dropped = true;
  }
  return dropped;
}

/** Definitions in the order of their creation; a later one that claims a taken name is left out. */
function winners(compiled: ReadonlyMap<string, Compiled>, builtIns: readonly ResourceType[], log: Log): ResourceType[] {
  const taken = new Set(builtIns.flatMap(claims));
  const result: ResourceType[] = [];
  const inOrder = [...compiled.entries()].sort(([a, { born: x }], [b, { born: y }]) => compare(x, y) || compare(a, b));
  for (const [name, { type }] of inOrder) {
    if (type === undefined) continue;
    const clash = claims(type).find((claim) => taken.has(claim));
    if (clash !== undefined) {
      log.error('two CustomResourceDefinitions claim one name; this one is not served', { definition: name, claim: clash });
      continue;
    }
    for (const claim of claims(type)) taken.add(claim);
    result.push(type);
  }
  return result;
}

/** Names within a group that only one kind may have. */
export function claims(type: ResourceType): string[] {
  const names = new Set([type.plural, type.singular, ...type.shortNames]);
  return [...[...names].map((name) => `${type.group}/${name}`), ...[type.kind, type.listKind].map((kind) => `${type.group}#${kind}`)];
}

function indexOf(types: readonly ResourceType[]): Index {
  const all = [...types].sort((a, b) => (a.group === b.group ? compare(a.plural, b.plural) : compare(a.group, b.group)));
  return {
    all,
    byPath: new Map(all.map((type) => [pathKey(type.group, type.version, type.plural), type])),
    byKind: new Map(all.map((type) => [`${type.apiVersion}/${type.kind}`, type])),
  };
}

function pathKey(group: string, version: string, plural: string): string {
  return `${group}/${version}/${plural}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function followCrds(store: RegistryOptions['store'], sync: () => void, signal: AbortSignal): void {
  let subscription: Subscription | undefined;
  const start = (): void => {
    if (signal.aborted) return;
    sync();
    const started = store.subscribe({ group: CRD_GROUP, resource: CRD_PLURAL }, store.revision(), {
      events: sync,
      // Fell behind, or a new era: everything is looked at again. `closed`: the store is going, and so are we.
      end: (reason) => {
        if (reason !== 'closed') queueMicrotask(start);
      },
    });
    assert(started !== 'expired', 'a subscription from the current revision is never too old');
    subscription = started;
  };
  start();
  signal.addEventListener('abort', () => subscription?.close(), { once: true });
}
