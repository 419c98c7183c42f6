/**
 * What the extension servers obey: which ServerConfig holds, whether each living server obeys it, and its fields to change.
 */

import { Alert, DescriptionList, Flex, FlexItem, Grid, GridItem, PageSection, Title } from '@patternfly/react-core';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useMemo, useState } from 'react';
import { judgeConfigs } from '../../../src/decide/doctor-config.ts';
import { activeConfig, activeOnes } from '../../../src/decide/server-config.ts';
import type { Lease } from '../../../src/model/core-kinds.ts';
import { DEFAULT_SERVER_CONFIG, serverConfigKind } from '../../../src/model/server-config.ts';
import type { ServerConfig, ServerConfigSpec } from '../../../src/model/server-config.ts';
import { useWhyNot } from '../api/access.ts';
import { listPath, SYSTEM_LEASES_PATH } from '../api/paths.ts';
import { Fact } from '../cluster/fact.tsx';
import { ObjectDialog } from '../form/object-dialog.tsx';
import { Action } from '../shell/action.tsx';
import { ContactBanner } from '../shell/contact-banner.tsx';
import { useNow } from '../shell/moment.ts';
import { Part } from '../shell/object-page.tsx';
import { useTitle } from '../shell/title.ts';
import { Waiting } from '../shell/waiting.tsx';
import { useLive } from '../watch/live-kind.ts';
import { serversOf } from './servers.ts';
import type { ShownServer } from './servers.ts';

export function ConfigurationPage() {
  useTitle('Configuration');
  const { objects, contact, complete } = useLive<ServerConfig>(listPath('serverconfigs'));
  const configs = useMemo(() => [...objects.values()], [objects]);
  return (
    <>
      <ContactBanner contact={contact} />
      <PageSection variant="secondary">
        <Flex justifyContent={{ default: 'justifyContentSpaceBetween' }} alignItems={{ default: 'alignItemsCenter' }}>
          <FlexItem>
            <Title headingLevel="h1">Configuration</Title>
            <p>What the extension servers obey. A change applies within seconds, without a restart.</p>
          </FlexItem>
          <FlexItem>{complete && <ConfigActions configs={configs} />}</FlexItem>
        </Flex>
      </PageSection>
      <PageSection isFilled>
        {contact.state === 'refused' && (
          <Alert component="p" isInline variant="danger" title="The configuration is not shown to you">
            {contact.why}
          </Alert>
        )}
        {!complete && contact.state !== 'refused' && <Waiting what="the configuration" />}
        {complete && <Inside configs={configs} />}
      </PageSection>
    </>
  );
}

function ConfigActions({ configs }: { readonly configs: readonly ServerConfig[] }) {
  const holds = activeOnes(configs)[0];
  const [isOpen, setOpen] = useState(false);
  const verb = holds === undefined ? 'create' : 'patch';
  const mayNot = useWhyNot({ verb, resource: 'serverconfigs', namespace: '', name: holds?.metadata.name ?? '' });
  const close = (): void => setOpen(false);
  return (
    <>
      <Action variant="primary" whyNot={mayNot} onClick={() => setOpen(true)}>
        {holds === undefined ? 'Make one' : `Change ${holds.metadata.name}`}
      </Action>
      {isOpen && holds === undefined && (
        <ObjectDialog
          title="Make a ServerConfig"
          kind={serverConfigKind}
          initial={{ metadata: { name: 'default' }, spec: {} }}
          close={close}
        />
      )}
      {isOpen && holds !== undefined && (
        <ObjectDialog title={`Change ${holds.metadata.name}`} kind={serverConfigKind} existing={holds} close={close} />
      )}
    </>
  );
}

function Inside({ configs }: { readonly configs: readonly ServerConfig[] }) {
  const leases = useLive<Lease>(SYSTEM_LEASES_PATH);
  // Also where nothing is heard any more: then a server falls silent.
  const now = useNow(1_000);
  const servers = serversOf(leases.objects.values(), now);
  const obeys = new Map(
    servers.flatMap(({ name, isLiving, obeys: what }) => (isLiving && what !== undefined ? [[name, what] as const] : [])),
  );
  const findings = judgeConfigs(configs, obeys).filter(({ health }) => health !== 'Well');
  const holds = activeOnes(configs)[0];
  return (
    <Grid hasGutter>
      {findings.map(({ message, remedy }) => (
        <GridItem key={message}>
          <Alert component="p" isInline variant="warning" title={message}>
            {remedy}
          </Alert>
        </GridItem>
      ))}
      <GridItem>
        <Part title="Extension servers">
          {leases.contact.state === 'refused' ? (
            <Alert component="p" isInline variant="warning" title="They are not shown to you">
              {leases.contact.why}
            </Alert>
          ) : (
            <Servers servers={servers} />
          )}
        </Part>
      </GridItem>
      <GridItem>
        <Part title={holds === undefined ? 'What holds: the defaults' : `What holds: ServerConfig ${holds.metadata.name}`}>
          <Values spec={activeConfig(configs)} />
        </Part>
      </GridItem>
    </Grid>
  );
}

function Servers({ servers }: { readonly servers: readonly ShownServer[] }) {
  if (servers.length === 0) return <p>None shows itself: nothing is created or repaired until one runs. What is available goes on.</p>;
  return (
    <Table aria-label="Extension servers" variant="compact" gridBreakPoint="grid-md">
      <Thead>
        <Tr>
          <Th>Server</Th>
          <Th>State</Th>
          <Th>Obeys</Th>
        </Tr>
      </Thead>
      <Tbody>
        {servers.map(({ name, isLiving, obeys }) => (
          <Tr key={name}>
            <Td dataLabel="Server" className="or-break">
              {name}
            </Td>
            <Td dataLabel="State">{isLiving ? 'Renews its Lease' : 'Silent'}</Td>
            <Td dataLabel="Obeys">{obeys ?? 'It does not say'}</Td>
          </Tr>
        ))}
      </Tbody>
    </Table>
  );
}

function Values({ spec }: { readonly spec: ServerConfigSpec }) {
  const lines = [
    ...linesOf(spec, DEFAULT_SERVER_CONFIG, ''),
    ...linesOf(spec.nodeHealthCheck, DEFAULT_SERVER_CONFIG.nodeHealthCheck, 'nodeHealthCheck.'),
  ];
  return (
    <DescriptionList
      isCompact
      isHorizontal
      columnModifier={{ default: '1Col', '2xl': '2Col' }}
      horizontalTermWidthModifier={{ default: '24ch', md: '38ch' }}
    >
      {lines.map(({ field, value, fallback }) => (
        <Fact key={field} term={field}>
          {value}
          {value !== fallback && <span className="or-beside">Default: {fallback}</span>}
        </Fact>
      ))}
    </DescriptionList>
  );
}

function linesOf(spec: object, fallback: object, prefix: string) {
  const defaults = fallback as Readonly<Record<string, unknown>>;
  return Object.entries(spec)
    .filter(([, value]) => Array.isArray(value) || typeof value !== 'object')
    .map(([field, value]) => ({ field: `${prefix}${field}`, value: textOf(value), fallback: textOf(defaults[field]) }));
}

function textOf(value: unknown): string {
  return Array.isArray(value) ? value.join(', ') : String(value);
}
