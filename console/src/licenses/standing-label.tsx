/**
 * How a license stands, by word, color and icon.
 */

import { Label } from '@patternfly/react-core';
import type { Standing } from './license-row.ts';

const STATUS = { Runs: 'success', Overused: 'warning', 'In grace': 'warning', 'Not begun': 'info', Ended: 'danger' } as const;

export function StandingLabel({ standing }: { readonly standing: Standing }) {
  return (
    <Label isCompact status={STATUS[standing]}>
      {standing}
    </Label>
  );
}
