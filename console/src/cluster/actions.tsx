/**
 * What can be done to a cluster. An action that cannot be done says why, to the pointer and to the keyboard.
 */

import { Flex, FlexItem } from '@patternfly/react-core';
import { useState } from 'react';
import type { Cluster } from '../../../src/model/cluster.ts';
import { useWhyNot } from '../api/access.ts';
import { Action } from '../shell/action.tsx';
import { DeleteDialog } from './delete-dialog.tsx';
import { UpgradeDialog } from './release/upgrade-dialog.tsx';
import { ScaleDialog } from './scale-dialog.tsx';

export function Actions({ cluster }: { readonly cluster: Cluster }) {
  const { name, namespace = '', deletionTimestamp } = cluster.metadata;
  const [open, setOpen] = useState<'scale' | 'upgrade' | 'delete' | undefined>();
  const place = { resource: 'clusters', namespace, name };
  const mayNotScale = useWhyNot({ verb: 'patch', subresource: 'scale', ...place });
  const mayNotUpgrade = useWhyNot({ verb: 'patch', ...place });
  const mayNotDelete = useWhyNot({ verb: 'delete', ...place });
  const going = deletionTimestamp === undefined ? undefined : 'It is being deleted already.';
  const close = (): void => setOpen(undefined);
  return (
    <Flex gap={{ default: 'gapSm' }}>
      <FlexItem>
        <Action whyNot={going ?? mayNotScale} variant="secondary" onClick={() => setOpen('scale')}>
          Scale
        </Action>
      </FlexItem>
      <FlexItem>
        <Action whyNot={going ?? mayNotUpgrade} variant="secondary" onClick={() => setOpen('upgrade')}>
          Upgrade
        </Action>
      </FlexItem>
      <FlexItem>
        <Action whyNot={going ?? mayNotDelete} variant="danger" onClick={() => setOpen('delete')}>
          Delete
        </Action>
      </FlexItem>
      {open === 'scale' && <ScaleDialog cluster={cluster} close={close} />}
      {open === 'upgrade' && <UpgradeDialog cluster={cluster} close={close} />}
      {open === 'delete' && <DeleteDialog cluster={cluster} close={close} />}
    </Flex>
  );
}
