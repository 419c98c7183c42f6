/**
 * One license: its contract, its use, and what each site said at its last sync.
 */

import { Alert, DescriptionList, Flex, FlexItem, Grid, GridItem } from '@patternfly/react-core';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useState } from 'react';
import { conditionOf } from '../../../src/model/condition.ts';
import { universalLicenseKind } from '../../../src/model/universal-license.ts';
import type { UniversalLicense } from '../../../src/model/universal-license.ts';
import { useWhyNot } from '../api/access.ts';
import { listPath, objectPath } from '../api/paths.ts';
import { call, MERGE_PATCH } from '../api/request.ts';
import { Fact } from '../cluster/fact.tsx';
import { ObjectDialog } from '../form/object-dialog.tsx';
import { Bar } from '../organizations/quota-bars.tsx';
import { Action } from '../shell/action.tsx';
import { dateText, dateTimeText, durationText, useNow } from '../shell/moment.ts';
import { PlaceLink } from '../shell/navigation.tsx';
import { ObjectPage, Part } from '../shell/object-page.tsx';
import { OrderDialog } from '../shell/order-dialog.tsx';
import { useLive } from '../watch/live-kind.ts';
import { standingOf } from './license-row.ts';
import { StandingLabel } from './standing-label.tsx';

const ABOVE = { page: 'licenses', label: 'Licenses' } as const;
const MINUTE_MS = 60_000;

export function LicensePage({ namespace, name }: { readonly namespace: string; readonly name: string }) {
  const { objects, contact, complete } = useLive<UniversalLicense>(listPath('universallicenses', namespace));
  const license = objects.get(`${namespace}/${name}`);
  const now = useNow(MINUTE_MS);
  const overused = conditionOf(license?.status?.conditions, 'Overused');
  return (
    <ObjectPage
      above={ABOVE}
      what="license"
      name={name}
      organization={namespace}
      live={{ contact, complete }}
      isThere={license !== undefined}
      state={license !== undefined && <StandingLabel standing={standingOf(license, now)} />}
      actions={license !== undefined && <LicenseActions license={license} />}
    >
      {license !== undefined && (
        <Grid hasGutter>
          {overused?.status === 'True' && (
            <GridItem>
              <Alert component="p" isInline variant="warning" title={overused.message} />
            </GridItem>
          )}
          <GridItem lg={6}>
            <Part title="Contract">
              <Contract license={license} now={now} />
            </Part>
          </GridItem>
          <GridItem lg={6}>
            <Part title="Use">
              <Use license={license} />
            </Part>
          </GridItem>
          <GridItem>
            <Part title="Sites">
              <Sites license={license} now={now} />
            </Part>
          </GridItem>
        </Grid>
      )}
    </ObjectPage>
  );
}

function LicenseActions({ license }: { readonly license: UniversalLicense }) {
  const { name, namespace = '', uid, resourceVersion } = license.metadata;
  const [open, setOpen] = useState<'change' | 'reset' | undefined>();
  const mayNot = useWhyNot({ verb: 'patch', resource: 'universallicenses', namespace, name });
  const close = (): void => setOpen(undefined);
  const body = { metadata: { uid, resourceVersion }, spec: { peakReset: license.spec.peakReset + 1 } };
  return (
    <Flex gap={{ default: 'gapSm' }}>
      <FlexItem>
        <Action variant="secondary" whyNot={mayNot} onClick={() => setOpen('change')}>
          Change
        </Action>
      </FlexItem>
      <FlexItem>
        <Action variant="secondary" whyNot={mayNot} onClick={() => setOpen('reset')}>
          Count the peak anew
        </Action>
      </FlexItem>
      {open === 'change' && <ObjectDialog title={`Change ${name}`} kind={universalLicenseKind} existing={license} close={close} />}
      {open === 'reset' && (
        <OrderDialog
          title={`Count the peak of ${name} anew`}
          verb="Count anew"
          run={() => call('PATCH', objectPath('universallicenses', namespace, name), { body, contentType: MERGE_PATCH })}
          close={close}
        >
          <p>
            Each site forgets its peak at its next sync and begins with what is in use then. The peak of {license.status?.use?.peak ?? 0} is
            gone.
          </p>
        </OrderDialog>
      )}
    </Flex>
  );
}

function Contract({ license: { spec }, now }: { readonly license: UniversalLicense; readonly now: number }) {
  const leftMs = Date.parse(spec.end) - now;
  return (
    <DescriptionList isCompact isHorizontal horizontalTermWidthModifier={{ default: '14ch' }}>
      <Fact term="Edition">{spec.edition}</Fact>
      <Fact term="A seat is">{spec.model === 'Named' ? 'A person who used a session' : 'A session at a time'}</Fact>
      <Fact term="Begins">{dateText(Date.parse(spec.start))}</Fact>
      <Fact term="Ends">
        {`${dateText(Date.parse(spec.end))}${leftMs > 0 ? `, in ${durationText(leftMs)}` : ''}; ${spec.contractGraceDays} days of grace`}
      </Fact>
      <Fact term="Sync">{`Every ${spec.syncPeriodHours} h; without it a site goes on for ${spec.syncGraceDays} days`}</Fact>
      <Fact term="Afterwards">New sessions are refused</Fact>
    </DescriptionList>
  );
}

function Use({ license: { spec, status = {} } }: { readonly license: UniversalLicense }) {
  return (
    <>
      <Bar line={{ what: 'Seats', used: status.use?.current ?? 0, quota: spec.seats }} wanted={0} />
      <p className="or-above">
        At most {(status.use?.peak ?? 0).toLocaleString()} were in use. Seats are counted and shown; nothing is refused for them.
      </p>
    </>
  );
}

function Sites({ license, now }: { readonly license: UniversalLicense; readonly now: number }) {
  const rows = Object.entries(license.status?.sites ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const isNamed = license.spec.model === 'Named';
  if (rows.length === 0) return <p>No site has synced it yet.</p>;
  return (
    <Table aria-label="Sites of this license" variant="compact" gridBreakPoint="grid-md">
      <Thead>
        <Tr>
          <Th>Site</Th>
          <Th>In use</Th>
          <Th>Peak</Th>
          <Th>Synced</Th>
        </Tr>
      </Thead>
      <Tbody>
        {rows.map(([site, row]) => (
          <Tr key={site}>
            <Td dataLabel="Site">
              <PlaceLink place={{ page: 'site', namespace: license.metadata.namespace ?? '', name: site }}>{site}</PlaceLink>
            </Td>
            <Td dataLabel="In use">{(isNamed ? row.named : row.concurrent) ?? 'Not said'}</Td>
            <Td dataLabel="Peak">{(isNamed ? row.peakNamed : row.peakConcurrent) ?? 'Not said'}</Td>
            <Td dataLabel="Synced">
              {dateTimeText(Date.parse(row.syncedAt))}, {durationText(now - Date.parse(row.syncedAt))} ago
            </Td>
          </Tr>
        ))}
      </Tbody>
    </Table>
  );
}
