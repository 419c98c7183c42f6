/**
 * A phase by word, color and icon: no color says anything alone.
 */

import { Label } from '@patternfly/react-core';
import type { Phase } from '../../../src/model/cluster.ts';

const STATUS: Readonly<Record<Phase, 'success' | 'warning' | 'danger' | 'info' | undefined>> = {
  Pending: undefined,
  Provisioning: 'info',
  Available: 'success',
  Degraded: 'warning',
  Error: 'danger',
  Deleting: undefined,
};

export function PhaseLabel({ phase }: { readonly phase: Phase }) {
  const status = STATUS[phase];
  return status === undefined ? (
    <Label isCompact variant="outline">
      {phase}
    </Label>
  ) : (
    <Label isCompact status={status}>
      {phase}
    </Label>
  );
}
