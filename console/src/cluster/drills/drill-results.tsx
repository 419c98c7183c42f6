/**
 * Drills that are under way, as they stand this second, and those that have ended: what was measured against what was promised.
 */

import { Alert, ExpandableSection, Label, Spinner } from '@patternfly/react-core';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import type { Drill, DrillPhase } from '../../../../src/model/drill.ts';
import { dateTimeText, durationText, useNow } from '../../shell/moment.ts';
import { secondsText, TARGET_WORDS } from './drill-wish.ts';

/** Whoever carries drills out looks within a second. */
const CLAIM_MS = 30_000;
const SHOWN_MAX = 50;

export function OpenDrill({ drill: { metadata, spec, status } }: { readonly drill: Drill }) {
  const nowMs = useNow(1_000);
  const askedMs = Date.parse(metadata.creationTimestamp);
  const isLeft = status?.executor === undefined && nowMs - askedMs > CLAIM_MS;
  return (
    <Alert
      component="h3"
      isInline
      variant={isLeft ? 'warning' : 'info'}
      {...(isLeft ? {} : { customIcon: <Spinner size="md" aria-label="It is under way" /> })}
      title={`${TARGET_WORDS[spec.target]}: ${metadata.name}, ${status?.phase ?? 'Pending'} for ${durationText(nowMs - askedMs)}`}
      className="or-gap"
    >
      {status?.expected !== undefined && <p>{status.expected}</p>}
      <p role="status" aria-live="polite">
        {isLeft
          ? 'Nobody has taken it: nobody who could carry it out reaches a director. Nothing was killed.'
          : status?.executor === undefined
            ? 'It waits for who carries it out.'
            : `${status.message ?? ''} Carried out by ${status.executor}.`}
      </p>
    </Alert>
  );
}

const PHASES: Readonly<Partial<Record<DrillPhase, 'success' | 'danger' | 'warning'>>> = {
  Passed: 'success',
  Broken: 'danger',
  Failed: 'warning',
};

export function EndedDrills({ drills }: { readonly drills: readonly Drill[] }) {
  if (drills.length === 0) return <p>No drill of it has ended yet.</p>;
  return (
    <>
      <Table aria-label="Past drills" className="or-stacked" variant="compact" gridBreakPoint="grid-lg">
        <Thead>
          <Tr>
            <Th width={25}>What died</Th>
            <Th>Outcome</Th>
            <Th>Detected</Th>
            <Th>Back</Th>
            <Th>Failed</Th>
            <Th width={30}>What it says</Th>
          </Tr>
        </Thead>
        <Tbody>
          {drills.slice(0, SHOWN_MAX).map((drill) => (
            <Row key={drill.metadata.uid} drill={drill} />
          ))}
        </Tbody>
      </Table>
      {drills.length > SHOWN_MAX && <p className="or-quiet or-above">And {drills.length - SHOWN_MAX} older ones.</p>}
    </>
  );
}

function Row({ drill: { metadata, spec, status = {} } }: { readonly drill: Drill }) {
  const { phase = 'Failed', detectedMs, recoveredMs, requests, promise = {}, message, verdict = [], killed = [] } = status;
  const color = PHASES[phase];
  const place = [spec.service, spec.node].filter((one) => one !== undefined).join(' on ');
  return (
    <Tr>
      <Td dataLabel="What died">
        {killed.length === 0
          ? `${TARGET_WORDS[spec.target]}${place === '' ? '' : `: ${place}`}`
          : killed.map(({ what }) => what).join('; ')}
        <span className="or-beside">{dateTimeText(Date.parse(status.endedAt ?? metadata.creationTimestamp))}</span>
      </Td>
      <Td dataLabel="Outcome">
        <Label isCompact {...(color === undefined ? {} : { status: color })}>
          {phase}
        </Label>
      </Td>
      <Td dataLabel="Detected">
        <Measured value={detectedMs} promised={promise.detectedMs} say={secondsText} />
      </Td>
      <Td dataLabel="Back">
        <Measured value={recoveredMs} promised={promise.recoveredMs} say={secondsText} />
      </Td>
      <Td dataLabel="Failed">
        <Measured
          value={requests?.failed}
          promised={promise.failedRequests}
          say={(count) => count.toLocaleString()}
          of={requests === undefined ? '' : ` of ${requests.total.toLocaleString()} requests`}
        />
      </Td>
      <Td dataLabel="What it says" className="or-break">
        {message}
        {verdict.length > 0 && (
          <ExpandableSection toggleText="Measured and promised" toggleAriaLabel={`Measured and promised: ${metadata.name}`}>
            <ul>
              {verdict.map(({ what, measured, promised, kept }) => (
                <li key={what}>
                  {what}: {measured} ({promised === undefined ? 'not promised' : `promised ${promised}, ${kept ? 'kept' : 'broken'}`})
                </li>
              ))}
            </ul>
          </ExpandableSection>
        )}
      </Td>
    </Tr>
  );
}

interface MeasuredProps {
  readonly value: number | undefined;
  readonly promised: number | undefined;
  readonly say: (value: number) => string;
  readonly of?: string;
}

function Measured({ value, promised, say, of = '' }: MeasuredProps) {
  return (
    <>
      {value === undefined ? 'Not measured' : `${say(value)}${of}`}
      <span className="or-beside">{promised === undefined ? 'not promised' : `promised ${say(promised)}`}</span>
    </>
  );
}
