/**
 * The conditions of a cluster: what each says, in whole sentences.
 */

import { Label } from '@patternfly/react-core';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import type { Cluster } from '../../../src/model/cluster.ts';
import { dateTimeText } from '../shell/moment.ts';
import { wordsOf } from './story.ts';

export type ShownCondition = NonNullable<NonNullable<Cluster['status']>['conditions']>[number];

export function Conditions({ conditions }: { readonly conditions: readonly ShownCondition[] }) {
  return (
    <Table aria-label="Conditions" className="or-stacked" variant="compact" gridBreakPoint="grid-md">
      <Thead>
        <Tr>
          <Th>Condition</Th>
          <Th>Holds</Th>
          <Th>What it says</Th>
          <Th>Since</Th>
        </Tr>
      </Thead>
      <Tbody>
        {conditions.map((condition) => (
          <Tr key={condition.type}>
            <Td dataLabel="Condition">{condition.type}</Td>
            <Td dataLabel="Holds">
              <Label isCompact variant="outline">
                {condition.status}
              </Label>
            </Td>
            <Td dataLabel="What it says">{condition.message === '' ? wordsOf(condition.reason) : condition.message}</Td>
            <Td dataLabel="Since">{dateTimeText(Date.parse(condition.lastTransitionTime))}</Td>
          </Tr>
        ))}
      </Tbody>
    </Table>
  );
}
