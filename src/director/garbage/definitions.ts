/**
 * Deletion of a CustomResourceDefinition: first all objects of its kind, then itself.
 *
 * I1: a definition goes only when a fresh look shows none of its objects.
 */

import type { Engine } from '../api/engine.ts';
import { CRD_FINALIZER, CRD_GROUP, CRD_PLURAL } from '../api/builtins.ts';
import { dropFinalizer } from '../api/finalizers.ts';
import { finalizersOf, isDeleting } from '../api/metadata.ts';
import { readCrd } from '../api/crd.ts';
import { deleteAll, looksDeleting } from './collect.ts';
import type { SweepResult } from './collect.ts';

export async function sweepDefinitions(engine: Engine, signal: AbortSignal): Promise<SweepResult> {
  let pending = false;
  for (const definition of engine.store.list(CRD_GROUP, CRD_PLURAL)) {
    if (!looksDeleting(definition)) continue;
    const object = definition.object();
    if (!isDeleting(object) || !finalizersOf(object).includes(CRD_FINALIZER)) continue;
    const read = readCrd(object);
    if (read.ok) {
      const { type } = read;
      await deleteAll(engine, type, engine.store.list(type.group, type.plural), undefined, signal);
      await engine.store.fresh(signal);
      if (engine.store.count(type.group, type.plural) > 0) {
        pending = true;
        continue;
      }
    }
    await dropFinalizer(engine, definition.key, definition.uid, CRD_FINALIZER, signal);
    engine.registry.sync();
  }
  return { pending };
}
