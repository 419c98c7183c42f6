/**
 * One site: its connection servers with the result of each check, what is plugged in, and what can be done.
 */

import { Alert, DescriptionList, Flex, FlexItem, Grid, GridItem } from '@patternfly/react-core';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { ANNOTATION_PAIR } from '../../../src/model/labels.ts';
import { siteKind } from '../../../src/model/site.ts';
import type { Site } from '../../../src/model/site.ts';
import { useWhyNot } from '../api/access.ts';
import { listPath, objectPath } from '../api/paths.ts';
import { call, MERGE_PATCH } from '../api/request.ts';
import { Fact } from '../cluster/fact.tsx';
import { ObjectDialog } from '../form/object-dialog.tsx';
import { Action } from '../shell/action.tsx';
import { dateTimeText } from '../shell/moment.ts';
import { PlaceLink } from '../shell/navigation.tsx';
import { ObjectPage, Part } from '../shell/object-page.tsx';
import { useLive } from '../watch/live-kind.ts';
import { CheckLabel, PairingLabel } from './pairing-label.tsx';
import { AcceptDialog, PlugInDialog, UnplugDialog } from './site-dialogs.tsx';
import { pairingOf, serverSights, siteRow } from './site-row.ts';
import type { ServerSight } from './site-row.ts';

const ABOVE = { page: 'sites', label: 'Sites' } as const;

export function SitePage({ namespace, name }: { readonly namespace: string; readonly name: string }) {
  const { objects, contact, complete } = useLive<Site>(listPath('sites', namespace));
  const site = objects.get(`${namespace}/${name}`);
  return (
    <ObjectPage
      above={ABOVE}
      what="site"
      name={name}
      organization={namespace}
      live={{ contact, complete }}
      isThere={site !== undefined}
      state={site !== undefined && <PairingLabel pairing={pairingOf(site)} />}
      actions={site !== undefined && <SiteActions site={site} />}
    >
      {site !== undefined && <Inside site={site} />}
    </ObjectPage>
  );
}

function SiteActions({ site }: { readonly site: Site }) {
  const { name, namespace = '' } = site.metadata;
  const plug = site.status?.cluster;
  const [open, setOpen] = useState<'plug' | 'unplug' | 'change' | undefined>();
  const mayNotSite = useWhyNot({ verb: 'patch', resource: 'sites', namespace, name });
  const mayNotCluster = useWhyNot({ verb: 'patch', resource: 'clusters', namespace, name: plug?.name ?? '' });
  const isAsked = isUnanswered(site);
  const check = useMutation({ mutationFn: () => askForChecks(namespace, name) });
  const free = 'No cluster is plugged in.';
  const close = (): void => setOpen(undefined);
  return (
    <Flex gap={{ default: 'gapSm' }}>
      <FlexItem>
        <Action
          variant="primary"
          onClick={() => check.mutate()}
          isLoading={isAsked || check.isPending}
          whyNot={mayNotSite ?? (plug === undefined ? `${free} It is its primary that checks.` : undefined)}
        >
          Check now
        </Action>
      </FlexItem>
      <FlexItem>
        <Action variant="secondary" onClick={() => setOpen('change')} whyNot={mayNotSite}>
          Change
        </Action>
      </FlexItem>
      <FlexItem>
        {plug === undefined ? (
          <Action variant="secondary" onClick={() => setOpen('plug')} whyNot={mayNotCluster}>
            Plug in
          </Action>
        ) : (
          <Action variant="danger" onClick={() => setOpen('unplug')} whyNot={mayNotCluster}>
            Unplug
          </Action>
        )}
      </FlexItem>
      {open === 'plug' && <PlugInDialog site={site} close={close} />}
      {open === 'unplug' && <UnplugDialog site={site} close={close} />}
      {open === 'change' && <ObjectDialog title={`Change ${name}`} kind={siteKind} existing={site} close={close} />}
      {check.error !== null && <Alert component="p" isInline variant="danger" title={check.error.message} />}
    </Flex>
  );
}

function askForChecks(namespace: string, name: string): Promise<unknown> {
  const body = { metadata: { annotations: { [ANNOTATION_PAIR]: crypto.randomUUID() } } };
  return call('PATCH', objectPath('sites', namespace, name), { body, contentType: MERGE_PATCH });
}

/** A person asked for checks, and the primary did not answer yet. */
function isUnanswered({ metadata, status }: Site): boolean {
  const asked = metadata.annotations?.[ANNOTATION_PAIR];
  return asked !== undefined && status?.cluster !== undefined && asked !== status.pairing?.answeredRequest;
}

