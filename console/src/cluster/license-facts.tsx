/**
 * The license of a cluster, as facts.
 */

import { Alert, DescriptionList } from '@patternfly/react-core';
import type { Cluster } from '../../../src/model/cluster.ts';
import { dateTimeText } from '../shell/moment.ts';
import { Fact } from './fact.tsx';

const VARIANTS = { Success: 'success', Info: 'info', Warning: 'warning', Danger: 'danger' } as const;

export function LicenseFacts({ license }: { readonly license: NonNullable<Cluster['status']>['license'] }) {
  if (license === undefined) return <p>This cluster has no license: it is paired with no site, or nothing was synced yet.</p>;
  const { state, severity, message, daysLeft, edition, model, seats, peakConcurrent, lastSync, nextSync, lastError } = license;
  return (
    <>
      <Alert component="p" isInline isPlain variant={VARIANTS[severity]} title={`${state}: ${message}`} className="or-gap" />
      <DescriptionList isCompact isHorizontal horizontalTermWidthModifier={{ default: '16ch' }}>
        {daysLeft !== undefined && <Fact term="Days left">{daysLeft}</Fact>}
        {edition !== undefined && <Fact term="Edition">{edition}</Fact>}
        {seats !== undefined && <Fact term="Seats">{`${seats}${model === undefined ? '' : ` (${model})`}`}</Fact>}
        {peakConcurrent !== undefined && <Fact term="Peak use">{peakConcurrent}</Fact>}
        {lastSync !== undefined && <Fact term="Last sync">{dateTimeText(Date.parse(lastSync))}</Fact>}
        {nextSync !== undefined && <Fact term="Next sync">{dateTimeText(Date.parse(nextSync))}</Fact>}
        {lastError !== undefined && <Fact term="Last failure">{lastError}</Fact>}
      </DescriptionList>
    </>
  );
}
