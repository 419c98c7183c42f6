/**
 * CustomResourceDefinitions: what may define a kind, and what a change of one may not do.
 *
 * I1: a definition that is stored can be served (src/director/api/crd.ts judges it whole).
 * I2: no change makes fields of stored objects vanish: where objects exist, or may, the new schema keeps what the old one kept.
 * I3: one name, one Kind, one owner within a group.
 */

import { isJsonObject } from '../../model/json.ts';
import type { JsonObject } from '../../model/json.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EntityStore } from '../../ports/store.ts';
import { CRD_GROUP, CRD_PLURAL } from '../api/builtins.ts';
import { crdStatus, readCrd } from '../api/crd.ts';
import { timestamp } from '../api/engine.ts';
import { claims } from '../api/registry.ts';
import type { Registry } from '../api/registry.ts';
import { kindSubjectOf } from '../api/resource-type.ts';
import type { ResourceType } from '../api/resource-type.ts';
import { invalid, methodNotAllowed } from '../api/status.ts';
import type { Cause, Refused } from '../api/status.ts';
import { schemaLosesFields } from '../schema/loses-fields.ts';
import type { AdmissionRequest, AdmissionRule, Completion } from './admission.ts';

/** How many lost fields a refusal names. */
const NAMED_MAX = 10;

function isDefinition(type: ResourceType): boolean {
  return type.group === CRD_GROUP && type.plural === CRD_PLURAL;
}

/** Status of a definition follows from it; nobody has to come by and set it. */
export function definitionStatus(clock: Clock): Completion {
  return ({ type, next }) => {
    if (!isDefinition(type) || next === undefined) return;
    if (readsAsDefinition(next)) next['status'] = crdStatus(next, timestamp(clock));
  };
}

/** True when the parts that the status speaks of have the right types; else validation refuses the definition anyway. */
function readsAsDefinition(crd: JsonObject): boolean {
  const { spec } = crd;
  return spec !== undefined && isJsonObject(spec) && isJsonObject(spec['names'] ?? null) && Array.isArray(spec['versions']);
}

export function definitionRule(registry: Pick<Registry, 'all'>, store: Pick<EntityStore, 'count'>): AdmissionRule {
  return (request) => {
    const { type, next, old, subresource } = request;
    if (!isDefinition(type) || next === undefined || subresource === 'status') return undefined;
    const read = readCrd(next);
    if (!read.ok) return refusal(request, read.causes);
    return clash(request, read.type, registry.all()) ?? (old === undefined ? undefined : loss(request, old, read.type, store));
  };
}

/** Nothing is created of a kind whose definition is being deleted, or is gone. */
export function servedRule(registry: Pick<Registry, 'find' | 'sync'>): AdmissionRule {
  return ({ type, operation }) => {
    if (operation !== 'create' || isDefinition(type)) return undefined;
    registry.sync();
    const served = registry.find(type.group, type.version, type.plural);
    if (served !== undefined && !served.terminating) return undefined;
    return methodNotAllowed(`create not allowed while the definition of ${type.plural} is terminating`);
  };
}

function refusal({ type, name }: AdmissionRequest, causes: readonly Cause[]): Refused {
  return invalid(kindSubjectOf(type, name), causes);
}

function clash(request: AdmissionRequest, defined: ResourceType, served: readonly ResourceType[]): Refused | undefined {
  const wanted = new Set(claims(defined));
  for (const other of served) {
    if (other.group === defined.group && other.plural === defined.plural) {
      // The definition itself as it is served now, or a built-in kind that nobody may redefine.
      if (request.operation === 'update') continue;
    }
    const taken = claims(other).find((claim) => wanted.has(claim));
    if (taken === undefined) continue;
    const what = taken.slice(defined.group.length + 1);
    const message = `Invalid value: ${JSON.stringify(what)}: is already the name of ${other.plural} in this group`;
    return refusal(request, [{ reason: 'FieldValueInvalid', field: 'spec.names', message }]);
  }
  return undefined;
}

function loss(request: AdmissionRequest, old: JsonObject, defined: ResourceType, store: Pick<EntityStore, 'count'>): Refused | undefined {
  if (store.count(defined.group, defined.plural) === 0) return undefined;
  const before = readCrd(old);
  if (!before.ok) return undefined;
  const lost = schemaLosesFields(before.type.openApi, defined.openApi);
  if (lost.length === 0) return undefined;
  const named = lost.slice(0, NAMED_MAX).join(', ') + (lost.length > NAMED_MAX ? ` and ${lost.length - NAMED_MAX} more` : '');
  const message = `Forbidden: the new schema would drop stored fields: ${named}; keep them in the schema, or delete the ${defined.plural} first`;
  const field = 'spec.versions[0].schema.openAPIV3Schema';
  return refusal(request, [{ reason: 'FieldValueForbidden', field, message }]);
}
