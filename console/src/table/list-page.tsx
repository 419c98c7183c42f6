/**
 * A page that is a list: search, filter and order in the address, a table of any length, and what is said when there is nothing, not yet, or not for
 * this person.
 */

import {
  Content,
  EmptyState,
  EmptyStateBody,
  Flex,
  FlexItem,
  FormSelect,
  FormSelectOption,
  PageSection,
  SearchInput,
  Title,
  Toolbar,
  ToolbarContent,
  ToolbarItem,
} from '@patternfly/react-core';
import { useDeferredValue, useMemo } from 'react';
import type { ReactNode } from 'react';
import { ContactBanner } from '../shell/contact-banner.tsx';
import { useSearch } from '../shell/navigation.tsx';
import { useTitle } from '../shell/title.ts';
import { Waiting } from '../shell/waiting.tsx';
import type { LiveSet } from '../watch/live-set.ts';
import { readListView, shownRows, writeListView } from './list-view.ts';
import type { ListRow, ListView } from './list-view.ts';
import { Narrow } from './narrow.tsx';
import { VirtualTable } from './virtual-table.tsx';
import type { TableColumn } from './virtual-table.tsx';

export interface ListColumn<Row> extends TableColumn<Row> {
  readonly rank: (row: Row) => number | string;
}

export interface ListFilter<Row> {
  readonly label: string;
  /** What stands where nothing is filtered. */
  readonly all: string;
  readonly options: readonly { readonly value: string; readonly label: string; readonly passes: (row: Row) => boolean }[];
}

export interface ListPageProps<Row> {
  readonly title: string;
  /** Of the page, in a sentence. */
  readonly summary: string;
  /** 'hosts'. */
  readonly what: string;
  readonly hint: string;
  readonly rows: readonly Row[];
  readonly live: Pick<LiveSet<unknown>, 'contact' | 'complete'>;
  readonly columns: readonly ListColumn<Row>[];
  readonly filter?: ListFilter<Row>;
  /** Whether the lines belong to organizations, of which a person may see only some. */
  readonly isOfOrganizations: boolean;
  readonly actions?: ReactNode;
  /** What is said where there is none at all. */
  readonly empty: ReactNode;
}

export function useListView(): readonly [view: ListView, change: (part: Partial<ListView>) => void] {
  const [search, setSearch] = useSearch();
  const view = useMemo(() => readListView(search), [search]);
  return [view, (part) => setSearch(writeListView({ ...view, ...part }))];
}

export function ListPage<Row extends ListRow>(props: ListPageProps<Row>) {
  const { title, summary, what, live, actions } = props;
  useTitle(title);
  const [view, change] = useListView();
  const { contact, complete } = live;
  const isRefused = contact.state === 'refused';
  return (
    <>
      <ContactBanner contact={contact} />
      <PageSection variant="secondary">
        <Flex justifyContent={{ default: 'justifyContentSpaceBetween' }} alignItems={{ default: 'alignItemsCenter' }}>
          <FlexItem>
            <Title headingLevel="h1">{title}</Title>
            <Content component="p">{complete ? summary : ''}</Content>
          </FlexItem>
          {actions !== undefined && <FlexItem>{actions}</FlexItem>}
        </Flex>
      </PageSection>
      <PageSection isFilled className="or-fleet">
        {props.isOfOrganizations && (isRefused || view.organization !== '') && (
          <Narrow
            why={isRefused ? contact.why : undefined}
            organization={view.organization}
            choose={(organization) => change({ organization })}
          />
        )}
        {!props.isOfOrganizations && isRefused && <NotForYou title={title} why={contact.why} />}
        {!complete && !isRefused && <Waiting what={what} />}
        {complete && <Lines {...props} view={view} change={change} />}
      </PageSection>
    </>
  );
}

function NotForYou({ title, why }: { readonly title: string; readonly why: string }) {
  return (
    <EmptyState titleText={`${title} are not shown to you`} headingLevel="h2">
      <EmptyStateBody>{why}</EmptyStateBody>
    </EmptyState>
  );
}

interface LinesProps<Row> extends ListPageProps<Row> {
  readonly view: ListView;
  readonly change: (part: Partial<ListView>) => void;
}

function Lines<Row extends ListRow>(props: LinesProps<Row>) {
  const { rows, columns, filter, view, change, title, what } = props;
  // Typing is never held up by sorting 10,000 lines.
  const shownView = useDeferredValue(view);
  const shown = useMemo(() => {
    const by = columns.find(({ id }) => id === shownView.sort) ?? columns[0];
    const passes = filter?.options.find(({ value }) => value === shownView.filter)?.passes ?? (() => true);
    return shownRows(rows, shownView, by?.rank ?? (() => 0), passes);
  }, [rows, columns, filter, shownView]);
  if (rows.length === 0)
    return (
      <EmptyState titleText={`There are no ${what}`} headingLevel="h2">
        <EmptyStateBody>{props.empty}</EmptyStateBody>
      </EmptyState>
    );
  return (
    <>
      <Tools {...props} shown={shown.length} />
      {shown.length > 0 ? (
        <VirtualTable
          label={title}
          columns={columns}
          rows={shown}
          sort={view.sort === '' ? (columns[0]?.id ?? '') : view.sort}
          descending={view.descending}
          onSort={(sort, descending) => change({ sort, descending })}
        />
      ) : (
        <EmptyState titleText="None is like that" headingLevel="h2">
          <EmptyStateBody>Search for less, or take the filter away.</EmptyStateBody>
        </EmptyState>
      )}
    </>
  );
}

function Tools<Row extends ListRow>({
  rows,
  columns,
  filter,
  view,
  change,
  what,
  hint,
  shown,
}: LinesProps<Row> & { readonly shown: number }) {
  const total = rows.length;
  return (
    <Toolbar>
      <ToolbarContent>
        <ToolbarItem className="or-search">
          <SearchInput
            aria-label={`Search ${what}`}
            placeholder={hint}
            value={view.search}
            onChange={(_event, search) => change({ search })}
            onClear={() => change({ search: '' })}
          />
        </ToolbarItem>
        {filter !== undefined && (
          <ToolbarItem>
            <FormSelect aria-label={filter.label} value={view.filter} onChange={(_event, value) => change({ filter: value })}>
              <FormSelectOption value="" label={filter.all} />
              {filter.options.map(({ value, label }) => (
                <FormSelectOption key={value} value={value} label={label} />
              ))}
            </FormSelect>
          </ToolbarItem>
        )}
        <ToolbarItem visibility={{ default: 'visible', lg: 'hidden' }}>
          <FormSelect aria-label="Order" value={view.sort} onChange={(_event, sort) => change({ sort, descending: false })}>
            {columns.map(({ id, label }, index) => (
              <FormSelectOption key={id} value={index === 0 ? '' : id} label={`By ${label.toLowerCase()}`} />
            ))}
          </FormSelect>
        </ToolbarItem>
        <ToolbarItem alignSelf="center" align={{ default: 'alignStart', lg: 'alignEnd' }}>
          <span role="status" aria-live="polite">
            {shown === total ? `${total.toLocaleString()} shown` : `${shown.toLocaleString()} of ${total.toLocaleString()} shown`}
          </span>
        </ToolbarItem>
      </ToolbarContent>
    </Toolbar>
  );
}