function Inside({ site }: { readonly site: Site }) {
  const left = site.status?.leftBehind ?? [];
  return (
    <Grid hasGutter>
      {left.length > 0 && (
        <GridItem>
          {left.map((line) => (
            <Alert key={line} component="p" isInline variant="warning" title={line} className="or-gap" />
          ))}
        </GridItem>
      )}
      <GridItem>
        <Part title="How it stands">
          <SiteFacts site={site} />
        </Part>
      </GridItem>
      {serverSights(site).map((sight) => (
        <GridItem key={sight.server.name}>
          <Part title={`Connection server ${sight.server.name}`}>
            <Server site={site} sight={sight} />
          </Part>
        </GridItem>
      ))}
    </Grid>
  );
}

function SiteFacts({ site }: { readonly site: Site }) {
  const { metadata, spec, status = {} } = site;
  const { namespace = '' } = metadata;
  const { cluster, pairing } = status;
  return (
    <DescriptionList isCompact isHorizontal horizontalTermWidthModifier={{ default: '16ch' }}>
      <Fact term="Pairing">{siteRow(site).message}</Fact>
      <Fact term="Cluster">
        {cluster === undefined ? (
          'None is plugged in'
        ) : (
          <PlaceLink place={{ page: 'cluster', namespace, name: cluster.name }}>{cluster.name}</PlaceLink>
        )}
      </Fact>
      <Fact term="Environment">{spec.environment}</Fact>
      <Fact term="License">
        {spec.license === undefined ? (
          'None'
        ) : (
          <PlaceLink place={{ page: 'license', namespace, name: spec.license }}>{spec.license}</PlaceLink>
        )}
      </Fact>
      <Fact term="Account">{spec.credentials === undefined ? 'None' : `Secret ${spec.credentials.secret}`}</Fact>
      <Fact term="Paired since">{momentText(pairing?.pairedAt)}</Fact>
      <Fact term="Checked">
        {isUnanswered(site) ? 'It was asked for, and the primary has not answered yet' : momentText(pairing?.checkedAt)}
      </Fact>
    </DescriptionList>
  );
}

function momentText(text: string | undefined): string {
  return text === undefined ? 'Not yet' : dateTimeText(Date.parse(text));
}

function Server({ site, sight: { server, checks, shown } }: { readonly site: Site; readonly sight: ServerSight }) {
  const { name, namespace = '' } = site.metadata;
  const [isAccepting, setAccepting] = useState(false);
  const mayNot = useWhyNot({ verb: 'patch', resource: 'sites', namespace, name });
  return (
    <>
      <DescriptionList isCompact isHorizontal horizontalTermWidthModifier={{ default: '16ch' }} className="or-gap">
        <Fact term="Address">{server.url}</Fact>
        <Fact term="Pinned">{server.pin ?? 'Nothing yet: nothing is sent to it before a person accepted its certificate'}</Fact>
      </DescriptionList>
      {shown !== undefined && (
        <Alert component="p" isInline variant="warning" title="It shows a certificate that nobody has accepted" className="or-gap">
          <span className="or-break or-gap">{shown}</span>
          <div className="or-above">
            <Action variant="secondary" onClick={() => setAccepting(true)} whyNot={mayNot}>
              Compare and accept
            </Action>
          </div>
        </Alert>
      )}
      {checks.length === 0 ? <p>It was not checked yet.</p> : <Checks name={server.name} checks={checks} />}
      {isAccepting && shown !== undefined && <AcceptDialog site={site} server={server} shown={shown} close={() => setAccepting(false)} />}
    </>
  );
}

function Checks({ name, checks }: { readonly name: string; readonly checks: ServerSight['checks'] }) {
  return (
    <Table aria-label={`Checks of ${name}`} variant="compact" gridBreakPoint="grid-md">
      <Thead>
        <Tr>
          <Th width={15}>Check</Th>
          <Th width={15}>Result</Th>
          <Th>What it says</Th>
        </Tr>
      </Thead>
      <Tbody>
        {checks.map(({ check, result, message }) => (
          <Tr key={check}>
            <Td dataLabel="Check">{check}</Td>
            <Td dataLabel="Result">
              <CheckLabel result={result} />
            </Td>
            <Td dataLabel="What it says" className="or-break">
              {message}
            </Td>
          </Tr>
        ))}
      </Tbody>
    </Table>
  );
}
