/**
 * The one door for rules that look beyond the object that is being written: its namespace, its owner's quota, the other definitions.
 *
 * Everything that one object's schema and CEL can say stays there. What stands here is what the director adds, and what an admission
 * webhook does on a plain Kubernetes API server.
 *
 * I1: rules read this director's copy of the store. A refusal is repeated on a fresh copy before it is answered (src/director/api/modify.ts),
 *     so a stale copy never refuses what is right; what it lets through by being stale is safe to let through, and each rule says why.
 */

import type { JsonObject } from '../../model/json.ts';
import type { ResourceType } from '../api/resource-type.ts';
import type { Refused } from '../api/status.ts';

export interface AdmissionRequest {
  readonly type: ResourceType;
  readonly operation: 'create' | 'update' | 'delete';
  readonly subresource: string;
  /** '' for cluster scoped kinds. */
  readonly namespace: string;
  readonly name: string;
  /** Absent on create. */
  readonly old?: JsonObject;
  /** Absent on delete. Rules may not change it. */
  readonly next?: JsonObject;
}

/** One rule: undefined lets the write pass. */
export type AdmissionRule = (request: AdmissionRequest) => Refused | undefined;

export interface Admission {
  /** Fills in what only the server knows; called before validation, changes `next` in place. */
  complete(request: AdmissionRequest): void;
  admit(request: AdmissionRequest): Refused | undefined;
}

export type Completion = (request: AdmissionRequest) => void;

export function admissionOf(completions: readonly Completion[], rules: readonly AdmissionRule[]): Admission {
  return {
    complete: (request) => {
      for (const completion of completions) completion(request);
    },
    admit: (request) => {
      for (const rule of rules) {
        const refusal = rule(request);
        if (refusal !== undefined) return refusal;
      }
      return undefined;
    },
  };
}
