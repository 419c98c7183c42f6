/**
 * Cordon and uncordon.
 */

import type { Host } from '../../../src/model/host.ts';
import { objectPath } from '../api/paths.ts';
import { call, MERGE_PATCH } from '../api/request.ts';
import { OrderDialog } from '../shell/order-dialog.tsx';

export function markHost(name: string, cordoned: boolean): Promise<unknown> {
  return call('PATCH', objectPath('hosts', '', name), { body: { spec: { cordoned } }, contentType: MERGE_PATCH });
}

export function CordonDialog({ host, close }: { readonly host: Host; readonly close: () => void }) {
  const { name } = host.metadata;
  const verb = host.spec.cordoned ? 'Uncordon' : 'Cordon';
  return (
    <OrderDialog title={`${verb} ${name}`} verb={verb} run={() => markHost(name, !host.spec.cordoned)} close={close}>
      <p>{host.spec.cordoned ? 'It takes new nodes again.' : 'It takes no more nodes; those that it has go on. To empty it, drain it.'}</p>
    </OrderDialog>
  );
}
