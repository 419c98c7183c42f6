/**
 * The rules of `metadata`: what a client may say, what the server fills in, and what nobody may change.
 *
 * I1: uid, creationTimestamp, generation, deletionTimestamp and deletionGracePeriodSeconds are the server's; what a client sends for them is
 *     compared (uid) or dropped, never stored.
 * I2: metadata begins with `name`, so that a body can always take the revision by position (src/director/store/splice.ts).
 * I3: finalizers are only added while an object is not being deleted.
 */

import { isJsonObject } from '../../model/json.ts';
import type { Json, JsonObject } from '../../model/json.ts';
import { annotationsProblem, labelKeyProblem, labelValueProblem, nameProblem } from './names.ts';
import { kindSubjectOf, subjectOf } from './resource-type.ts';
import type { ResourceType } from './resource-type.ts';
import { accepted, badRequest, conflict, invalid, modified } from './status.ts';
import type { Cause, Outcome, Refused } from './status.ts';

export const FOREGROUND = 'foregroundDeletion';
export const ORPHAN = 'orphan';
const UNQUALIFIED_FINALIZERS = new Set([FOREGROUND, ORPHAN, 'kubernetes']);
const FINALIZERS_MAX = 64;
const OWNERS_MAX = 256;
/** Consonants and digits that spell no word, as in k8s.io/apimachinery's rand. */
const SUFFIX_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
const SUFFIX_LENGTH = 5;
const BASE_MAX = 63 - SUFFIX_LENGTH;

export function metadataOf(object: JsonObject): JsonObject {
  const { metadata } = object;
  return isJsonObject(metadata) ? metadata : {};
}

export function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

export function finalizersOf(object: JsonObject): readonly string[] {
  const { finalizers } = metadataOf(object);
  return Array.isArray(finalizers) ? finalizers.filter((one) => typeof one === 'string') : [];
}

export function isDeleting(object: JsonObject): boolean {
  return typeof metadataOf(object)['deletionTimestamp'] === 'string';
}

/** The types of metadata's fields are judged by the kind's schema; here only what the following code relies on. */
export function metadataShape(type: ResourceType, object: JsonObject): Refused | undefined {
  const expected = `${type.kind} in version ${JSON.stringify(type.version)} cannot be handled as a ${type.kind}`;
  const { metadata, kind, apiVersion } = object;
  if (metadata !== undefined && !isJsonObject(metadata)) return badRequest(`${expected}: metadata must be an object`);
  if (kind !== undefined && kind !== type.kind)
    return badRequest(`the kind of the object, ${JSON.stringify(kind)}, is not ${JSON.stringify(type.kind)}, which is served here`);
  if (apiVersion !== undefined && apiVersion !== type.apiVersion) {
    return badRequest(
      `the API version in the data (${textOf(apiVersion) || 'no text'}) does not match the expected API version (${type.apiVersion})`,
    );
  }
  for (const field of ['name', 'generateName', 'namespace', 'uid', 'resourceVersion']) {
    const value = metadata?.[field];
    if (value !== undefined && value !== null && typeof value !== 'string')
      return badRequest(`${expected}: metadata.${field} must be a text`);
  }
  return undefined;
}

export interface Birth {
  readonly namespace: string;
  readonly uid: string;
  /** RFC 3339, seconds. */
  readonly now: string;
  /** Uniform in [0, 1). */
  readonly dice: () => number;
}

/** The metadata of a new object. */
export function bornMetadata(type: ResourceType, object: JsonObject, birth: Birth): Outcome<JsonObject> {
  const given = metadataOf(object);
  if (textOf(given['resourceVersion']) !== '') return badRequest('resourceVersion should not be set on objects to be created');
  const wrong = namespaceMismatch(type, given, birth.namespace);
  if (wrong !== undefined) return wrong;
  let name = textOf(given['name']);
  const generateName = textOf(given['generateName']);
  if (name === '' && generateName !== '') name = generateName.slice(0, BASE_MAX) + suffix(birth.dice);
  if (name === '') {
    const causes = [{ reason: 'FieldValueRequired', message: 'Required value: name or generateName is required', field: 'metadata.name' }];
    return invalid(kindSubjectOf(type, ''), causes);
  }
  const metadata: JsonObject = { name };
  if (generateName !== '') metadata['generateName'] = generateName;
  if (type.namespaced) metadata['namespace'] = birth.namespace;
  metadata['uid'] = birth.uid;
  metadata['creationTimestamp'] = birth.now;
  if (type.generation) metadata['generation'] = 1;
  copyClientFields(given, metadata);
  return accepted(metadata);
}

