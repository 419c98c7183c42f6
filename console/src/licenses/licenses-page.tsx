/**
 * What organizations are entitled to, what of it is used, and the most that ever was.
 */

import { useMemo, useState } from 'react';
import { universalLicenseKind } from '../../../src/model/universal-license.ts';
import type { UniversalLicense } from '../../../src/model/universal-license.ts';
import { useWhyNot } from '../api/access.ts';
import { listPath } from '../api/paths.ts';
import { ObjectDialog } from '../form/object-dialog.tsx';
import { Action } from '../shell/action.tsx';
import { dateText, useNow } from '../shell/moment.ts';
import { PlaceLink } from '../shell/navigation.tsx';
import { ListPage, useListView } from '../table/list-page.tsx';
import type { ListColumn, ListFilter } from '../table/list-page.tsx';
import { useLive } from '../watch/live-kind.ts';
import { licenseRow, STANDINGS } from './license-row.ts';
import type { LicenseRow } from './license-row.ts';
import { StandingLabel } from './standing-label.tsx';

const MINUTE_MS = 60_000;

const COLUMNS: readonly ListColumn<LicenseRow>[] = [
  { id: 'name', label: 'License', width: 20, cell: nameCell, rank: ({ key }) => key },
  {
    id: 'standing',
    label: 'State',
    cell: ({ standing }) => <StandingLabel standing={standing} />,
    rank: ({ standing }) => STANDINGS.indexOf(standing),
  },
  {
    id: 'used',
    label: 'Seats in use',
    cell: ({ current, seats }) => `${current.toLocaleString()} of ${seats.toLocaleString()}`,
    rank: ({ current, seats }) => current / seats,
  },
  { id: 'peak', label: 'Peak', cell: ({ peak }) => peak.toLocaleString(), rank: ({ peak }) => peak },
  { id: 'sites', label: 'Sites', cell: ({ sites }) => sites.toLocaleString(), rank: ({ sites }) => sites },
  { id: 'end', label: 'Contract ends', cell: ({ endMs }) => dateText(endMs), rank: ({ endMs }) => endMs },
];

const FILTER: ListFilter<LicenseRow> = {
  label: 'State',
  all: 'All states',
  options: STANDINGS.map((standing) => ({ value: standing, label: standing, passes: (row) => row.standing === standing })),
};

export function LicensesPage() {
  const [{ organization }] = useListView();
  const { objects, contact, complete } = useLive<UniversalLicense>(listPath('universallicenses', organization));
  const now = useNow(MINUTE_MS);
  const [isAdding, setAdding] = useState(false);
  const mayNot = useWhyNot({ verb: 'create', resource: 'universallicenses', namespace: organization, name: '' });
  const rows = useMemo(() => Array.from(objects.values(), (license) => licenseRow(license, now)), [objects, now]);
  const poor = rows.filter(({ standing }) => standing !== 'Runs').length;
  return (
    <>
      <ListPage
        title="Licenses"
        what="licenses"
        hint="Name, edition or model"
        summary={`${rows.length === 1 ? '1 universal license' : `${rows.length.toLocaleString()} universal licenses`}${poor === 0 ? '' : `; ${poor} to be looked at`}`}
        rows={rows}
        live={{ contact, complete }}
        columns={COLUMNS}
        filter={FILTER}
        isOfOrganizations
        actions={
          <Action whyNot={mayNot} onClick={() => setAdding(true)}>
            Add a license
          </Action>
        }
        empty="A universal license says how many seats the sites of an organization have, and for how long."
      />
      {isAdding && (
        <ObjectDialog
          title="Add a license"
          kind={universalLicenseKind}
          initial={{ metadata: { namespace: organization }, spec: {} }}
          close={() => setAdding(false)}
        />
      )}
    </>
  );
}

function nameCell({ namespace, name, edition, model }: LicenseRow) {
  return (
    <>
      <PlaceLink place={{ page: 'license', namespace, name }}>{name}</PlaceLink>
      <span className="or-beside">
        {namespace}, {edition}, {model}
      </span>
    </>
  );
}
