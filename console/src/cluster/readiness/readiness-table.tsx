/**
 * The truth table, live: for each possible failure what would happen now, and why. What is judged, and how, is `outrigger status --readiness`
 * (src/decide/readiness.ts); here it is only shown.
 */

import { Alert, Label } from '@patternfly/react-core';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useMemo } from 'react';
import type { Forecast, Verdict } from '../../../../src/decide/readiness-forecast.ts';
import { adviceOf, groupedForecasts, readinessSentence } from '../../../../src/decide/readiness-summary.ts';
import { isUnready, readinessOf } from '../../../../src/decide/readiness.ts';
import type { ClusterNode } from '../../../../src/model/cluster-node.ts';
import type { Cluster } from '../../../../src/model/cluster.ts';
import { timeText } from '../../shell/moment.ts';
import { Waiting } from '../../shell/waiting.tsx';
import type { LiveSet } from '../../watch/live-set.ts';
import { TabLink } from '../cluster-tabs.tsx';
import { rehearsalOf } from '../drills/drill-wish.ts';
import { useReadinessSight } from './world.ts';

const VERDICTS: Readonly<Record<Verdict, readonly [words: string, status: 'success' | 'warning' | 'danger' | 'custom']>> = {
  NoEffect: ['No effect', 'success'],
  Degraded: ['Degraded', 'warning'],
  Outage: ['Outage', 'danger'],
  Unknown: ['Unknown', 'custom'],
};

export function ReadinessTable({ cluster, nodes }: { readonly cluster: Cluster; readonly nodes: LiveSet<ClusterNode> }) {
  const { facts, contact, hidden } = useReadinessSight(cluster, nodes);
  const forecasts = useMemo(() => (facts === undefined ? undefined : readinessOf(facts)), [facts]);
  if (forecasts === undefined) return <Waiting what="what would happen" />;
  if (forecasts.length === 0) return <p>It is being deleted; there is nothing to be ready for.</p>;
  const failover = cluster.spec.availability?.failover ?? 'None';
  const isBad = isUnready(forecasts);
  const said = readinessSentence(forecasts, failover);
  return (
    <>
      <Alert
        component="p"
        isInline
        isPlain
        variant={isBad ? 'danger' : 'success'}
        title={`${said.charAt(0).toUpperCase()}${said.slice(1)}.`}
        className="or-gap"
      />
      {contact.state === 'lost' && contact.sinceMs !== undefined && (
        <p className="or-quiet or-gap">Judged by what was heard until {timeText(contact.sinceMs)}.</p>
      )}
      <Table aria-label="What would happen now" className="or-stacked" variant="compact" gridBreakPoint="grid-lg">
        <Thead>
          <Tr>
            <Th width={20}>What dies</Th>
            <Th width={40}>Then</Th>
            <Th width={40}>Because</Th>
          </Tr>
        </Thead>
        <Tbody>
          {groupedForecasts(forecasts).map((forecast) => (
            <Row key={`${forecast.row} ${forecast.failure}`} forecast={forecast} />
          ))}
        </Tbody>
      </Table>
      {hidden.map((what) => (
        <p key={what} className="or-quiet or-above">
          Judged without {what}
        </p>
      ))}
    </>
  );
}

function Row({ forecast }: { readonly forecast: Forecast }) {
  const [words, status] = VERDICTS[forecast.verdict];
  const advice = adviceOf(forecast);
  const rehearsal = rehearsalOf(forecast);
  return (
    <Tr>
      <Td dataLabel="What dies" className="or-break">
        {forecast.failure.charAt(0).toUpperCase()}
        {forecast.failure.slice(1)}
        {rehearsal !== undefined && (
          <span className="or-beside">
            <TabLink tab="drills" more={rehearsal}>
              Rehearse it<span className="pf-v6-screen-reader">: {forecast.failure}</span>
            </TabLink>
          </span>
        )}
      </Td>
      <Td dataLabel="Then">
        <span className="or-verdict">
          <Label isCompact status={status} variant={forecast.promised ? 'outline' : 'filled'}>
            {words}
          </Label>
          {!forecast.promised && (
            <Label isCompact color="red" variant="outline">
              Worse than promised
            </Label>
          )}
        </span>
        <span className="or-break">{forecast.effect}</span>
      </Td>
      <Td dataLabel="Because" className="or-break">
        {forecast.because}
        {advice !== undefined && <strong className="or-advice">What to do: {advice}</strong>}
      </Td>
    </Tr>
  );
}