/** The metadata of an update: the client's fields from `given`, all else from `old`. */
export function keptMetadata(type: ResourceType, old: JsonObject, given: JsonObject): Outcome<JsonObject> {
  const name = textOf(old['name']);
  const subject = subjectOf(type, name);
  const claimed = textOf(given['name']);
  if (claimed !== '' && claimed !== name)
    return badRequest(`the name of the object (${claimed}) does not match the name on the URL (${name})`);
  const wrong = namespaceMismatch(type, given, textOf(old['namespace']));
  if (wrong !== undefined) return wrong;
  const uid = textOf(given['uid']);
  if (uid !== '' && uid !== old['uid']) {
    return conflict(subject, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${textOf(old['uid'])}`);
  }
  const revision = textOf(given['resourceVersion']);
  if (revision !== '' && revision !== '0' && revision !== old['resourceVersion']) return modified(subject);
  const metadata: JsonObject = { name };
  for (const field of KEPT_FIELDS) {
    if (old[field] !== undefined) metadata[field] = old[field];
  }
  copyClientFields(given, metadata);
  return accepted(metadata);
}

/** Fields that belong to clients, as they came; fields that nobody knows go along, so that pruning can name them. */
function copyClientFields(given: JsonObject, metadata: JsonObject): void {
  for (const field in given) {
    if (SERVER_FIELDS.has(field) || Object.hasOwn(metadata, field)) continue;
    const value = given[field] as Json;
    if (value !== null && !isEmpty(value)) metadata[field] = value;
  }
}

/** What an update keeps of the old metadata, whatever a client says. */
const KEPT_FIELDS = [
  'generateName',
  'namespace',
  'uid',
  'creationTimestamp',
  'generation',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
];
const SERVER_FIELDS = new Set([...KEPT_FIELDS, 'name', 'resourceVersion', 'selfLink', 'managedFields']);

function isEmpty(value: Json): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Array.isArray(value) ? value.length === 0 : Object.keys(value).length === 0;
}

function namespaceMismatch(type: ResourceType, given: JsonObject, namespace: string): Refused | undefined {
  const claimed = textOf(given['namespace']);
  if (claimed === '' || claimed === namespace) return undefined;
  if (!type.namespaced) {
    return badRequest(`namespace may not be set on ${type.plural}: they belong to no namespace`);
  }
  return badRequest(`the namespace of the provided object does not match the namespace sent on the request (${claimed} and ${namespace})`);
}

function suffix(dice: () => number): string {
  let text = '';
  for (let i = 0; i < SUFFIX_LENGTH; i++) text += SUFFIX_ALPHABET[Math.floor(dice() * SUFFIX_ALPHABET.length)] ?? 'x';
  return text;
}

/** What is wrong with names, labels, annotations, finalizers and owners. `old` is undefined for a new object. */
export function metadataProblems(type: ResourceType, metadata: JsonObject, old: JsonObject | undefined): Cause[] {
  const causes: Cause[] = [];
  const add = (field: string, value: Json, why: string): void => {
    causes.push({ reason: 'FieldValueInvalid', field: `metadata.${field}`, message: `Invalid value: ${JSON.stringify(value)}: ${why}` });
  };
  if (old === undefined) {
    const name = textOf(metadata['name']);
    const problem = nameProblem(name, type.nameRule);
    if (problem !== undefined) add(metadata['generateName'] === undefined ? 'name' : 'generateName', name, problem);
  }
  const { labels, annotations } = metadata;
  if (isJsonObject(labels) && labels !== old?.['labels']) labelProblems(labels, add);
  if (isJsonObject(annotations) && annotations !== old?.['annotations']) annotationProblems(annotations, add);
  finalizerProblems(metadata, old, add);
  ownerProblems(metadata, add);
  return causes;
}

type Add = (field: string, value: Json, why: string) => void;

function labelProblems(labels: JsonObject, add: Add): void {
  for (const key in labels) {
    const bad = labelKeyProblem(key) ?? labelValueProblem(textOf(labels[key]));
    if (bad !== undefined) add('labels', labelKeyProblem(key) === undefined ? (labels[key] ?? null) : key, bad);
  }
}

function annotationProblems(annotations: JsonObject, add: Add): void {
  for (const key in annotations) {
    const bad = labelKeyProblem(key.toLowerCase());
    if (bad !== undefined) add('annotations', key, bad);
  }
  const large = annotationsProblem(annotations as Record<string, string>);
  if (large !== undefined) add('annotations', '', large);
}

function finalizerProblems(metadata: JsonObject, old: JsonObject | undefined, add: Add): void {
  const { finalizers } = metadata;
  if (!Array.isArray(finalizers)) return;
  const before = old === undefined ? [] : ((old['finalizers'] ?? []) as Json[]);
  for (const one of finalizers) {
    if (typeof one !== 'string' || before.includes(one)) continue;
    if (typeof metadata['deletionTimestamp'] === 'string')
      add('finalizers', one, 'no new finalizers can be added if the object is being deleted');
    else if (!UNQUALIFIED_FINALIZERS.has(one) && (labelKeyProblem(one) !== undefined || !one.includes('/'))) {
      add('finalizers', one, 'must be a domain and a name, such as example.com/cleanup');
    }
  }
  if (finalizers.length > FINALIZERS_MAX) add('finalizers', finalizers.length, `must have at most ${FINALIZERS_MAX} items`);
}

function ownerProblems(metadata: JsonObject, add: Add): void {
  const owners = metadata['ownerReferences'];
  if (!Array.isArray(owners)) return;
  let controllers = 0;
  for (const owner of owners) {
    if (!isJsonObject(owner)) continue;
    for (const field of ['apiVersion', 'kind', 'name', 'uid']) {
      if (textOf(owner[field]) === '') add('ownerReferences', owner, `${field} must not be empty`);
    }
    if (owner['controller'] === true) controllers++;
  }
  if (controllers > 1) add('ownerReferences', controllers, 'only one reference can have controller set to true');
  if (owners.length > OWNERS_MAX) add('ownerReferences', owners.length, `must have at most ${OWNERS_MAX} items`);
}
