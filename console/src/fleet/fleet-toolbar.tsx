/**
 * Search, filters and order of the fleet. On narrow screens the table has no heads to sort by: the order is chosen here.
 */

import { FormSelect, FormSelectOption, SearchInput, Switch, Toolbar, ToolbarContent, ToolbarItem } from '@patternfly/react-core';
import { PHASES } from '../../../src/model/cluster.ts';
import { SORTS } from './fleet-view.ts';
import type { FleetView, Sort } from './fleet-view.ts';

const SORT_WORDS: Readonly<Record<Sort, string>> = {
  attention: 'What needs a person first',
  name: 'By name',
  phase: 'By phase',
  license: 'By license days left',
  release: 'By release',
  nodes: 'By missing nodes',
};

export interface FleetToolbarProps {
  readonly view: FleetView;
  readonly change: (part: Partial<FleetView>) => void;
  readonly shown: number;
  readonly total: number;
}

export function FleetToolbar({ view, change, shown, total }: FleetToolbarProps) {
  return (
    <Toolbar>
      <ToolbarContent>
        <ToolbarItem className="or-search">
          <SearchInput
            aria-label="Search clusters by name, site or release"
            placeholder="Name, site or release"
            value={view.search}
            onChange={(_event, search) => change({ search })}
            onClear={() => change({ search: '' })}
          />
        </ToolbarItem>
        <ToolbarItem>
          <FormSelect
            aria-label="Phase"
            value={view.phase ?? ''}
            onChange={(_event, value) => change({ phase: PHASES.find((one) => one === value) })}
          >
            <FormSelectOption value="" label="All phases" />
            {PHASES.map((phase) => (
              <FormSelectOption key={phase} value={phase} label={phase} />
            ))}
          </FormSelect>
        </ToolbarItem>
        <ToolbarItem visibility={{ default: 'visible', lg: 'hidden' }}>
          <FormSelect
            aria-label="Order"
            value={view.sort}
            onChange={(_event, value) => change({ sort: SORTS.find((one) => one === value) ?? 'attention', descending: false })}
          >
            {SORTS.map((sort) => (
              <FormSelectOption key={sort} value={sort} label={SORT_WORDS[sort]} />
            ))}
          </FormSelect>
        </ToolbarItem>
        <ToolbarItem alignSelf="center">
          <Switch id="needy" label="Only what needs a person" isChecked={view.needy} onChange={(_event, needy) => change({ needy })} />
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
