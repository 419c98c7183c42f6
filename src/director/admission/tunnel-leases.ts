/**
 * Leases `tunnel-<node uid>` are written by directors alone, past the API.
 *
 * What stands in one is where a director sends callers who look for that tunnel (307), and clients send their credentials along, an admin's too. Whoever
 * may write Leases in his namespace could name an address of his own there and collect them.
 */

import { TUNNEL_LEASE_PREFIX } from '../../model/labels.ts';
import { subjectOf } from '../api/resource-type.ts';
import { forbidden } from '../api/status.ts';
import type { AdmissionRule } from './admission.ts';

/** Nobody writes them through the API, whatever his rights. Deleting one is let pass: it misleads nobody. */
export const tunnelLeaseRule: AdmissionRule = ({ type, operation, name }) => {
  if (operation === 'delete' || type.group !== 'coordination.k8s.io' || type.plural !== 'leases') return undefined;
  if (!name.startsWith(TUNNEL_LEASE_PREFIX)) return undefined;
  return forbidden(
    subjectOf(type, name),
    `Leases whose names begin with ${TUNNEL_LEASE_PREFIX} say which director holds which tunnel and are written by directors alone; choose another name`,
  );
};
