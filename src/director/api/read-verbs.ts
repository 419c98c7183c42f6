/**
 * get, list and watch as answers.
 *
 * I1: without a resourceVersion a read is linearizable; with `0` it is whatever this director has, also while the database is away.
 */

import { LIMITS } from '../../model/limits.ts';
import type { StoredEntity } from '../../ports/store.ts';
import type { ResourceCall } from './call.ts';
import type { Engine } from './engine.ts';
import { listMetadata, listPage, listPieces } from './list.ts';
import { countOption, isTrue, revisionOption } from './query.ts';
import type { Query } from './query.ts';
import { bytesReply, jsonReply } from './reply.ts';
import type { Reply } from './reply.ts';
import { keyOf, kindSubjectOf, subjectOf } from './resource-type.ts';
import type { ResourceType } from './resource-type.ts';
import { scaleOf } from './scale.ts';
import { inScope, passing, selectionOf } from './selection.ts';
import { accepted, badRequest, invalid, notFound, tooLarge } from './status.ts';
import type { Outcome, Refused } from './status.ts';
import { includeObjectOption, partialMetadata, partialMetadataList, tableOf, tableOfMany } from './table.ts';
import type { WatchHub, WatchStart } from './watch.ts';

export async function getEntity(
  engine: Engine,
  call: ResourceCall,
  type: ResourceType,
  namespace: string,
  name: string,
): Promise<Outcome<Reply>> {
  const revision = revisionOption(call.query);
  if (!revision.ok) return revision;
  if (revision.value === undefined) await engine.store.fresh(call.signal);
  else if (revision.value > engine.store.revision()) await engine.store.atLeast(revision.value, call.signal);
  const entity = engine.store.get(keyOf(type, namespace, name));
  if (entity === undefined) return notFound(subjectOf(type, name));
  const { subresource } = call.target;
  if (subresource === 'scale' && type.scale !== undefined) return accepted(jsonReply(200, scaleOf(type.scale, entity.object())));
  return entityReply(engine, call, type, 200, entity.bytes);
}

/** One object in the form that the client asked for. */
export function entityReply(engine: Engine, call: ResourceCall, type: ResourceType, code: number, bytes: Buffer): Outcome<Reply> {
  if (call.form === 'object') return accepted(bytesReply(code, bytes));
  const object = JSON.parse(bytes.toString('utf8')) as ReturnType<StoredEntity['object']>;
  if (call.form === 'metadata') return accepted(jsonReply(code, partialMetadata(object)));
  const include = includeObjectOption(call.query);
  return include.ok ? accepted(jsonReply(code, tableOf(type, object, include.value, engine.clock.nowMs()))) : include;
}

export async function listEntities(engine: Engine, call: ResourceCall, type: ResourceType): Promise<Outcome<Reply>> {
  const selection = selectionOf(type, call.target.namespace, call.query);
  if (!selection.ok) return selection;
  const page = await listPage(engine.store, type, selection.value, call.query, call.signal);
  if (!page.ok) return page;
  if (call.form === 'object') return accepted({ kind: 'pieces', ...listPieces(type, page.value) });
  if (page.value.items.length > LIMITS.tableRows) {
    return tooLarge(
      `a table holds at most ${LIMITS.tableRows} rows, this one would have ${page.value.items.length}; ask for pages with limit`,
    );
  }
  const metadata = listMetadata(page.value);
  if (call.form === 'metadata') return accepted(jsonReply(200, partialMetadataList(page.value.items, metadata)));
  const include = includeObjectOption(call.query);
  if (!include.ok) return include;
  return accepted(jsonReply(200, await tableOfMany(type, page.value.items, metadata, include.value, engine.clock.nowMs())));
}

interface WatchOptions {
  readonly revision: number | undefined;
  /** Undefined: not said, which means as before there was the option. */
  readonly sendInitial: boolean | undefined;
  readonly bookmarks: boolean;
  readonly timeoutMs: number | undefined;
}

export async function watchEntities(engine: Engine, hub: WatchHub, call: ResourceCall, type: ResourceType): Promise<Outcome<Reply>> {
  const { query, form } = call;
  const selection = selectionOf(type, call.target.namespace, query);
  if (!selection.ok) return selection;
  const options = watchOptions(type, query);
  if (!options.ok) return options;
  const include = includeObjectOption(query);
  if (!include.ok) return include;
  const { revision, sendInitial, bookmarks, timeoutMs } = options.value;
  const { store, clock } = engine;
  const wantsInitial = sendInitial ?? (revision === undefined || revision === 0);
  if (revision === undefined) await store.fresh(call.signal);
  else if (wantsInitial && revision > store.revision()) await store.atLeast(revision, call.signal);
  const fromNow = wantsInitial || revision === undefined || revision === 0;
  const scope = wantsInitial ? inScope(store, type, selection.value) : [];
  const at = store.revision();
  const start: WatchStart = {
    rendering: { type, form, include: include.value, test: selection.value.test, nowMs: () => clock.nowMs() },
    selection: selection.value,
    initial: wantsInitial ? await passing(scope, selection.value) : undefined,
    revision: fromNow ? at : revision,
    bookmarks,
    endInitial: sendInitial === true && bookmarks,
    timeoutMs,
  };
  return accepted({ kind: 'stream', run: (stream) => hub.start(stream, start) });
}

function watchOptions(type: ResourceType, query: Query): Outcome<WatchOptions> {
  const revision = revisionOption(query);
  if (!revision.ok) return revision;
  const timeout = countOption(query, 'timeoutSeconds');
  if (!timeout.ok) return timeout;
  const text = query.get('sendInitialEvents') ?? '';
  if (text !== '' && text !== 'true' && text !== 'false')
    return badRequest(`sendInitialEvents must be true or false, not ${JSON.stringify(text)}`);
  const sendInitial = text === '' ? undefined : text === 'true';
  const match = query.get('resourceVersionMatch') ?? '';
  const refusal = watchContradiction(type, sendInitial, match);
  if (refusal !== undefined) return refusal;
  const seconds = timeout.value ?? 0;
  return accepted({
    revision: revision.value,
    sendInitial,
    bookmarks: isTrue(query, 'allowWatchBookmarks'),
    timeoutMs: seconds === 0 ? undefined : seconds * 1000,
  });
}

/** As ListOptions of meta/v1 are validated. */
function watchContradiction(type: ResourceType, sendInitial: boolean | undefined, match: string): Refused | undefined {
  const wrong = (field: string, message: string): Refused =>
    invalid(kindSubjectOf(type, ''), [{ reason: 'FieldValueForbidden', field, message: `Forbidden: ${message}` }]);
  if (sendInitial !== undefined && match === '')
    return wrong('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan');
  if (match === '') return undefined;
  if (sendInitial === undefined)
    return wrong('resourceVersionMatch', 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided');
  return match === 'NotOlderThan' ? undefined : wrong('resourceVersionMatch', 'only NotOlderThan is supported for watch');
}
