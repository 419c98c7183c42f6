/**
 * May this person do that? Asked of the API before the button is pressed, so that a button that would be refused says so.
 */

import { useQuery } from '@tanstack/react-query';
import { ACCESS_REVIEW_PATH } from './paths.ts';
import { call } from './request.ts';

export interface Wish {
  readonly verb: string;
  /** Absent: Outrigger's own. */
  readonly group?: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace: string;
  readonly name: string;
}

interface Review {
  readonly status: { readonly allowed: boolean; readonly reason?: string };
}

/** Why not, as a sentence; undefined: it may. While that is not known, it is thought that it may: the API judges in the end. */
export function useWhyNot(wish: Wish): string | undefined {
  const { data } = useQuery({
    queryKey: ['access', wish],
    staleTime: 60_000,
    queryFn: () =>
      call<Review>('POST', ACCESS_REVIEW_PATH, {
        body: { spec: { resourceAttributes: { group: 'outrigger.dev', version: 'v1', ...wish } } },
      }),
  });
  return data === undefined || data.status.allowed ? undefined : (data.status.reason ?? 'You have no right to this.');
}
