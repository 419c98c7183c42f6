/**
 * The customers' locations: what is plugged in where, and how pairing stands.
 */

import { useMemo, useState } from 'react';
import { siteKind } from '../../../src/model/site.ts';
import type { Site } from '../../../src/model/site.ts';
import { useWhyNot } from '../api/access.ts';
import { listPath } from '../api/paths.ts';
import { ObjectDialog } from '../form/object-dialog.tsx';
import { Action } from '../shell/action.tsx';
import { PlaceLink } from '../shell/navigation.tsx';
import { ListPage, useListView } from '../table/list-page.tsx';
import type { ListColumn, ListFilter } from '../table/list-page.tsx';
import { useLive } from '../watch/live-kind.ts';
import { PairingLabel } from './pairing-label.tsx';
import { PAIRINGS, siteRow } from './site-row.ts';
import type { SiteRow } from './site-row.ts';

const COLUMNS: readonly ListColumn<SiteRow>[] = [
  { id: 'name', label: 'Site', width: 20, cell: nameCell, rank: ({ key }) => key },
  {
    id: 'pairing',
    label: 'Pairing',
    cell: ({ pairing }) => <PairingLabel pairing={pairing} />,
    rank: ({ pairing }) => PAIRINGS.indexOf(pairing),
  },
  { id: 'cluster', label: 'Cluster', cell: clusterCell, rank: ({ cluster }) => cluster },
  {
    id: 'checks',
    label: 'Checks passed',
    cell: ({ passed, checks }) => (checks === 0 ? 'None made' : `${passed} of ${checks}`),
    rank: ({ passed, checks }) => passed - checks,
  },
  { id: 'license', label: 'License', cell: ({ license }) => (license === '' ? 'None' : license), rank: ({ license }) => license },
  {
    id: 'says',
    label: 'What it says',
    width: 30,
    cell: ({ message }) => <span className="or-clamp">{message}</span>,
    rank: ({ message }) => message,
  },
];

const FILTER: ListFilter<SiteRow> = {
  label: 'Pairing',
  all: 'All',
  options: PAIRINGS.map((pairing) => ({ value: pairing, label: pairing, passes: (row) => row.pairing === pairing })),
};

export function SitesPage() {
  const [{ organization }] = useListView();
  const { objects, contact, complete } = useLive<Site>(listPath('sites', organization));
  const [isAdding, setAdding] = useState(false);
  const mayNot = useWhyNot({ verb: 'create', resource: 'sites', namespace: organization, name: '' });
  const rows = useMemo(() => Array.from(objects.values(), siteRow), [objects]);
  const paired = rows.filter(({ pairing }) => pairing === 'Paired').length;
  return (
    <>
      <ListPage
        title="Sites"
        what="sites"
        hint="Name, environment, cluster or license"
        summary={`${rows.length === 1 ? '1 site' : `${rows.length.toLocaleString()} sites`}, ${paired.toLocaleString()} paired`}
        rows={rows}
        live={{ contact, complete }}
        columns={COLUMNS}
        filter={FILTER}
        isOfOrganizations
        actions={
          <Action whyNot={mayNot} onClick={() => setAdding(true)}>
            Add a site
          </Action>
        }
        empty="A site is a customer's location with its connection servers; a cluster is paired with it."
      />
      {isAdding && (
        <ObjectDialog
          title="Add a site"
          kind={siteKind}
          initial={{ metadata: { namespace: organization }, spec: { connectionServers: [{}] } }}
          close={() => setAdding(false)}
        />
      )}
    </>
  );
}

function nameCell({ namespace, name, environment }: SiteRow) {
  return (
    <>
      <PlaceLink place={{ page: 'site', namespace, name }}>{name}</PlaceLink>
      <span className="or-beside">
        {namespace}, {environment}
      </span>
    </>
  );
}

function clusterCell({ namespace, cluster }: SiteRow) {
  return cluster === '' ? 'None' : <PlaceLink place={{ page: 'cluster', namespace, name: cluster }}>{cluster}</PlaceLink>;
}
