/**
 * When a node's certificates are revoked must be a time that has come: one far in the future would also refuse those that it gets next.
 */

import { isJsonObject } from '../../model/json.ts';
import type { JsonObject } from '../../model/json.ts';
import { LIMITS } from '../../model/limits.ts';
import { API_GROUP } from '../../model/resource.ts';
import type { Clock } from '../../ports/clock.ts';
import { subjectOf } from '../api/resource-type.ts';
import { forbidden } from '../api/status.ts';
import type { AdmissionRule } from './admission.ts';

export function revocationRule(clock: Clock): AdmissionRule {
  return ({ type, operation, subresource, name, old, next }) => {
    if (operation === 'delete' || subresource !== '' || type.group !== API_GROUP || type.plural !== 'clusternodes') return undefined;
    const revokedBefore = revocation(next);
    if (typeof revokedBefore !== 'string' || revokedBefore === revocation(old)) return undefined;
    const nowMs = clock.nowMs();
    if (Date.parse(revokedBefore) <= nowMs + LIMITS.revocationAheadMs) return undefined;
    return forbidden(
      subjectOf(type, name),
      `spec.revokedBefore ${revokedBefore} lies in the future: by the clock of this director it is ${new Date(nowMs).toISOString()}; certificates that the node gets until then would be refused too`,
    );
  };
}

function revocation(object: JsonObject | undefined): unknown {
  const spec = object?.['spec'];
  return spec !== undefined && isJsonObject(spec) ? spec['revokedBefore'] : undefined;
}
