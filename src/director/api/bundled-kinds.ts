/**
 * Outrigger's own kinds, written into the store at start as the CustomResourceDefinitions that they are.
 *
 * A stored definition of the same or a higher bundle number is left alone, also when people have changed it. Several directors may do this at
 * once: each write is a compare-and-swap.
 *
 * I1: a definition of a higher bundle is never overwritten by an older program.
 * I2: a change that would lose stored fields is refused here as anywhere, and said in the log; the kind goes on being served as stored.
 */

import { ANNOTATION_BUNDLE, crdOf } from '../../model/crd.ts';
import type { JsonObject } from '../../model/json.ts';
import type { KindDefinition } from '../../model/resource.ts';
import { CRD_GROUP, CRD_PLURAL } from './builtins.ts';
import { writeOptions } from './engine.ts';
import type { Caller, Engine } from './engine.ts';
import { GROUP_ADMINS } from '../auth/identity.ts';
import type { Identity } from '../auth/identity.ts';
import { metadataOf, textOf } from './metadata.ts';
import { present } from '../../base/assert.ts';
import { accepted } from './status.ts';
import type { Outcome } from './status.ts';
import { change, createEntity } from './write-verbs.ts';
import type { Place, Written } from './write-verbs.ts';

/** The director as the author of what it writes by itself. */
export const DIRECTOR_IDENTITY: Identity = { kind: 'admin', name: 'system:director', groups: [GROUP_ADMINS] };

/** How many definitions were written. */
export async function installKinds(engine: Engine, kinds: readonly KindDefinition[], signal: AbortSignal): Promise<number> {
  let written = 0;
  await engine.store.fresh(signal);
  for (const kind of kinds) if (await installOne(engine, crdOf(kind), signal)) written++;
  engine.registry.sync();
  return written;
}

async function installOne(engine: Engine, crd: JsonObject, signal: AbortSignal): Promise<boolean> {
  const name = textOf(metadataOf(crd)['name']);
  const type = present(engine.registry.find(CRD_GROUP, 'v1', CRD_PLURAL), 'the kind of definitions');
  const attributes = { verb: 'update', group: CRD_GROUP, version: 'v1', resource: CRD_PLURAL, namespace: '', name };
  const caller: Caller = { identity: DIRECTOR_IDENTITY, attributes, signal, internal: false };
  const options = writeOptions(false, 'Strict');
  const place: Place = { type, namespace: '', name, subresource: '' };
  const stored = engine.store.get({ group: CRD_GROUP, resource: CRD_PLURAL, namespace: '', name });
  if (stored !== undefined && bundleOf(stored.object()) >= bundleOf(crd)) return false;
  const outcome: Outcome<Written> =
    stored === undefined
      ? await createEntity(engine, caller, place, crd, options)
      : await change(engine, caller, place, options, (_current, old) => accepted(renewed(old, crd)));
  // Another director was faster.
  if (!outcome.ok && outcome.reason === 'AlreadyExists') return false;
  if (!outcome.ok)
    engine.log.error('a bundled kind could not be written; it is served as stored, if it is', {
      definition: name,
      reason: outcome.message,
    });
  return outcome.ok;
}

/** The new definition in the old one's life; an older bundle never replaces a newer one, also when it loses a race. */
function renewed(old: JsonObject, crd: JsonObject): JsonObject {
  if (bundleOf(old) >= bundleOf(crd)) return old;
  const [was, is] = [metadataOf(old), metadataOf(crd)];
  const annotations = { ...(was['annotations'] as JsonObject | undefined), ...(is['annotations'] as JsonObject | undefined) };
  return { ...crd, metadata: { ...was, annotations } };
}

function bundleOf(crd: JsonObject): number {
  const annotations = metadataOf(crd)['annotations'];
  const number = Number(textOf((annotations as JsonObject | undefined)?.[ANNOTATION_BUNDLE]));
  return Number.isSafeInteger(number) ? number : 0;
}
