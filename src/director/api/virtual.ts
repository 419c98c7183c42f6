/**
 * Resources that are answered and never stored: reviews ("may I?", "who am I?") and token requests.
 *
 * They stand in discovery like all others. What they answer is the business of auth; here is only where they are found.
 */

import type { Json } from '../../model/json.ts';
import type { AuthAnswer, Identity, Reviews } from '../auth/identity.ts';

export interface VirtualResource {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly namespaced: boolean;
  /** Set: a subresource of the stored kind with that plural, in the core group. */
  readonly parent: string | undefined;
  /** Where the answer's own group differs from the parent's. */
  readonly responseGroup: string;
  answer(
    reviews: Reviews,
    identity: Identity,
    namespace: string,
    name: string,
    body: Json | undefined,
    signal: AbortSignal,
  ): AuthAnswer | Promise<AuthAnswer>;
}

export const VIRTUAL_RESOURCES: readonly VirtualResource[] = [
  {
    group: 'authorization.k8s.io',
    version: 'v1',
    kind: 'SelfSubjectAccessReview',
    plural: 'selfsubjectaccessreviews',
    singular: 'selfsubjectaccessreview',
    namespaced: false,
    parent: undefined,
    responseGroup: 'authorization.k8s.io',
    answer: (reviews, identity, _namespace, _name, body) => reviews.selfSubjectAccessReview(identity, body),
  },
  {
    group: 'authentication.k8s.io',
    version: 'v1',
    kind: 'SelfSubjectReview',
    plural: 'selfsubjectreviews',
    singular: 'selfsubjectreview',
    namespaced: false,
    parent: undefined,
    responseGroup: 'authentication.k8s.io',
    answer: (reviews, identity, _namespace, _name, body) => reviews.selfSubjectReview(identity, body),
  },
  {
    group: '',
    version: 'v1',
    kind: 'TokenRequest',
    plural: 'token',
    singular: '',
    namespaced: true,
    parent: 'serviceaccounts',
    responseGroup: 'authentication.k8s.io',
    answer: (reviews, _identity, namespace, name, body, signal) => reviews.tokenRequest(namespace, name, body, signal),
  },
];

/** The virtual resource at a path; `subresource` undefined for the resource itself. */
export function findVirtual(
  group: string,
  version: string,
  resource: string,
  subresource: string | undefined,
): VirtualResource | undefined {
  return VIRTUAL_RESOURCES.find((one) => {
    if (one.group !== group || one.version !== version) return false;
    return one.parent === undefined
      ? one.plural === resource && subresource === undefined
      : one.parent === resource && one.plural === subresource;
  });
}
