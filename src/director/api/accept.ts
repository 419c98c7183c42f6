/**
 * What form of answer a client asks for, from its Accept header.
 *
 * Everything is JSON here. Clients that would rather have protobuf name JSON as their second choice, and take it.
 */

import { accepted, refused } from './status.ts';
import type { Outcome } from './status.ts';

/** `object`: as stored. `table`: columns and rows, for people. `metadata`: PartialObjectMetadata, for caches that need no more. */
export type Form = 'object' | 'table' | 'metadata';

/** Headers of clients are few and alike; strangers' are not kept beyond this. */
const CACHE_MAX = 256;
const cache = new Map<string, Outcome<Form>>();
const PLAIN: Outcome<Form> = accepted('object');

export function acceptedForm(header: string | undefined): Outcome<Form> {
  if (header === undefined || header === '' || header === 'application/json') return PLAIN;
  const known = cache.get(header);
  if (known !== undefined) return known;
  const form = negotiate(header);
  if (cache.size >= CACHE_MAX) cache.clear();
  cache.set(header, form);
  return form;
}

function negotiate(header: string): Outcome<Form> {
  for (const range of header.split(',')) {
    const [media = '', ...parameters] = range.split(';').map((part) => part.trim());
    const as = parameters.find((one) => one.startsWith('as='))?.slice(3);
    if (media !== 'application/json' && media !== '*/*' && media !== 'application/*') continue;
    if (as === undefined) return PLAIN;
    if (!parameters.includes('g=meta.k8s.io')) continue;
    if (as === 'Table') return accepted('table');
    if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') return accepted('metadata');
  }
  return refused(
    406,
    'NotAcceptable',
    'only the following media types are accepted: application/json (also as=Table and as=PartialObjectMetadata)',
  );
}

/** True when discovery is asked for in its aggregated form. */
export function wantsAggregatedDiscovery(header: string | undefined): boolean {
  return (
    header !== undefined &&
    header.includes('as=APIGroupDiscoveryList') &&
    /g=apidiscovery\.k8s\.io;v=v2(?:;|,|$)/.test(header.replaceAll(' ', ''))
  );
}
