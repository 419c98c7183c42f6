/**
 * Who may do what: what this person may, asked of the API cell by cell, and whom rights belong to, by roles and bindings.
 */

import { Alert, Button, Content, Form, PageSection, SearchInput, TextInput, Title, Tooltip } from '@patternfly/react-core';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { useWhyNot } from '../api/access.ts';
import { SELF_REVIEW_PATH } from '../api/paths.ts';
import { call } from '../api/request.ts';
import { useDebounced } from '../form/debounced.ts';
import { Field } from '../form/field.tsx';
import { ContactBanner } from '../shell/contact-banner.tsx';
import { Part } from '../shell/object-page.tsx';
import { useTitle } from '../shell/title.ts';
import { Waiting } from '../shell/waiting.tsx';
import { shownRows } from '../table/list-view.ts';
import { VirtualTable } from '../table/virtual-table.tsx';
import type { TableColumn } from '../table/virtual-table.tsx';
import { useLive } from '../watch/live-kind.ts';
import { rightRows } from './bindings.ts';
import type { Binding, RightRow, Role } from './bindings.ts';

const VERBS = [
  ['list', 'See'],
  ['create', 'Create'],
  ['patch', 'Change'],
  ['delete', 'Delete'],
] as const;
const RESOURCES = [
  ['clusters', 'Clusters'],
  ['clusternodes', 'Nodes'],
  ['sites', 'Sites'],
  ['universallicenses', 'Licenses'],
  ['drills', 'Drills'],
  ['virtualdatacenters', 'VirtualDataCenters'],
  ['hosts', 'Hosts'],
  ['clusterreleases', 'Releases'],
  ['serverconfigs', 'Configuration'],
] as const;
const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const REST_MS = 400;

export function RightsPage() {
  useTitle('Who may do what');
  const [organization, setOrganization] = useState('');
  const asked = useDebounced(organization.trim(), REST_MS);
  return (
    <>
      <PageSection variant="secondary">
        <Title headingLevel="h1">Who may do what</Title>
        <Content component="p">
          People and programs have rights by roles. Nodes and hosts have theirs by what they are, and no role gives them more.
        </Content>
      </PageSection>
      <PageSection isFilled>
        <div className="or-gap">
          <Part title="What you may">
            <Person />
            <Form onSubmit={(event) => event.preventDefault()} className="or-gap">
              <Field id="organization" label="Organization" problem={undefined} hint="Empty: in all of them.">
                {(input) => (
                  <TextInput {...input} value={organization} onChange={(_event, text) => setOrganization(text)} autoComplete="off" />
                )}
              </Field>
            </Form>
            <Matrix organization={asked} />
          </Part>
        </div>
        <Part title="Whom rights belong to">
          <Bindings />
        </Part>
      </PageSection>
    </>
  );
}

interface SelfReview {
  readonly status: { readonly userInfo: { readonly username: string; readonly groups?: readonly string[] } };
}

function Person() {
  const { data } = useQuery({
    queryKey: ['self'],
    queryFn: () =>
      call<SelfReview>('POST', SELF_REVIEW_PATH, { body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' } }),
  });
  if (data === undefined) return null;
  const { username, groups = [] } = data.status.userInfo;
  return <p className="or-gap or-break">{`You are ${username}${groups.length === 0 ? '' : `, of ${groups.join(', ')}`}.`}</p>;
}

function Matrix({ organization }: { readonly organization: string }) {
  return (
    <Table aria-label="What you may" variant="compact" gridBreakPoint="grid-md">
      <Thead>
        <Tr>
          <Th>What</Th>
          {VERBS.map(([verb, word]) => (
            <Th key={verb}>{word}</Th>
          ))}
        </Tr>
      </Thead>
      <Tbody>
        {RESOURCES.map(([resource, label]) => (
          <Tr key={resource}>
            <Td dataLabel="What">{label}</Td>
            {VERBS.map(([verb, word]) => (
              <Td key={verb} dataLabel={word}>
                <Cell verb={verb} resource={resource} namespace={organization} />
              </Td>
            ))}
          </Tr>
        ))}
      </Tbody>
    </Table>
  );
}

function Cell(wish: { readonly verb: string; readonly resource: string; readonly namespace: string }) {
  const whyNot = useWhyNot({ ...wish, name: '' });
  if (whyNot === undefined) return 'Yes';
  return (
    <Tooltip content={whyNot} aria="describedby">
      <Button variant="link" isInline>
        No
      </Button>
    </Tooltip>
  );
}

const COLUMNS: readonly (TableColumn<RightRow> & { readonly rank: (row: RightRow) => string })[] = [
  {
    id: 'subject',
    label: 'Who',
    width: 25,
    cell: ({ subject, kind }) => (
      <span className="or-break">
        {subject}
        <span className="or-beside">{kind}</span>
      </span>
    ),
    rank: ({ subject }) => subject,
  },
  {
    id: 'where',
    label: 'Where',
    cell: ({ organization }) => (organization === '' ? 'Everywhere' : organization),
    rank: ({ organization }) => organization,
  },
  { id: 'role', label: 'Role', width: 20, cell: ({ role }) => <span className="or-break">{role}</span>, rank: ({ role }) => role },
  {
    id: 'may',
    label: 'May',
    width: 40,
    cell: ({ rules }) => rules.map((rule) => <div key={rule}>{rule}</div>),
    rank: ({ rules }) => rules.join(),
  },
];

function Bindings() {
  const sets = {
    clusterRoles: useLive<Role>(`${RBAC}/clusterroles`),
    roles: useLive<Role>(`${RBAC}/roles`),
    wide: useLive<Binding>(`${RBAC}/clusterrolebindings`),
    narrow: useLive<Binding>(`${RBAC}/rolebindings`),
  };
  const { clusterRoles, roles, wide, narrow } = sets;
  const [search, setSearch] = useState('');
  const [order, setOrder] = useState({ sort: 'subject', descending: false });
  const rows = useMemo(
    () => rightRows([...wide.objects.values(), ...narrow.objects.values()], new Map([...clusterRoles.objects, ...roles.objects])),
    [wide.objects, narrow.objects, clusterRoles.objects, roles.objects],
  );
  const shown = useMemo(() => {
    const rank = COLUMNS.find(({ id }) => id === order.sort)?.rank ?? (() => '');
    return shownRows(rows, { search, descending: order.descending }, rank, () => true);
  }, [rows, search, order]);
  const refused = Object.values(sets).find(({ contact }) => contact.state === 'refused')?.contact;
  if (refused?.state === 'refused')
    return (
      <Alert component="p" isInline variant="info" title="Roles and bindings are not shown to you">
        {refused.why}
      </Alert>
    );
  if (!Object.values(sets).every(({ complete }) => complete)) return <Waiting what="roles and bindings" />;
  return (
    <>
      <ContactBanner contact={wide.contact} />
      <SearchInput
        aria-label="Search rights"
        placeholder="Person, role, organization, or what is allowed"
        value={search}
        onChange={(_event, text) => setSearch(text)}
        onClear={() => setSearch('')}
        className="or-gap"
      />
      <VirtualTable
        label="Whom rights belong to"
        columns={COLUMNS}
        rows={shown}
        {...order}
        onSort={(sort, descending) => setOrder({ sort, descending })}
      />
    </>
  );
}
