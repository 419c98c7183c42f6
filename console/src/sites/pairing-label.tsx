/**
 * How pairing stands, and how a check went, by word, color and icon.
 */

import { Label } from '@patternfly/react-core';
import type { PairingCheck } from '../../../src/model/site.ts';
import type { Pairing } from './site-row.ts';

const PAIRING = { Paired: 'success', Waiting: 'warning', Failed: 'danger', Checking: 'info' } as const;
const CHECK = { Passed: 'success', Failed: 'danger', Waiting: 'warning' } as const;

export function PairingLabel({ pairing }: { readonly pairing: Pairing }) {
  return (
    <Label isCompact {...(pairing === 'Free' ? { variant: 'outline' as const } : { status: PAIRING[pairing] })}>
      {pairing === 'Waiting' ? 'Waits for a person' : pairing}
    </Label>
  );
}

export function CheckLabel({ result }: Pick<PairingCheck, 'result'>) {
  return (
    <Label isCompact {...(result === 'Skipped' ? { variant: 'outline' as const } : { status: CHECK[result] })}>
      {result}
    </Label>
  );
}
