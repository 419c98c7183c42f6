/**
 * delete and deletecollection: gone at once, or marked until its finalizers are dropped.
 *
 * I1: an object with finalizers is never removed by a deletion; it is marked once (`deletionTimestamp`), and later deletions change at most
 *     who waits for what (propagation).
 * I2: preconditions (uid, resourceVersion) are judged on the state that the write is guarded by.
 */

import type { Json, JsonObject } from '../../model/json.ts';
import { isJsonObject } from '../../model/json.ts';
import type { StoredEntity } from '../../ports/store.ts';
import type { Caller, Engine } from './engine.ts';
import { timestamp } from './engine.ts';
import { finalizersOf, FOREGROUND, isDeleting, metadataOf, ORPHAN, textOf } from './metadata.ts';
import { modify } from './modify.ts';
import type { Decision, Modified } from './modify.ts';
import { assembled, encode } from './prepare.ts';
import type { Query } from './query.ts';
import { keyOf, subjectOf } from './resource-type.ts';
import type { ResourceType } from './resource-type.ts';
import { accepted, badRequest, conflict, forbidden, notFound } from './status.ts';
import type { Outcome, Refused } from './status.ts';
import { permitted } from './write-verbs.ts';

export type Propagation = 'Background' | 'Foreground' | 'Orphan';

export interface DeleteOptions {
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
  /** Undefined: as the object's finalizers already say, else Background. */
  readonly propagation: Propagation | undefined;
  readonly dryRun: boolean;
}

export const PLAIN_DELETE: DeleteOptions = { uid: undefined, resourceVersion: undefined, propagation: undefined, dryRun: false };

const PROPAGATIONS = ['Background', 'Foreground', 'Orphan'] as const;

/** Options from the query and from the body (`DeleteOptions`, meta/v1); the body counts where both speak. */
export function readDeleteOptions(query: Query, body: Json | undefined): Outcome<DeleteOptions> {
  const given = body ?? {};
  if (!isJsonObject(given)) return badRequest('the body of a deletion must be a JSON object (DeleteOptions)');
  const preconditions = isJsonObject(given['preconditions'] ?? null) ? (given['preconditions'] as JsonObject) : {};
  const propagation = textOf(given['propagationPolicy']) || query.get('propagationPolicy') || undefined;
  const known = PROPAGATIONS.find((one) => one === propagation);
  if (propagation !== undefined && known === undefined) {
    return badRequest(
      `propagationPolicy: Unsupported value: ${JSON.stringify(propagation)}: supported values: "Background", "Foreground", "Orphan"`,
    );
  }
  if (given['orphanDependents'] !== undefined && given['orphanDependents'] !== null) {
    return badRequest('orphanDependents is not supported: use propagationPolicy Orphan or Background');
  }
  const dryRuns = Array.isArray(given['dryRun']) ? given['dryRun'] : [];
  const bad = dryRuns.find((one) => one !== 'All');
  if (bad !== undefined) return badRequest(`dryRun: Unsupported value: ${JSON.stringify(bad)}: supported values: "All"`);
  return accepted({
    uid: textOf(preconditions['uid']) || undefined,
    resourceVersion: textOf(preconditions['resourceVersion']) || undefined,
    propagation: known,
    dryRun: dryRuns.length > 0 || query.get('dryRun') === 'All',
  });
}

export interface DeletePlace {
  readonly type: ResourceType;
  readonly namespace: string;
  readonly name: string;
}

export async function deleteEntity(engine: Engine, caller: Caller, place: DeletePlace, options: DeleteOptions): Promise<Outcome<Modified>> {
  const { type, namespace, name } = place;
  const subject = subjectOf(type, name);
  const outcome = await modify(engine.store, {
    key: keyOf(type, namespace, name),
    signal: caller.signal,
    decide: (current) => decide(engine, caller, place, options, current),
    missing: () => notFound(subject),
    contended: () => conflict(subject, 'too many others change it at the same time; please try again'),
  });
  if (outcome.ok && !options.dryRun) engine.onDeletion();
  return outcome;
}

function decide(engine: Engine, caller: Caller, place: DeletePlace, options: DeleteOptions, current: StoredEntity): Outcome<Decision> {
  const { type, namespace, name } = place;
  const old = current.object();
  const refusal =
    preconditionFailure(place, options, current) ??
    (type.immortal.includes(name) ? forbidden(subjectOf(type, name), 'this object may not be deleted') : undefined) ??
    permitted(engine, caller, { type, operation: 'delete', subresource: '', namespace, name, old });
  if (refusal !== undefined) return refusal;
  const deleting = isDeleting(old);
  const finalizers = finalizersAfter(type, old, options.propagation);
  if (finalizers.length === 0) return accepted(options.dryRun ? { do: 'keep' } : { do: 'delete' });
  if (deleting && sameTexts(finalizers, finalizersOf(old))) return accepted({ do: 'keep' });
  const body = marked(type, old, finalizers, timestamp(engine.clock));
  if (!body.ok) return body;
  return accepted(options.dryRun ? { do: 'keep', bytes: body.value } : { do: 'write', body: body.value });
}

function preconditionFailure({ type, name }: DeletePlace, options: DeleteOptions, current: StoredEntity): Refused | undefined {
  const subject = subjectOf(type, name);
  const { uid, resourceVersion } = options;
  if (uid !== undefined && uid !== current.uid) {
    return conflict(subject, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.uid}`);
  }
  if (resourceVersion !== undefined && resourceVersion !== String(current.revision)) {
    const is = String(current.revision);
    return conflict(
      subject,
      `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${is}`,
    );
  }
  return undefined;
}

/** The finalizers with which the object waits. Once it is being deleted, only propagation may still change them. */
function finalizersAfter(type: ResourceType, old: JsonObject, propagation: Propagation | undefined): readonly string[] {
  const before = finalizersOf(old);
  const kept = propagation === undefined ? [...before] : before.filter((one) => one !== FOREGROUND && one !== ORPHAN);
  if (propagation === 'Foreground') kept.push(FOREGROUND);
  if (propagation === 'Orphan') kept.push(ORPHAN);
  const { cleanupFinalizer } = type;
  if (cleanupFinalizer !== undefined && !isDeleting(old) && !kept.includes(cleanupFinalizer)) kept.push(cleanupFinalizer);
  return kept;
}

/** The object with its mark. Its spec, and so its generation, stay. */
function marked(type: ResourceType, old: JsonObject, finalizers: readonly string[], now: string): Outcome<Buffer> {
  const { resourceVersion: _, ...metadata } = metadataOf(old);
  const mark: JsonObject = {
    deletionTimestamp: metadata['deletionTimestamp'] ?? now,
    deletionGracePeriodSeconds: 0,
    finalizers: [...finalizers],
  };
  return encode(assembled(type, { ...metadata, ...mark }, old));
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one, i) => one === b[i]);
}
