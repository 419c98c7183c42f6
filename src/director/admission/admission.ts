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
  /**
   * Asked again once a creation is committed, when this copy shows everything that was committed before it: a refusal takes the creation back.
   * So what is being emptied (a namespace, a kind) is never filled behind the back of whoever empties it.
   */
  confirm(request: AdmissionRequest): Refused | undefined;
}

export type Completion = (request: AdmissionRequest) => void;

export interface AdmissionRules {
  readonly completions: readonly Completion[];
  readonly rules: readonly AdmissionRule[];
  /** Those of the rules that must hold still when a creation is committed; cheap, because every creation asks them twice. */
  readonly confirmations: readonly AdmissionRule[];
}

export function admissionOf({ completions, rules, confirmations }: AdmissionRules): Admission {
  return {
    complete: (request) => {
      for (const completion of completions) completion(request);
    },
    admit: (request) => firstRefusal(rules, request),
    confirm: (request) => firstRefusal(confirmations, request),
  };
}

function firstRefusal(rules: readonly AdmissionRule[], request: AdmissionRequest): Refused | undefined {
  for (const rule of rules) {
    const refusal = rule(request);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}
