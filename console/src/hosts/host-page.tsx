/**
 * One host: how it is, what is free, what runs there, and what can be done about it.
 */

import { Alert, DescriptionList, Flex, FlexItem, Grid, GridItem } from '@patternfly/react-core';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useMemo, useState } from 'react';
import { isLeaving, isReady } from '../../../src/decide/node-facts.ts';
import { roleOf } from '../../../src/decide/phase.ts';
import type { ClusterNode } from '../../../src/model/cluster-node.ts';
import type { Host } from '../../../src/model/host.ts';
import { useWhyNot } from '../api/access.ts';
import { listPath } from '../api/paths.ts';
import { Fact } from '../cluster/fact.tsx';
import { Bar } from '../organizations/quota-bars.tsx';
import { amountText } from '../organizations/quota.ts';
import { Action } from '../shell/action.tsx';
import { PlaceLink } from '../shell/navigation.tsx';
import { ObjectPage, Part } from '../shell/object-page.tsx';
import { useLive } from '../watch/live-kind.ts';
import { ConfirmDeadDialog } from './confirm-dead-dialog.tsx';
import { CordonDialog } from './cordon-dialog.tsx';
import { DrainDialog } from './drain-dialog.tsx';
import { HostLabel } from './host-label.tsx';
import { hostRow } from './host-row.ts';
import type { HostRow } from './host-row.ts';

const ABOVE = { page: 'hosts', label: 'Hosts' } as const;

export function HostPage({ name }: { readonly name: string }) {
  const { objects, contact, complete } = useLive<Host>(listPath('hosts'));
  const nodes = useLive<ClusterNode>(listPath('clusternodes'));
  const host = objects.get(`/${name}`);
  const held = useMemo(
    () => [...nodes.objects.values()].filter((node) => node.spec.host === name).sort((a, b) => (keyText(a) < keyText(b) ? -1 : 1)),
    [nodes.objects, name],
  );
  const row = host === undefined ? undefined : hostRow(host, nodes.complete ? held : undefined);
  return (
    <ObjectPage
      above={ABOVE}
      what="host"
      name={name}
      live={{ contact, complete }}
      isThere={host !== undefined}
      state={row !== undefined && <HostLabel state={row.state} />}
      actions={host !== undefined && row !== undefined && <HostActions host={host} row={row} held={held} />}
    >
      {host !== undefined && row !== undefined && (
        <Grid hasGutter>
          <GridItem lg={6}>
            <Part title="How it is">
              <HostFacts host={host} row={row} />
            </Part>
          </GridItem>
          <GridItem lg={6}>
            <Part title="Capacity">
              <div className="or-bars">
                <Bar line={{ what: 'Nodes', used: row.used.nodes, quota: row.capacity.nodes }} wanted={0} />
                <Bar line={{ what: 'CPU', used: row.used.cpuMillis, quota: row.capacity.cpuMillis }} wanted={0} />
                <Bar line={{ what: 'Memory', used: row.used.memoryMiB, quota: row.capacity.memoryMiB }} wanted={0} />
              </div>
            </Part>
          </GridItem>
          <GridItem>
            <Part title="What runs there">
              {nodes.contact.state === 'refused' ? (
                <Alert component="p" isInline variant="warning" title="Its nodes cannot be shown">
                  {nodes.contact.why}
                </Alert>
              ) : (
                <HeldNodes held={held} />
              )}
            </Part>
          </GridItem>
          <Unclaimed host={host} />
        </Grid>
      )}
    </ObjectPage>
  );
}

function keyText({ metadata }: ClusterNode): string {
  return `${metadata.namespace}/${metadata.name}`;
}

interface HostActionsProps {
  readonly host: Host;
  readonly row: HostRow;
  readonly held: readonly ClusterNode[];
}

