/**
 * How a host is, by word, color and icon.
 */

import { Label } from '@patternfly/react-core';
import type { HostState } from './host-row.ts';

const STATUS = { Ready: 'success', Cordoned: 'info', 'Not ready': 'danger', Dead: 'danger', Unknown: 'warning' } as const;

export function HostLabel({ state }: { readonly state: HostState }) {
  return (
    <Label isCompact status={STATUS[state]}>
      {state}
    </Label>
  );
}
