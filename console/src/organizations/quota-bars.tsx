/**
 * How much of a quota is used, and what a cluster that is being thought of would take.
 */

import { Progress, ProgressMeasureLocation } from '@patternfly/react-core';
import type { VirtualDataCenter } from '../../../src/model/virtual-data-center.ts';
import { amountText, quotaLines } from './quota.ts';
import type { QuotaLine } from './quota.ts';

export interface QuotaBarsProps {
  readonly virtualDataCenter: VirtualDataCenter;
  /** What would be taken besides. */
  readonly wanted?: Readonly<Partial<Record<QuotaLine['what'], number>>>;
}

export function QuotaBars({ virtualDataCenter, wanted }: QuotaBarsProps) {
  return (
    <div className="or-bars">
      {quotaLines(virtualDataCenter).map((line) => (
        <Bar key={line.what} line={line} wanted={wanted?.[line.what] ?? 0} />
      ))}
    </div>
  );
}

export function Bar({ line: { what, used, quota }, wanted }: { readonly line: QuotaLine; readonly wanted: number }) {
  const total = used + wanted;
  const percent = quota === 0 ? (total > 0 ? 100 : 0) : Math.min(100, Math.round((100 * total) / quota));
  const text = (amount: number): string => amountText(what, amount);
  const label = wanted === 0 ? `${text(used)} of ${text(quota)}` : `${text(used)} and ${text(wanted)} more, of ${text(quota)}`;
  return (
    <Progress
      title={what}
      value={percent}
      label={label}
      valueText={label}
      size="sm"
      measureLocation={ProgressMeasureLocation.top}
      {...(total > quota ? { variant: 'danger' as const } : percent >= 90 ? { variant: 'warning' as const } : {})}
    />
  );
}