function HostActions({ host, row, held }: HostActionsProps) {
  const { name } = host.metadata;
  const { cordoned } = host.spec;
  const [open, setOpen] = useState<'cordon' | 'drain' | 'dead' | undefined>();
  const mayNotPatch = useWhyNot({ verb: 'patch', resource: 'hosts', namespace: '', name });
  const mayNotRetire = useWhyNot({ verb: 'patch', resource: 'clusternodes', namespace: '', name: '' });
  const close = (): void => setOpen(undefined);
  const isDead = row.state === 'Dead' ? 'It is confirmed dead: nothing of that boot is left to move.' : undefined;
  const neverRan = host.status?.bootId === undefined ? 'It never reported, so there is no boot of it to confirm dead.' : undefined;
  return (
    <Flex gap={{ default: 'gapSm' }}>
      <FlexItem>
        <Action whyNot={mayNotPatch} variant="secondary" onClick={() => setOpen('cordon')}>
          {cordoned ? 'Uncordon' : 'Cordon'}
        </Action>
      </FlexItem>
      <FlexItem>
        <Action
          whyNot={mayNotPatch ?? mayNotRetire ?? isDead ?? (held.length === 0 ? 'Nothing runs there.' : undefined)}
          variant="secondary"
          onClick={() => setOpen('drain')}
        >
          Drain
        </Action>
      </FlexItem>
      <FlexItem>
        <Action
          whyNot={mayNotPatch ?? neverRan ?? (row.state === 'Dead' ? 'It is confirmed dead already.' : undefined)}
          variant="danger"
          onClick={() => setOpen('dead')}
        >
          Confirm dead
        </Action>
      </FlexItem>
      {open === 'cordon' && <CordonDialog host={host} close={close} />}
      {open === 'drain' && <DrainDialog host={name} close={close} />}
      {open === 'dead' && <ConfirmDeadDialog host={host} held={held} close={close} />}
    </Flex>
  );
}

function HostFacts({ host, row }: { readonly host: Host; readonly row: HostRow }) {
  const { spec, status = {} } = host;
  return (
    <DescriptionList isCompact isHorizontal horizontalTermWidthModifier={{ default: '12ch' }}>
      <Fact term="Says">{row.message}</Fact>
      <Fact term="New nodes">{spec.cordoned ? 'None: it is cordoned' : 'It takes them'}</Fact>
      <Fact term="Address">{status.address ?? 'Not yet'}</Fact>
      <Fact term="Drivers">{spec.drivers.join(', ')}</Fact>
      <Fact term="Version">{status.version ?? 'Unknown'}</Fact>
      <Fact term="Boot">{status.bootId ?? 'None yet'}</Fact>
    </DescriptionList>
  );
}

function HeldNodes({ held }: { readonly held: readonly ClusterNode[] }) {
  if (held.length === 0) return <p>Nothing.</p>;
  return (
    <Table aria-label="Nodes of this host" variant="compact" gridBreakPoint="grid-md">
      <Thead>
        <Tr>
          <Th>Node</Th>
          <Th>Cluster</Th>
          <Th>Role</Th>
          <Th>State</Th>
          <Th>CPU</Th>
          <Th>Memory</Th>
        </Tr>
      </Thead>
      <Tbody>
        {held.map((node) => (
          <Tr key={node.metadata.uid}>
            <Td dataLabel="Node">{node.metadata.name}</Td>
            <Td dataLabel="Cluster">
              <PlaceLink place={{ page: 'cluster', namespace: node.metadata.namespace ?? '', name: node.spec.cluster }}>
                {node.metadata.namespace}/{node.spec.cluster}
              </PlaceLink>
            </Td>
            <Td dataLabel="Role">{roleOf(node)}</Td>
            <Td dataLabel="State">{isLeaving(node) ? 'Leaving' : isReady(node) ? 'Ready' : (node.status?.agent?.phase ?? 'Starting')}</Td>
            <Td dataLabel="CPU">{amountText('CPU', node.spec.resources.cpuMillis)}</Td>
            <Td dataLabel="Memory">{amountText('Memory', node.spec.resources.memoryMiB)}</Td>
          </Tr>
        ))}
      </Tbody>
    </Table>
  );
}

/** Nodes that run there and are not this director's, with what the host says of each. */
function Unclaimed({ host: { status = {} } }: { readonly host: Host }) {
  const nodes = status.unclaimedNodes ?? [];
  const lost = status.recordLost ?? [];
  if (nodes.length === 0 && lost.length === 0) return null;
  return (
    <GridItem>
      <Part title="What needs a person">
        {nodes.map(({ uid, message = '' }) => (
          <Alert key={uid} component="p" isInline variant="warning" title={message} className="or-gap" />
        ))}
        {lost.map((name) => (
          <Alert
            key={name}
            component="p"
            isInline
            variant="warning"
            title={`${name}: something of it is still here, though this host lost its record of it. It touches none of it.`}
            className="or-gap"
          />
        ))}
      </Part>
    </GridItem>
  );
}
